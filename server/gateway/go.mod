module github.com/latchwire/latchwire/server/gateway

go 1.23.0

require (
	github.com/grpc-ecosystem/grpc-gateway/v2 v2.27.1
	github.com/latchwire/latchwire/clients/go v0.0.0
	google.golang.org/genproto/googleapis/api v0.0.0-20250603155806-513f23925822
	google.golang.org/genproto/googleapis/rpc v0.0.0-20250603155806-513f23925822
	google.golang.org/grpc v1.73.0
	google.golang.org/protobuf v1.36.8
)

require (
	golang.org/x/net v0.38.0 // indirect
	golang.org/x/sys v0.31.0 // indirect
	golang.org/x/text v0.26.0 // indirect
)

replace github.com/latchwire/latchwire/clients/go => ../../clients/go
