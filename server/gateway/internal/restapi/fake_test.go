package restapi

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	latchwirev1 "github.com/latchwire/latchwire/clients/go/latchwire/v1"
	"github.com/latchwire/latchwire/server/gateway/internal/guard"
	"github.com/latchwire/latchwire/server/gateway/internal/upstream"
)

// fakeServer is a real gRPC server whose methods all do the same: keep the request, and answer what
// the test says.
type fakeServer struct {
	latchwirev1.UnimplementedWebhookServiceServer
	latchwirev1.UnimplementedEventServiceServer
	latchwirev1.UnimplementedDeliveryServiceServer
	latchwirev1.UnimplementedEventTypeServiceServer
	latchwirev1.UnimplementedTenantServiceServer
	latchwirev1.UnimplementedApiKeyServiceServer

	method   string
	metadata metadata.MD
	request  proto.Message
	answer   proto.Message // nil: an empty one
	err      error
	blocked  chan struct{} // if set, calls wait until it is closed
	arrived  chan struct{} // if set, gets a value when a call waits
	grpc     *grpc.Server
}

func (f *fakeServer) intercept(ctx context.Context, request any, info *grpc.UnaryServerInfo,
	_ grpc.UnaryHandler) (any, error) {
	if f.blocked != nil {
		f.arrived <- struct{}{}
		<-f.blocked
	}
	f.method = info.FullMethod[strings.LastIndex(info.FullMethod, "/")+1:]
	f.metadata, _ = metadata.FromIncomingContext(ctx)
	f.request = request.(proto.Message)
	if f.err != nil {
		return nil, f.err
	}
	if f.answer != nil {
		return f.answer, nil
	}
	return &emptypb.Empty{}, nil // every message can be read from no bytes
}

// start serves the fake on loopback and a gateway before it.
func start(t *testing.T) (*fakeServer, *httptest.Server) {
	t.Helper()
	return startBounded(t, 8)
}

func startBounded(t *testing.T, maxInFlight int) (*fakeServer, *httptest.Server) {
	t.Helper()
	fake := &fakeServer{}
	fake.grpc = grpc.NewServer(grpc.UnaryInterceptor(fake.intercept))
	latchwirev1.RegisterWebhookServiceServer(fake.grpc, fake)
	latchwirev1.RegisterEventServiceServer(fake.grpc, fake)
	latchwirev1.RegisterDeliveryServiceServer(fake.grpc, fake)
	latchwirev1.RegisterEventTypeServiceServer(fake.grpc, fake)
	latchwirev1.RegisterTenantServiceServer(fake.grpc, fake)
	latchwirev1.RegisterApiKeyServiceServer(fake.grpc, fake)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = fake.grpc.Serve(listener) }()
	t.Cleanup(fake.grpc.Stop)

	connection, err := upstream.Connect(upstream.Options{Target: listener.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	handler, err := New(context.Background(), connection, guard.New(maxInFlight))
	if err != nil {
		t.Fatal(err)
	}
	gateway := httptest.NewServer(handler)
	t.Cleanup(gateway.Close)
	return fake, gateway
}

type answer struct {
	*http.Response
	body string
}

func call(t *testing.T, gateway *httptest.Server, method, target, body string, headers ...string) answer {
	t.Helper()
	return send(t, gateway, method, target, strings.NewReader(body), headers...)
}

func send(t *testing.T, gateway *httptest.Server, method, target string, body io.Reader, headers ...string) answer {
	t.Helper()
	request, err := http.NewRequest(method, gateway.URL+target, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Add(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response, string(text)}
}

type statusJSON struct {
	Code    int
	Message string
	Details []struct {
		Type            string `json:"@type"`
		Reason          string
		Domain          string
		Metadata        map[string]string
		RetryDelay      string
		FieldViolations []struct{ Field, Description string }
	}
}

// wantError checks that an answer is a google.rpc.Status with an ErrorInfo.
func wantError(t *testing.T, got answer, httpStatus, code int, reason string) statusJSON {
	t.Helper()
	var parsed statusJSON
	if err := json.Unmarshal([]byte(got.body), &parsed); err != nil {
		t.Fatalf("%v: %s", err, got.body)
	}
	if got.Header.Get("Content-Type") != "application/json" {
		t.Errorf("content type %q", got.Header.Get("Content-Type"))
	}
	found := ""
	for _, detail := range parsed.Details {
		if detail.Type == "type.googleapis.com/google.rpc.ErrorInfo" && detail.Domain == "latchwire.dev" {
			found = detail.Reason
		}
	}
	if got.StatusCode != httpStatus || parsed.Code != code || found != reason || parsed.Message == "" {
		t.Errorf("got %d %s\nwant %d, code %d, reason %s", got.StatusCode, got.body, httpStatus, code, reason)
	}
	return parsed
}

func (s statusJSON) fields() string {
	var fields []string
	for _, detail := range s.Details {
		for _, violation := range detail.FieldViolations {
			fields = append(fields, violation.Field)
		}
	}
	return strings.Join(fields, " ")
}
