// Package restapi is the API as HTTP/JSON: it routes, limits and translates requests, and leaves every
// decision to the server.
package restapi

import (
	"context"
	"net/http"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	latchwirev1 "github.com/latchwire/latchwire/clients/go/latchwire/v1"
	"github.com/latchwire/latchwire/server/gateway/internal/exactjson"
	gen "github.com/latchwire/latchwire/server/gateway/internal/gen/latchwire/v1"
	"github.com/latchwire/latchwire/server/gateway/internal/guard"
	"github.com/latchwire/latchwire/server/gateway/internal/observe"
	"github.com/latchwire/latchwire/server/gateway/internal/openapi"
)

// Handler answers /v1/... and /openapi.json, and refuses any other path as unknown. It is safe for concurrent
// use.
type Handler struct {
	api      http.Handler
	document *openapi.Document
	guard    *guard.Guard
}

// New serves the API of the server at the other end of connection to the requests that the guard
// lets in.
func New(ctx context.Context, connection grpc.ClientConnInterface, limits *guard.Guard) (*Handler, error) {
	document, err := openapi.Load()
	if err != nil {
		return nil, err
	}
	h := &Handler{document: document, guard: limits}
	nothing := func(string) (string, bool) { return "", false }
	mux := runtime.NewServeMux(
		runtime.WithMarshalerOption(runtime.MIMEWildcard, exactjson.Marshaler{}),
		runtime.WithIncomingHeaderMatcher(nothing), // the library adds Authorization on its own
		runtime.WithOutgoingHeaderMatcher(nothing),
		runtime.WithOutgoingTrailerMatcher(nothing),
		runtime.WithMetadata(noteRoute),
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
			return gen.RegisterEventTypeServiceHandlerClient(ctx, mux, latchwirev1.NewEventTypeServiceClient(masked))
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
	switch path := r.URL.Path; {
	case strings.HasPrefix(path, "/v1/"):
		h.serveAPI(w, r)
	case path == "/openapi.json":
		observe.SetRoute(r.Context(), path)
		OnGet(w, r, func(w http.ResponseWriter, _ *http.Request) {
			writeJSON(w, http.StatusOK, h.document.JSON)
		})
	default:
		h.routeNotFound(w, r)
	}
}

func (h *Handler) serveAPI(w http.ResponseWriter, r *http.Request) {
	if st := checkHeaders(r); st != nil {
		observe.Refused(r.Context(), st)
		writeStatus(w, st, 0)
		return
	}
	refuse := func(w http.ResponseWriter, _ *http.Request, st *status.Status, httpStatus int) {
		writeStatus(w, st, httpStatus)
	}
	h.guard.Serve(w, r, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.api.ServeHTTP(w, prepare(r))
	}), refuse)
}

// noteRoute tells the metrics which path of the API a request is for. It adds no metadata.
func noteRoute(ctx context.Context, _ *http.Request) metadata.MD {
	if pattern, ok := runtime.HTTPPathPattern(ctx); ok {
		observe.SetRoute(ctx, pattern)
	}
	return nil
}

// OnGet calls serve for GET and HEAD, and answers other methods with 405.
func OnGet(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		methodNotAllowed(w, r, "GET, HEAD")
		return
	}
	serve(w, r)
}

func writeJSON(w http.ResponseWriter, httpStatus int, text []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(httpStatus)
	_, _ = w.Write(text)
}
