// Package observe counts what the gateway does, for Prometheus.
package observe

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"

	"github.com/latchwire/latchwire/server/gateway/internal/apierror"
	"github.com/latchwire/latchwire/server/gateway/internal/version"
)

// noRoute labels requests whose path matched none, so that strangers cannot make labels.
const noRoute = "none"

// Metrics of one gateway. All methods are safe for concurrent use.
type Metrics struct {
	registry    *prometheus.Registry
	requests    *prometheus.CounterVec
	seconds     *prometheus.HistogramVec
	refusals    *prometheus.CounterVec
	inFlight    prometheus.Gauge
	connections prometheus.Gauge
}

// New returns metrics that start at zero.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "latchwire_gateway_requests_total",
			Help: "Requests that were answered, by the pattern of their path."}, []string{"route", "method", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "latchwire_gateway_request_seconds",
			Help: "Time from a request's headers to the end of its answer."}, []string{"route"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "latchwire_gateway_refusals_total",
			Help: "Requests that the gateway refused without asking the server."}, []string{"reason"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "latchwire_gateway_requests_in_flight", Help: "Requests in flight."}),
		connections: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "latchwire_gateway_connections", Help: "Open connections of clients."}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "latchwire_gateway_build_info", Help: "Always 1; the labels say what runs.",
		ConstLabels: prometheus.Labels{"version": version.Version}})
	build.Set(1)
	m.registry.MustRegister(m.requests, m.seconds, m.refusals, m.inFlight, m.connections, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Page answers a scrape.
func (m *Metrics) Page() http.Handler { return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}) }

// ConnState counts connections; it is a hook of http.Server.
func (m *Metrics) ConnState(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		m.connections.Inc()
	case http.StateClosed, http.StateHijacked:
		m.connections.Dec()
	}
}

// Wrap counts each request that next answers. Handlers behind it report what only they know by SetRoute and
// Refused.
func (m *Metrics) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		m.inFlight.Inc()
		noted := &note{route: noRoute}
		recorder := &recorder{ResponseWriter: w}
		defer func() {
			m.inFlight.Dec()
			m.requests.WithLabelValues(noted.route, methodLabel(r.Method), strconv.Itoa(recorder.final())).Inc()
			m.seconds.WithLabelValues(noted.route).Observe(time.Since(start).Seconds())
			if noted.refusal != "" {
				m.refusals.WithLabelValues(noted.refusal).Inc()
			}
		}()
		next.ServeHTTP(recorder, r.WithContext(context.WithValue(r.Context(), noteKey{}, noted)))
	})
}

// A note is what handlers find out about a request. One goroutine serves a request, so it needs no
// lock.
type note struct{ route, refusal string }

type noteKey struct{}

// SetRoute names the pattern that a request's path matched, such as `/v1/{name=webhooks/*}`. The
// set of patterns must be fixed: each makes a time series.
func SetRoute(ctx context.Context, pattern string) {
	if noted, ok := ctx.Value(noteKey{}).(*note); ok {
		noted.route = pattern
	}
}

// Refused reports that the gateway itself refuses a request, for the reason in st.
func Refused(ctx context.Context, st *status.Status) {
	info, ok := apierror.Detail[*errdetails.ErrorInfo](st)
	if noted, found := ctx.Value(noteKey{}).(*note); ok && found {
		noted.refusal = info.GetReason()
	}
}

// methodLabel keeps the number of labels small: a method is whatever a client writes.
func methodLabel(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodOptions:
		return method
	}
	return "other"
}

type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= http.StatusOK {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// final is the status that the client got: 200 when the handler named none.
func (r *recorder) final() int {
	if r.status == 0 {
		return http.StatusOK
	}
	return r.status
}
