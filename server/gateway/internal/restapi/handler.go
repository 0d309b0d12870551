// Package restapi is the API as HTTP/JSON: it routes, bounds and translates, and leaves every
// decision to the server.
package restapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"

	latchwirev1 "github.com/latchwire/latchwire/clients/go/latchwire/v1"
	"github.com/latchwire/latchwire/server/gateway/internal/apierror"
	"github.com/latchwire/latchwire/server/gateway/internal/exactjson"
	gen "github.com/latchwire/latchwire/server/gateway/internal/gen/latchwire/v1"
	"github.com/latchwire/latchwire/server/gateway/internal/openapi"
)

const (
	// MaxBodyBytes is the largest request body.
	MaxBodyBytes  = 1 << 20
	healthTimeout = 2 * time.Second
)

// Handler answers /v1/..., /openapi.json, /healthz and /readyz.
type Handler struct {
	api      http.Handler
	document *openapi.Document
	health   grpc_health_v1.HealthClient
	slots    chan struct{}
	draining <-chan struct{}
}

// Options of a Handler.
type Options struct {
	// MaxInFlight requests are worked on at the same time; further ones get 429 at once.
	MaxInFlight int
	// Draining, once closed, makes /readyz fail, so that no new requests are sent here.
	Draining <-chan struct{}
}

// New serves the API of the server at the other end of connection.
func New(ctx context.Context, connection grpc.ClientConnInterface, options Options) (*Handler, error) {
	document, err := openapi.Load()
	if err != nil {
		return nil, err
	}
	h := &Handler{
		document: document,
		health:   grpc_health_v1.NewHealthClient(connection),
		slots:    make(chan struct{}, options.MaxInFlight),
		draining: options.Draining,
	}
	nothing := func(string) (string, bool) { return "", false }
	mux := runtime.NewServeMux(
		runtime.WithMarshalerOption(runtime.MIMEWildcard, exactjson.Marshaler{}),
		runtime.WithIncomingHeaderMatcher(nothing), // the library adds Authorization on its own
		runtime.WithOutgoingHeaderMatcher(nothing),
		runtime.WithOutgoingTrailerMatcher(nothing),
		runtime.WithErrorHandler(handleError),
		runtime.WithRoutingErrorHandler(h.routingError),
		runtime.WithDisablePathLengthFallback(),
		runtime.WithWriteContentLength(),
		runtime.SetQueryParameterParser(queryParser{}),
	)
	masked := maskingConnection{connection}
	for _, register := range []func() error{
		func() error {
			return gen.RegisterWebhookServiceHandlerClient(ctx, mux, latchwirev1.NewWebhookServiceClient(masked))
		},
		func() error {
			return gen.RegisterEventServiceHandlerClient(ctx, mux, latchwirev1.NewEventServiceClient(masked))
		},
		func() error {
			return gen.RegisterDeliveryServiceHandlerClient(ctx, mux, latchwirev1.NewDeliveryServiceClient(masked))
		},
		func() error {
			return gen.RegisterTenantServiceHandlerClient(ctx, mux, latchwirev1.NewTenantServiceClient(masked))
		},
		func() error {
			return gen.RegisterApiKeyServiceHandlerClient(ctx, mux, latchwirev1.NewApiKeyServiceClient(masked))
		},
	} {
		if err := register(); err != nil {
			return nil, err
		}
	}
	h.api = mux
	return h, nil
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store") // answers hold secrets
	switch path := r.URL.Path; {
	case strings.HasPrefix(path, "/v1/"):
		h.serveAPI(w, r)
	case path == "/openapi.json":
		h.onGet(w, r, func() { writeJSON(w, http.StatusOK, h.document.JSON) })
	case path == "/healthz":
		h.onGet(w, r, func() { writeHealth(w, http.StatusOK, "SERVING") })
	case path == "/readyz":
		h.onGet(w, r, func() { h.serveReady(w, r) })
	default:
		h.routeNotFound(w, r)
	}
}

func (h *Handler) serveAPI(w http.ResponseWriter, r *http.Request) {
	if st := checkHeaders(r); st != nil {
		writeStatus(w, st, 0)
		return
	}
	r, st, httpStatus := readBody(w, r)
	if st != nil {
		writeStatus(w, st, httpStatus)
		return
	}
	// Only now, so that a client that sends slowly takes no slot from others.
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	default:
		writeStatus(w, apierror.WithRetry(apierror.New(codes.ResourceExhausted,
			latchwirev1.ErrorReason_ERROR_REASON_OVERLOADED, nil,
			"the gateway works on %d requests already", cap(h.slots)), time.Second), 0)
		return
	}
	h.api.ServeHTTP(w, r)
}

// serveReady tells whether requests can be served: whether the server says that it serves.
func (h *Handler) serveReady(w http.ResponseWriter, r *http.Request) {
	select {
	case <-h.draining:
		writeHealth(w, http.StatusServiceUnavailable, "NOT_SERVING")
		return
	default:
	}
	ctx, cancel := context.WithTimeout(r.Context(), healthTimeout)
	defer cancel()
	answer, err := h.health.Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	switch {
	case err != nil:
		writeHealth(w, http.StatusServiceUnavailable, "SERVER_UNREACHABLE")
	case answer.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING:
		writeHealth(w, http.StatusServiceUnavailable, answer.GetStatus().String())
	default:
		writeHealth(w, http.StatusOK, "SERVING")
	}
}

func (h *Handler) onGet(w http.ResponseWriter, r *http.Request, serve func()) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		methodNotAllowed(w, r, "GET, HEAD")
		return
	}
	serve()
}

func writeHealth(w http.ResponseWriter, httpStatus int, health string) {
	text, _ := json.Marshal(map[string]string{"status": health})
	writeJSON(w, httpStatus, append(text, '\n'))
}

func writeJSON(w http.ResponseWriter, httpStatus int, text []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(httpStatus)
	_, _ = w.Write(text)
}
