package front

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	grpchealth "google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	latchwirev1 "github.com/latchwire/latchwire/clients/go/latchwire/v1"
	"github.com/latchwire/latchwire/server/gateway/internal/apierror"
	"github.com/latchwire/latchwire/server/gateway/internal/dialects"
	"github.com/latchwire/latchwire/server/gateway/internal/dialects/dialect"
	"github.com/latchwire/latchwire/server/gateway/internal/guard"
	"github.com/latchwire/latchwire/server/gateway/internal/health"
	"github.com/latchwire/latchwire/server/gateway/internal/observe"
	"github.com/latchwire/latchwire/server/gateway/internal/restapi"
	"github.com/latchwire/latchwire/server/gateway/internal/upstream"
)

// fakeServer is a real gRPC server that knows webhooks 1 and up.
type fakeServer struct {
	latchwirev1.UnimplementedWebhookServiceServer
	health  *grpchealth.Server
	grpc    *grpc.Server
	keys    []string
	blocked chan struct{} // if set, calls wait until it is closed
	arrived chan struct{} // gets a value when a call waits
}

func (f *fakeServer) GetWebhook(ctx context.Context, request *latchwirev1.GetWebhookRequest) (*latchwirev1.Webhook, error) {
	f.keys = metadata.ValueFromIncomingContext(ctx, "authorization")
	if f.blocked != nil {
		f.arrived <- struct{}{}
		<-f.blocked
	}
	if request.GetName() == "webhooks/0" {
		return nil, apierror.New(5, latchwirev1.ErrorReason_ERROR_REASON_WEBHOOK_NOT_FOUND, nil, "no such webhook").Err()
	}
	return &latchwirev1.Webhook{Name: request.GetName(), Url: "https://example.com/"}, nil
}

// sample is a dialect as a product might have: the key in a query parameter, errors as one line of
// text with a code of its own.
type sample struct {
	webhooks latchwirev1.WebhookServiceClient
}

func sampleEntry(made *int) dialect.Entry {
	return dialect.Entry{Name: "sample", Prefixes: []string{"/panel/", "/legacy/api/"},
		New: func(connection grpc.ClientConnInterface) dialect.Dialect {
			*made++
			return sample{latchwirev1.NewWebhookServiceClient(connection)}
		}}
}

func (s sample) Routes() []dialect.Route {
	return []dialect.Route{
		{Method: "GET", Pattern: "/panel/hook/{uid}", Handle: s.get},
		{Method: "POST", Pattern: "/panel/hook/{uid}", Handle: echo},
		{Method: "GET", Pattern: "/legacy/api/hook/{uid}", Handle: s.get},
	}
}

func (s sample) Key(r *http.Request) string { return r.URL.Query().Get("token") }

func (s sample) WriteError(w http.ResponseWriter, _ *http.Request, st *status.Status, httpStatus int) {
	info, _ := apierror.Detail[*errdetails.ErrorInfo](st)
	w.WriteHeader(httpStatus)
	fmt.Fprintf(w, "ERR %s", info.GetReason())
}

func (s sample) get(w http.ResponseWriter, r *http.Request) error {
	webhook, err := s.webhooks.GetWebhook(r.Context(), &latchwirev1.GetWebhookRequest{Name: "webhooks/" + r.PathValue("uid")})
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "URL %s", webhook.GetUrl())
	return nil
}

func echo(w http.ResponseWriter, r *http.Request) error {
	_, _ = w.Write(guard.Body(r.Context()))
	return nil
}

type world struct {
	*fakeServer
	url      string
	draining chan struct{}
	metrics  *observe.Metrics
	made     int // how often the sample was made
}

