// latchwire-gateway offers the server's gRPC API as HTTP/JSON. It keeps no state and makes no
// decisions: any number of them may run beside one server.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"golang.org/x/net/netutil"
	"google.golang.org/grpc"

	"github.com/latchwire/latchwire/server/gateway/internal/dialects"
	"github.com/latchwire/latchwire/server/gateway/internal/dialects/dialect"
	"github.com/latchwire/latchwire/server/gateway/internal/front"
	"github.com/latchwire/latchwire/server/gateway/internal/guard"
	"github.com/latchwire/latchwire/server/gateway/internal/health"
	"github.com/latchwire/latchwire/server/gateway/internal/observe"
	"github.com/latchwire/latchwire/server/gateway/internal/restapi"
	"github.com/latchwire/latchwire/server/gateway/internal/upstream"
	"github.com/latchwire/latchwire/server/gateway/internal/version"
)

const (
	readHeaderTimeout = 10 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 90 * time.Second // longer than upstream's longest call
	idleTimeout       = 60 * time.Second
	maxHeaderBytes    = 16 << 10
	maxConnections    = 1024
	maxInFlight       = 256
	// Connections to --metrics_listen, which has few scrapers.
	maxMetricsConnections = 8

	// The live heap is a few MiB, and by default Go would scan it again after as much has been allocated: a
	// quarter of the CPU time. Above the limit, memory matters more than that.
	gcPercent   = 400
	gcHardAbove = 512 << 20
)

type settings struct {
	server         upstream.Options
	listen         string
	metricsListen  string
	dialects       []dialect.Entry
	tlsCertificate string
	tlsKey         string
	drainTimeout   time.Duration
}

func main() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(gcPercent)
		debug.SetMemoryLimit(gcHardAbove)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run serves until ctx is done, then lets the requests in flight finish. It returns the
// exit code.
func run(ctx context.Context, arguments []string, stdout, stderr io.Writer) int {
	var s settings
	var dialectNames string
	var showVersion bool
	flags := flag.NewFlagSet("latchwire-gateway", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&s.server.Target, "server", "127.0.0.1:50051", "`host:port` of the server's gRPC API")
	flags.BoolVar(&s.server.TLS, "server_tls", false, "connect to the server with TLS")
	flags.StringVar(&s.server.CAFile, "server_ca_file", "",
		"PEM `file` of the authority that signed the server's certificate; implies --server_tls")
	flags.StringVar(&s.listen, "listen", "127.0.0.1:8080", "`address:port` to serve HTTP on; port 0 takes a free one")
	flags.StringVar(&s.metricsListen, "metrics_listen", "",
		"`address:port` to serve /metrics on, without TLS and without a key; none by default")
	flags.StringVar(&dialectNames, "dialects", "",
		"`names` of the REST dialects of other products to serve as well, separated by commas")
	flags.StringVar(&s.tlsCertificate, "tls_certificate_file", "", "PEM `file` of the certificate chain to serve HTTPS with")
	flags.StringVar(&s.tlsKey, "tls_key_file", "", "PEM `file` of its private key")
	flags.DurationVar(&s.drainTimeout, "drain_timeout", 20*time.Second, "how long requests may take to finish after SIGTERM")
	flags.BoolVar(&showVersion, "version", false, "print the version and exit")
	if err := flags.Parse(arguments); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if showVersion {
		fmt.Fprintf(stdout, "latchwire-gateway %s\n", version.Version)
		return 0
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "latchwire-gateway: unknown argument %q\n", flags.Arg(0))
		return 2
	}
	var err error
	if s.dialects, err = dialects.Choose(dialects.Table(), dialectNames); err != nil {
		fmt.Fprintf(stderr, "latchwire-gateway: --dialects: %v\n", err)
		return 2
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(stderr, nil)))
	if err := serve(ctx, s, stdout); err != nil {
		fmt.Fprintf(stderr, "latchwire-gateway: %v\n", err)
		return 1
	}
	return 0
}

func serve(ctx context.Context, s settings, stdout io.Writer) error {
	connection, err := upstream.Connect(s.server)
	if err != nil {
		return fmt.Errorf("--server: %w", err)
	}
	defer connection.Close()
	if !s.server.TLS && s.server.CAFile == "" && !isLocal(s.server.Target) {
		slog.Warn("keys and events go to the server in plain text; --server_tls protects them",
			"server", s.server.Target)
	}
	draining := make(chan struct{})
	metrics := observe.New()
	handler, err := newHandler(ctx, connection, s.dialects, metrics, draining)
	if err != nil {
		return err
	}
	server := newServer(handler)
	server.ConnState = metrics.ConnState
	if s.metricsListen != "" {
		stop, err := serveMetrics(s.metricsListen, metrics)
		if err != nil {
			return fmt.Errorf("--metrics_listen: %w", err)
		}
		defer stop()
	}
	listener, err := net.Listen("tcp", s.listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	defer listener.Close()
	bounded := netutil.LimitListener(listener, maxConnections)
	if s.tlsCertificate != "" || s.tlsKey != "" {
		pair, err := tls.LoadX509KeyPair(s.tlsCertificate, s.tlsKey)
		if err != nil {
			return fmt.Errorf("--tls_certificate_file, --tls_key_file: %w", err)
		}
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	fmt.Fprintf(stdout, "listening on %s\n", listener.Addr())

	served := make(chan error, 1)
	go func() {
		if server.TLSConfig != nil {
			served <- server.ServeTLS(bounded, "", "")
		} else {
			served <- server.Serve(bounded)
		}
	}()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	slog.Info("stopping", "drain_timeout", s.drainTimeout.String())
	close(draining)
	drain, cancel := context.WithTimeout(context.Background(), s.drainTimeout)
	defer cancel()
	if err := server.Shutdown(drain); err != nil {
		slog.Warn("requests were cut off", "error", err)
		_ = server.Close()
	}
	return nil
}

// newHandler wires everything that requests are sent to.
func newHandler(ctx context.Context, connection grpc.ClientConnInterface, chosen []dialect.Entry,
	metrics *observe.Metrics, draining <-chan struct{}) (http.Handler, error) {
	limits := guard.New(maxInFlight)
	api, err := restapi.New(ctx, connection, limits)
	if err != nil {
		return nil, err
	}
	enabled, err := dialects.New(chosen, connection, limits)
	if err != nil {
		return nil, err
	}
	return front.New(front.Parts{
		Probes:   health.New(connection, limits.Full, draining),
		Dialects: enabled,
		API:      api,
		Metrics:  metrics,
	}), nil
}

func newServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn),
	}
}

// serveMetrics serves GET /metrics at address until the returned function is called.
func serveMetrics(address string, metrics *observe.Metrics) (stop func(), err error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics.Page())
	server := newServer(mux)
	go func() {
		if err := server.Serve(netutil.LimitListener(listener, maxMetricsConnections)); !errors.Is(err, http.ErrServerClosed) {
			slog.Error("metrics are no longer served", "error", err)
		}
	}()
	slog.Info("serving metrics", "metrics_address", listener.Addr().String())
	return func() { _ = server.Close() }, nil
}

func isLocal(target string) bool {
	host, _, err := net.SplitHostPort(target)
	if err != nil {
		return false
	}
	address := net.ParseIP(host)
	return host == "localhost" || address != nil && address.IsLoopback()
}
