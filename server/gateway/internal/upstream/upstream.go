// Package upstream connects the gateway to the server.
package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
)

// The server ends a page at about 2 MiB; this is that with room to grow.
const maxMessageBytes = 16 << 20

// callTimeout is longer than the longest call, SendTestEvent to a receiver that takes 60 s.
const callTimeout = 70 * time.Second

// Options of the connection.
type Options struct {
	Target string // host:port
	TLS    bool
	CAFile string // PEM; empty takes the system's roots
}

// Connect returns a connection that is made on first use and made again whenever it breaks.
func Connect(options Options) (*grpc.ClientConn, error) {
	transport := insecure.NewCredentials()
	if options.TLS || options.CAFile != "" {
		config := &tls.Config{MinVersion: tls.VersionTLS12}
		if options.CAFile != "" {
			pem, err := os.ReadFile(options.CAFile)
			if err != nil {
				return nil, err
			}
			config.RootCAs = x509.NewCertPool()
			if !config.RootCAs.AppendCertsFromPEM(pem) {
				return nil, fmt.Errorf("%s: no certificate in PEM form", options.CAFile)
			}
		}
		transport = credentials.NewTLS(config)
	}
	if options.Target == "" {
		return nil, errors.New("the server's address is empty")
	}
	return grpc.NewClient(options.Target,
		grpc.WithTransportCredentials(transport),
		// After an outage the gateway is back within seconds, not after gRPC's two minutes.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{
				BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 2 * time.Second},
			MinConnectTimeout: 5 * time.Second,
		}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessageBytes)),
		grpc.WithChainUnaryInterceptor(bound, passKeyOnly))
}

func bound(ctx context.Context, method string, request, reply any, connection *grpc.ClientConn,
	invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return invoke(ctx, method, request, reply, connection, options...)
}

// passKeyOnly removes all that the gateway's library takes over from HTTP headers but the key, so
// that a client cannot reach the server's metadata.
func passKeyOnly(ctx context.Context, method string, request, reply any, connection *grpc.ClientConn,
	invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	passed := metadata.MD{}
	if sent, ok := metadata.FromOutgoingContext(ctx); ok {
		if key := sent.Get("authorization"); len(key) > 0 {
			passed.Set("authorization", key...)
		}
	}
	return invoke(metadata.NewOutgoingContext(ctx, passed), method, request, reply, connection, options...)
}