// start serves the fake on loopback and a gateway before it, with the dialects of these names.
func start(t *testing.T, names string) *world {
	t.Helper()
	fake := &fakeServer{health: grpchealth.NewServer(), grpc: grpc.NewServer(), arrived: make(chan struct{}, 1)}
	latchwirev1.RegisterWebhookServiceServer(fake.grpc, fake)
	grpc_health_v1.RegisterHealthServer(fake.grpc, fake.health)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	go func() { _ = fake.grpc.Serve(listener) }()
	t.Cleanup(fake.grpc.Stop)
	connection, err := upstream.Connect(upstream.Options{Target: listener.Addr().String()})
	check(t, err)
	t.Cleanup(func() { _ = connection.Close() })

	w := &world{fakeServer: fake, draining: make(chan struct{}), metrics: observe.New()}
	limits := guard.New(1)
	api, err := restapi.New(context.Background(), connection, limits)
	check(t, err)
	chosen, err := dialects.Choose([]dialect.Entry{sampleEntry(&w.made)}, names)
	check(t, err)
	enabled, err := dialects.New(chosen, connection, limits)
	check(t, err)
	gateway := httptest.NewUnstartedServer(New(Parts{
		Probes:   health.New(connection, limits.Full, w.draining),
		Dialects: enabled,
		API:      api,
		Metrics:  w.metrics,
	}))
	gateway.Config.ConnState = w.metrics.ConnState
	gateway.Start()
	t.Cleanup(gateway.Close)
	w.url = gateway.URL
	return w
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (w *world) call(t *testing.T, method, target, body string, headers ...string) answer {
	t.Helper()
	request, err := http.NewRequest(method, w.url+target, strings.NewReader(body))
	check(t, err)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(request) // follows no redirect
	check(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	check(t, err)
	return answer{response.StatusCode, response.Header, string(text)}
}

func (w *world) want(t *testing.T, method, target string, httpStatus int, body string) answer {
	t.Helper()
	got := w.call(t, method, target, "")
	if got.status != httpStatus || strings.TrimSpace(got.body) != body {
		t.Errorf("%s %s: %d %s\nwant %d %s", method, target, got.status, got.body, httpStatus, body)
	}
	return got
}

func TestADialectAnswersInItsOwnShape(t *testing.T) {
	w := start(t, "sample")
	w.want(t, "GET", "/panel/hook/7?token=id.secret", 200, "URL https://example.com/")
	if len(w.keys) != 1 || w.keys[0] != "Bearer id.secret" {
		t.Errorf("the server saw the keys %q", w.keys)
	}
	w.want(t, "GET", "/legacy/api/hook/7?token=id.secret", 200, "URL https://example.com/")
	if got := w.call(t, "POST", "/panel/hook/7?token=k", "a=b&c"); got.body != "a=b&c" {
		t.Errorf("the body came as %q", got.body)
	}
	w.want(t, "HEAD", "/panel/hook/7?token=k", 200, "")

	w.want(t, "GET", "/panel/hook/0?token=k", 404, "ERR WEBHOOK_NOT_FOUND")
	w.want(t, "GET", "/panel/hook/7", 401, "ERR API_KEY_MISSING")
	w.want(t, "GET", "/panel/hook/7?token=%0a", 401, "ERR API_KEY_INVALID")
	w.want(t, "GET", "/panel/nonsense?token=k", 404, "ERR ROUTE_NOT_FOUND")
	w.want(t, "GET", "/panel//hook/7?token=k", 404, "ERR ROUTE_NOT_FOUND")
	w.want(t, "GET", "/panel/../v1/webhooks?token=k", 404, "ERR ROUTE_NOT_FOUND")
	got := w.want(t, "DELETE", "/panel/hook/7?token=k", 405, "ERR METHOD_NOT_ALLOWED")
	if got.header.Get("Allow") != "GET, POST" || got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", got.header)
	}
	got = w.call(t, "POST", "/panel/hook/7?token=k", strings.Repeat("x", guard.MaxBodyBytes+1))
	if got.status != 413 || got.body != "ERR REQUEST_TOO_LARGE" {
		t.Errorf("too large a body: %d %s", got.status, got.body)
	}
	w.grpc.Stop()
	got = w.want(t, "GET", "/panel/hook/7?token=k", 503, "ERR SERVER_UNREACHABLE")
	if got.header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q", got.header.Get("Retry-After"))
	}
}

func TestDialectsAndTheAPIShareTheirLimit(t *testing.T) {
	w := start(t, "sample")
	w.blocked = make(chan struct{})
	first := make(chan int, 1)
	go func() {
		response, err := http.Get(w.url + "/panel/hook/7?token=k")
		if err != nil {
			first <- 0
			return
		}
		response.Body.Close()
		first <- response.StatusCode
	}()
	<-w.arrived
	w.want(t, "GET", "/panel/hook/8?token=k", 429, "ERR OVERLOADED")
	if got := w.call(t, "GET", "/v1/webhooks/8", ""); got.status != 429 || !strings.Contains(got.body, "OVERLOADED") {
		t.Errorf("the API: %d %s", got.status, got.body)
	}
	w.want(t, "GET", "/readyz", 200, `{"status":"degraded","reasons":["OVERLOADED"]}`)
	w.want(t, "GET", "/healthz", 200, `{"status":"ok","reasons":[]}`)
	close(w.blocked)
	if got := <-first; got != 200 {
		t.Errorf("the first request: %d", got)
	}
}

