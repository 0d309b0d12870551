// Package latchwire is a client of a Latchwire server.
//
//	client, err := latchwire.New("127.0.0.1:50051", "<id>.<secret>")
//	...
//	defer client.Close()
//	webhook, err := client.CreateWebhook(ctx, &latchwirev1.Webhook{Url: "https://example.com/hook"})
//	event, err := client.Publish(ctx, &latchwirev1.Event{
//		Type: "door.opened", Source: "panel-1", Data: latchwire.JSON(`{"door":7}`),
//	})
//
// Every call of the API is there: the client's fields are the generated stubs, with key, timeout,
// errors and retries taken care of. Methods exist where there is something to add. At the
// receiving end see package webhookverify.
package latchwire

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	latchwirev1 "github.com/latchwire/latchwire/clients/go/latchwire/v1"
)

const (
	defaultTimeout  = 30 * time.Second
	maxMessageBytes = 16 << 20
)

// Client is a connection to a server. It is safe for concurrent use.
//
// Every failure of a call is an *Error. Calls whose context has no deadline get one of 30 s, with
// all retries; SendTestEvent waits for the receiver, which may take up to 60 s.
type Client struct {
	Webhooks   latchwirev1.WebhookServiceClient
	Events     latchwirev1.EventServiceClient
	Deliveries latchwirev1.DeliveryServiceClient
	EventTypes latchwirev1.EventTypeServiceClient
	Tenants    latchwirev1.TenantServiceClient
	APIKeys    latchwirev1.ApiKeyServiceClient

	connection *grpc.ClientConn
}

// An Option changes how New connects.
type Option func(*options)

type options struct {
	transport   credentials.TransportCredentials
	timeout     time.Duration
	dialOptions []grpc.DialOption
	sleep       func(context.Context, time.Duration) error
	jitter      func() float64
}

// WithTLS connects with TLS, also to a loopback address; nil takes the system's roots.
func WithTLS(config *tls.Config) Option {
	if config == nil {
		config = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return func(o *options) { o.transport = credentials.NewTLS(config) }
}

// WithPlaintext connects without TLS, also to other machines: anybody who sees the traffic has the key.
func WithPlaintext() Option {
	return func(o *options) { o.transport = insecure.NewCredentials() }
}

// WithTimeout sets the time for calls whose context has no deadline.
func WithTimeout(timeout time.Duration) Option {
	return func(o *options) { o.timeout = timeout }
}

// WithDialOptions adds options of gRPC's own.
func WithDialOptions(dialOptions ...grpc.DialOption) Option {
	return func(o *options) { o.dialOptions = append(o.dialOptions, dialOptions...) }
}

// New returns a client of the server at address (`host:port`). Loopback addresses are called in
// plain text, all others with TLS; an option says otherwise. The connection is made by the first
// call, and made again whenever it breaks.
func New(address, key string, opts ...Option) (*Client, error) {
	if address == "" || key == "" {
		return nil, errors.New("latchwire: address and key are needed")
	}
	o := options{timeout: defaultTimeout, sleep: sleep, jitter: jitter}
	if isLoopback(address) {
		WithPlaintext()(&o)
	} else {
		WithTLS(nil)(&o)
	}
	for _, option := range opts {
		option(&o)
	}
	dialOptions := append([]grpc.DialOption{
		grpc.WithTransportCredentials(o.transport),
		grpc.WithPerRPCCredentials(apiKey{
			header: "Bearer " + key,
			secure: o.transport.Info().SecurityProtocol == "tls",
		}),
		grpc.WithUnaryInterceptor(retrier{o.timeout, o.sleep, o.jitter}.intercept),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessageBytes)),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{
				BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 5 * time.Second},
			MinConnectTimeout: 5 * time.Second,
		}),
	}, o.dialOptions...)
	connection, err := grpc.NewClient(address, dialOptions...)
	if err != nil {
		return nil, err
	}
	return &Client{
		Webhooks:   latchwirev1.NewWebhookServiceClient(connection),
		Events:     latchwirev1.NewEventServiceClient(connection),
		Deliveries: latchwirev1.NewDeliveryServiceClient(connection),
		EventTypes: latchwirev1.NewEventTypeServiceClient(connection),
		Tenants:    latchwirev1.NewTenantServiceClient(connection),
		APIKeys:    latchwirev1.NewApiKeyServiceClient(connection),
		connection: connection,
	}, nil
}

// Close ends the connection; calls in flight fail.
func (c *Client) Close() error { return c.connection.Close() }

type apiKey struct {
	header string
	secure bool
}

func (k apiKey) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": k.header}, nil
}

// RequireTransportSecurity makes gRPC refuse to send the key in plain text where TLS was meant.
func (k apiKey) RequireTransportSecurity() bool { return k.secure }

func isLoopback(address string) bool {
	if strings.HasPrefix(address, "unix:") {
		return true
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
