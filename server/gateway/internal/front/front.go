// Package front routes every request that the gateway takes to the probes, to a dialect or to the API, and
// counts it.
package front

import (
	"net/http"

	"github.com/latchwire/latchwire/server/gateway/internal/dialects"
	"github.com/latchwire/latchwire/server/gateway/internal/health"
	"github.com/latchwire/latchwire/server/gateway/internal/observe"
	"github.com/latchwire/latchwire/server/gateway/internal/restapi"
)

// Parts are the handlers that requests are sent to. All are required.
type Parts struct {
	Probes   *health.Probes
	Dialects *dialects.Set
	API      *restapi.Handler
	Metrics  *observe.Metrics
}

// New returns the gateway's handler.
func New(parts Parts) http.Handler {
	return parts.Metrics.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store") // answers hold secrets
		switch r.URL.Path {
		case "/healthz":
			observe.SetRoute(r.Context(), r.URL.Path)
			restapi.OnGet(w, r, parts.Probes.ServeLive)
			return
		case "/readyz":
			observe.SetRoute(r.Context(), r.URL.Path)
			restapi.OnGet(w, r, parts.Probes.ServeReady)
			return
		}
		if !parts.Dialects.Serve(w, r) {
			parts.API.ServeHTTP(w, r)
		}
	}))
}