func TestADialectThatIsOffIsNotThere(t *testing.T) {
	w := start(t, "")
	got := w.call(t, "GET", "/panel/hook/7?token=k", "")
	if got.status != 404 || !strings.Contains(got.body, `"reason":"ROUTE_NOT_FOUND"`) {
		t.Errorf("%d %s", got.status, got.body)
	}
	if w.made != 0 {
		t.Error("it was made")
	}
}

func TestHealthAndReadiness(t *testing.T) {
	w := start(t, "")
	w.want(t, "GET", "/readyz", 200, `{"status":"ok","reasons":[]}`)
	w.health.SetServingStatus("", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	w.want(t, "GET", "/readyz", 503, `{"status":"refusing","reasons":["SERVER_NOT_SERVING"]}`)
	w.grpc.Stop()
	w.want(t, "GET", "/readyz", 503, `{"status":"refusing","reasons":["SERVER_UNREACHABLE"]}`)
	close(w.draining)
	w.want(t, "GET", "/readyz", 503, `{"status":"refusing","reasons":["SHUTTING_DOWN"]}`)
	w.want(t, "GET", "/healthz", 200, `{"status":"ok","reasons":[]}`)
	got := w.call(t, "POST", "/healthz", "")
	var parsed struct{ Code int }
	if err := json.Unmarshal([]byte(got.body), &parsed); err != nil || got.status != 405 || parsed.Code != 12 {
		t.Errorf("POST: %d %s", got.status, got.body)
	}
}

func TestRequestsAreCountedByTheirRoute(t *testing.T) {
	w := start(t, "sample")
	w.call(t, "GET", "/v1/webhooks/1", "")
	w.call(t, "GET", "/v1/webhooks/0", "")
	w.call(t, "GET", "/v1/webhooks?pageSize=x", "") // refused by generated code
	w.call(t, "GET", "/panel/hook/7?token=k", "")
	w.call(t, "GET", "/panel/hook/7", "")
	w.call(t, "GET", "/nowhere", "")
	w.call(t, "GET", "/v1/nowhere", "")
	w.call(t, "BREW", "/panel/hook/7?token=k", "")
	w.call(t, "GET", "/healthz", "")
	w.call(t, "POST", "/v1/events:publish", strings.Repeat("x", guard.MaxBodyBytes+1))

	page := httptest.NewRecorder()
	w.metrics.Page().ServeHTTP(page, httptest.NewRequest("GET", "/metrics", nil))
	text := page.Body.String()
	for _, line := range []string{
		`latchwire_gateway_requests_total{method="GET",route="/v1/{name=webhooks/*}",status="200"} 1`,
		`latchwire_gateway_requests_total{method="GET",route="/v1/{name=webhooks/*}",status="404"} 1`,
		`latchwire_gateway_requests_total{method="GET",route="/v1/webhooks",status="400"} 1`,
		`latchwire_gateway_requests_total{method="GET",route="/panel/hook/{uid}",status="200"} 1`,
		`latchwire_gateway_requests_total{method="GET",route="/panel/hook/{uid}",status="401"} 1`,
		`latchwire_gateway_requests_total{method="GET",route="none",status="404"} 2`,
		`latchwire_gateway_requests_total{method="other",route="/panel/hook/{uid}",status="405"} 1`,
		`latchwire_gateway_requests_total{method="GET",route="/healthz",status="200"} 1`,
		`latchwire_gateway_requests_total{method="POST",route="none",status="413"} 1`,
		`latchwire_gateway_request_seconds_count{route="/v1/{name=webhooks/*}"} 2`,
		`latchwire_gateway_refusals_total{reason="API_KEY_MISSING"} 1`,
		`latchwire_gateway_refusals_total{reason="ROUTE_NOT_FOUND"} 2`,
		`latchwire_gateway_refusals_total{reason="METHOD_NOT_ALLOWED"} 1`,
		`latchwire_gateway_refusals_total{reason="REQUEST_TOO_LARGE"} 1`,
		`latchwire_gateway_requests_in_flight 0`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("missing %s", line)
		}
	}
	if !regexp.MustCompile(`(?m)^latchwire_gateway_connections [1-9]`).MatchString(text) {
		t.Error("no connection is counted, and one is kept open")
	}
	if t.Failed() {
		t.Log(text)
	}
}
