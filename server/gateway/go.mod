module github.com/latchwire/latchwire/server/gateway

go 1.23.0

require (
	github.com/grpc-ecosystem/grpc-gateway/v2 v2.27.1
	github.com/latchwire/latchwire/clients/go v0.0.0
	github.com/prometheus/client_golang v1.22.0
	golang.org/x/net v0.42.0
	google.golang.org/genproto/googleapis/api v0.0.0-20250603155806-513f23925822
	google.golang.org/genproto/googleapis/rpc v0.0.0-20250603155806-513f23925822
	google.golang.org/grpc v1.73.0
	google.golang.org/protobuf v1.36.8
)

require (
	github.com/beorn7/perks v1.0.1 // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/munnerz/goautoneg v0.0.0-20191010083416-a7dc8b61c822 // indirect
	github.com/prometheus/client_model v0.6.1 // indirect
	github.com/prometheus/common v0.62.0 // indirect
	github.com/prometheus/procfs v0.15.1 // indirect
	golang.org/x/sys v0.34.0 // indirect
	golang.org/x/text v0.27.0 // indirect
)

replace github.com/latchwire/latchwire/clients/go => ../../clients/go
