// Package health answers /healthz and /readyz, in the shape that the server and the agent answer in:
// `{"status":"ok","reasons":[]}`.
package health

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"

	latchwirev1 "github.com/latchwire/latchwire/clients/go/latchwire/v1"
	"github.com/latchwire/latchwire/server/gateway/internal/apierror"
)

const checkTimeout = 2 * time.Second

// The possible statuses of a report, from best to worst.
const (
	ok       = "ok"
	degraded = "degraded"
	refusing = "refusing"
)

// serverNotServing is not one of the API's reasons: the server's own health does not say why.
const serverNotServing = "SERVER_NOT_SERVING"

type report struct {
	Status  string   `json:"status"`
	Reasons []string `json:"reasons"`
}

// Probes answers both. It is safe for concurrent use.
type Probes struct {
	server   grpc_health_v1.HealthClient
	full     func() bool
	draining <-chan struct{}
}

// New returns the probes of a gateway in front of the server at the other end of connection. full tells
// whether the next request would be refused; draining is closed when the gateway begins to stop.
func New(connection grpc.ClientConnInterface, full func() bool, draining <-chan struct{}) *Probes {
	return &Probes{grpc_health_v1.NewHealthClient(connection), full, draining}
}

// ServeLive answers 200: the process lives.
func (p *Probes) ServeLive(w http.ResponseWriter, _ *http.Request) { write(w, report{ok, []string{}}) }

// ServeReady tells whether requests can be served, and if not, why. It asks the server.
func (p *Probes) ServeReady(w http.ResponseWriter, r *http.Request) {
	write(w, p.ready(r.Context()))
}

func (p *Probes) ready(ctx context.Context) report {
	select {
	case <-p.draining:
		return because(refusing, latchwirev1.ErrorReason_ERROR_REASON_SHUTTING_DOWN)
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	answer, err := p.server.Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	switch {
	case err != nil:
		return because(refusing, latchwirev1.ErrorReason_ERROR_REASON_SERVER_UNREACHABLE)
	case answer.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING:
		return report{refusing, []string{serverNotServing}}
	case p.full():
		// Until a slot is free another gateway is better, but this one still works.
		return because(degraded, latchwirev1.ErrorReason_ERROR_REASON_OVERLOADED)
	}
	return report{ok, []string{}}
}

func because(status string, reason latchwirev1.ErrorReason) report {
	return report{status, []string{apierror.ReasonName(reason)}}
}

func write(w http.ResponseWriter, found report) {
	text, _ := json.Marshal(found) // strings of our own
	w.Header().Set("Content-Type", "application/json")
	if found.Status == refusing {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_, _ = w.Write(append(text, '\n'))
}
