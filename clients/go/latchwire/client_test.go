package latchwire

import (
	"context"
	"errors"
	"net"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"

	latchwirev1 "github.com/latchwire/latchwire/clients/go/latchwire/v1"
)

// fakeServer is a real gRPC server on loopback that answers from a script: a message, or an error.
type fakeServer struct {
	latchwirev1.UnimplementedWebhookServiceServer
	latchwirev1.UnimplementedEventServiceServer
	latchwirev1.UnimplementedDeliveryServiceServer
	latchwirev1.UnimplementedTenantServiceServer
	latchwirev1.UnimplementedApiKeyServiceServer

	mu       sync.Mutex
	script   []any
	methods  []string
	requests []proto.Message
	keys     []string
	slept    []time.Duration
}

func (f *fakeServer) intercept(ctx context.Context, request any, info *grpc.UnaryServerInfo, _ grpc.UnaryHandler) (any, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.methods = append(f.methods, info.FullMethod[strings.LastIndex(info.FullMethod, "/")+1:])
	f.requests = append(f.requests, proto.Clone(request.(proto.Message)))
	f.keys = append(f.keys, strings.Join(metadata.ValueFromIncomingContext(ctx, "authorization"), ","))
	if len(f.script) == 0 {
		return &emptypb.Empty{}, nil
	}
	next := f.script[0]
	f.script = f.script[1:]
	if err, ok := next.(error); ok {
		return nil, err
	}
	return next, nil
}

func start(t *testing.T, script ...any) (*fakeServer, *Client) {
	t.Helper()
	fake := &fakeServer{script: script}
	server := grpc.NewServer(grpc.UnaryInterceptor(fake.intercept))
	latchwirev1.RegisterWebhookServiceServer(server, fake)
	latchwirev1.RegisterEventServiceServer(server, fake)
	latchwirev1.RegisterDeliveryServiceServer(server, fake)
	latchwirev1.RegisterTenantServiceServer(server, fake)
	latchwirev1.RegisterApiKeyServiceServer(server, fake)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	client, err := New(listener.Addr().String(), "id.secret", func(o *options) {
		o.sleep = func(_ context.Context, delay time.Duration) error {
			fake.slept = append(fake.slept, delay)
			return nil
		}
		o.jitter = func() float64 { return 1 }
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return fake, client
}

func failure(code codes.Code, reason string, details ...protoadapt.MessageV1) error {
	st := status.New(code, "it failed")
	if reason != "" {
		details = append(details, &errdetails.ErrorInfo{Reason: reason, Domain: "latchwire.dev", Metadata: map[string]string{"k": "v"}})
	}
	st, err := st.WithDetails(details...)
	if err != nil {
		panic(err)
	}
	return st.Err()
}

func retryAfter(delay time.Duration) *errdetails.RetryInfo {
	return &errdetails.RetryInfo{RetryDelay: durationpb.New(delay)}
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-([47])[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func TestPublishIsRetriedWithTheSameID(t *testing.T) {
	fake, client := start(t, failure(codes.Unavailable, ""), failure(codes.Unavailable, ""),
		&latchwirev1.Event{Name: "events/e"})
	event := &latchwirev1.Event{Type: "door.opened", Data: JSON(`{"door": 7.0}`)}
	stored, err := client.Publish(context.Background(), event)
	if err != nil || stored.GetName() != "events/e" {
		t.Fatalf("got %v %v", stored, err)
	}
	if len(fake.requests) != 3 || !proto.Equal(fake.requests[0], fake.requests[2]) {
		t.Errorf("requests: %v", fake.requests)
	}
	sent := fake.requests[0].(*latchwirev1.PublishEventRequest).Event
	if match := uuid.FindStringSubmatch(sent.Id); match == nil || match[1] != "7" || event.Id != sent.Id {
		t.Errorf("id %q, in place %q", sent.Id, event.Id)
	}
	if sent.GetJson() != `{"door": 7.0}` || fake.keys[0] != "Bearer id.secret" {
		t.Errorf("sent %v with %q", sent, fake.keys[0])
	}
	if want := []time.Duration{100 * time.Millisecond, 200 * time.Millisecond}; !slices.Equal(fake.slept, want) {
		t.Errorf("slept %v", fake.slept)
	}
}

func TestWhatIsRetried(t *testing.T) {
	broken := failure(codes.Unavailable, "")
	refused := failure(codes.Unavailable, "SHUTTING_DOWN")
	full := failure(codes.ResourceExhausted, "OVERLOADED", retryAfter(3*time.Second))
	ctx := context.Background()
	for name, c := range map[string]struct {
		call func(*Client) error
		err  error
		want bool
	}{
		"get": {func(c *Client) error {
			_, err := c.Webhooks.GetWebhook(ctx, &latchwirev1.GetWebhookRequest{Name: "webhooks/1"})
			return err
		}, broken, true},
		"batch": {func(c *Client) error {
			_, err := c.PublishBatch(ctx, []*latchwirev1.Event{{Type: "a"}, {Id: "x", Type: "b"}})
			return err
		}, broken, true},
		"publish without id": {func(c *Client) error {
			_, err := c.Events.PublishEvent(ctx, &latchwirev1.PublishEventRequest{Event: &latchwirev1.Event{}})
			return err
		}, broken, false},
		"publish without id, refused": {func(c *Client) error {
			_, err := c.Events.PublishEvent(ctx, &latchwirev1.PublishEventRequest{Event: &latchwirev1.Event{}})
			return err
		}, refused, true},
		"delete":       {func(c *Client) error { return c.DeleteWebhook(ctx, "webhooks/1") }, broken, false},
		"delete, full": {func(c *Client) error { return c.DeleteWebhook(ctx, "webhooks/1") }, full, true},
		"update": {func(c *Client) error {
			_, err := c.Webhooks.UpdateWebhook(ctx, &latchwirev1.UpdateWebhookRequest{Webhook: &latchwirev1.Webhook{}})
			return err
		}, broken, true},
		"update with etag": {func(c *Client) error {
			_, err := c.Webhooks.UpdateWebhook(ctx, &latchwirev1.UpdateWebhookRequest{Webhook: &latchwirev1.Webhook{Etag: "e"}})
			return err
		}, broken, false},
		"update of a tenant": {func(c *Client) error {
			_, err := c.Tenants.UpdateTenant(ctx, &latchwirev1.UpdateTenantRequest{Tenant: &latchwirev1.Tenant{}})
			return err
		}, broken, true},
		"invalid": {func(c *Client) error {
			_, err := c.Publish(ctx, &latchwirev1.Event{})
			return err
		}, failure(codes.InvalidArgument, "FIELD_INVALID"), false},
	} {
		t.Run(name, func(t *testing.T) {
			fake, client := start(t, c.err)
			if err := c.call(client); (err == nil) != c.want {
				t.Errorf("got %v", err)
			}
			if retried := len(fake.methods) == 2; retried != c.want {
				t.Errorf("calls: %v", fake.methods)
			}
		})
	}
}

func TestTheServersDelayIsKept(t *testing.T) {
	fake, client := start(t, failure(codes.ResourceExhausted, "OVERLOADED", retryAfter(3*time.Second)))
	if _, err := client.Publish(context.Background(), &latchwirev1.Event{}); err != nil {
		t.Fatal(err)
	}
	if want := []time.Duration{3100 * time.Millisecond}; !slices.Equal(fake.slept, want) {
		t.Errorf("slept %v, want %v", fake.slept, want)
	}
	// A delay beyond the deadline is not waited for.
	fake, client = start(t, failure(codes.Unavailable, "SHUTTING_DOWN", retryAfter(time.Hour)))
	_, err := client.Publish(context.Background(), &latchwirev1.Event{})
	if ReasonOf(err) != "SHUTTING_DOWN" || len(fake.slept) != 0 {
		t.Errorf("got %v after %v", err, fake.slept)
	}
}

func TestCreateWebhookFindsWhatALostAnswerMade(t *testing.T) {
	ctx := context.Background()
	exists := failure(codes.AlreadyExists, "WEBHOOK_ALREADY_EXISTS")
	fake, client := start(t, failure(codes.Unavailable, ""), exists, &latchwirev1.Webhook{Uid: 7})
	asked := &latchwirev1.Webhook{Url: "https://example.com/"}
	created, err := client.CreateWebhook(ctx, asked)
	if err != nil || created.GetUid() != 7 || !strings.HasPrefix(created.GetSecret(), "whsec_") {
		t.Fatalf("got %v %v", created, err)
	}
	if got := strings.Join(fake.methods, " "); got != "CreateWebhook CreateWebhook GetWebhook" {
		t.Errorf("calls: %s", got)
	}
	first := fake.requests[0].(*latchwirev1.CreateWebhookRequest)
	if match := uuid.FindStringSubmatch(first.WebhookId); match == nil || match[1] != "4" ||
		!proto.Equal(first, fake.requests[1]) || first.Webhook.Secret != created.Secret {
		t.Errorf("requests: %v", fake.requests)
	}
	if got := fake.requests[2].(*latchwirev1.GetWebhookRequest).Name; got != "webhooks/"+first.WebhookId {
		t.Errorf("read %s", got)
	}
	if asked.Secret != "" {
		t.Error("the caller's message was changed")
	}
	// At the first try it is somebody else's.
	_, client = start(t, exists)
	if _, err := client.CreateWebhook(ctx, asked); ReasonOf(err) != "WEBHOOK_ALREADY_EXISTS" {
		t.Errorf("got %v", err)
	}
	// A secret of the caller's is kept.
	fake, client = start(t)
	if _, err := client.CreateWebhook(ctx, &latchwirev1.Webhook{Secret: "whsec_mine"}); err != nil {
		t.Fatal(err)
	}
	if got := fake.requests[0].(*latchwirev1.CreateWebhookRequest).Webhook.Secret; got != "whsec_mine" {
		t.Errorf("secret %q", got)
	}
}

func TestErrorsTellWhatHappened(t *testing.T) {
	_, client := start(t, failure(codes.InvalidArgument, "FIELD_INVALID", &errdetails.BadRequest{
		FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "event.type", Description: "is empty"}}}))
	_, err := client.Publish(context.Background(), &latchwirev1.Event{})
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %T", err)
	}
	if e.Code != codes.InvalidArgument || e.Reason != "FIELD_INVALID" || e.Metadata["k"] != "v" ||
		!slices.Equal(e.Violations, []FieldViolation{{"event.type", "is empty"}}) {
		t.Errorf("got %+v", e)
	}
	if e.Error() != "latchwire: InvalidArgument (FIELD_INVALID): it failed" || status.Code(err) != codes.InvalidArgument {
		t.Errorf("got %q", e.Error())
	}
}

func TestReasonsAreComparedByTheEnum(t *testing.T) {
	if got := ReasonName(latchwirev1.ErrorReason_ERROR_REASON_WEBHOOK_NOT_FOUND); got != "WEBHOOK_NOT_FOUND" {
		t.Errorf("got %q", got)
	}
}

// Every service of the API has its stub in Client.
func TestTheClientHasEveryMethod(t *testing.T) {
	has := map[string]bool{}
	client := reflect.TypeFor[Client]()
	for i := range client.NumField() {
		if field := client.Field(i).Type; field.Kind() == reflect.Interface {
			for j := range field.NumMethod() {
				has[field.Method(j).Name] = true
			}
		}
	}
	count := 0
	protoregistry.GlobalFiles.RangeFilesByPackage("latchwire.v1", func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				count++
				if !has[string(methods.Get(j).Name())] {
					t.Errorf("Client lacks %s", methods.Get(j).FullName())
				}
			}
		}
		return true
	})
	if count < 25 {
		t.Errorf("only %d methods found", count)
	}
}

func TestListsFetchTheirPages(t *testing.T) {
	ctx := context.Background()
	script := func() []any {
		return []any{
			&latchwirev1.ListEventsResponse{Events: []*latchwirev1.Event{{Id: "1"}, {Id: "2"}}, NextPageToken: "a"},
			&latchwirev1.ListEventsResponse{NextPageToken: "b"},
			&latchwirev1.ListEventsResponse{Events: []*latchwirev1.Event{{Id: "3"}}},
		}
	}
	fake, client := start(t, append(script(), script()...)...)
	request := &latchwirev1.ListEventsRequest{Type: "t", PageSize: 2}
	sequence := client.ListEvents(ctx, request)
	for range 2 {
		var ids []string
		for event, err := range sequence {
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, event.Id)
		}
		if got := strings.Join(ids, ""); got != "123" {
			t.Errorf("got %q", got)
		}
	}
	for i, want := range []string{"", "a", "b", "", "a", "b"} {
		sent := fake.requests[i].(*latchwirev1.ListEventsRequest)
		if sent.PageToken != want || sent.Type != "t" || sent.PageSize != 2 {
			t.Errorf("request %d: %v", i, sent)
		}
	}
	if request.PageToken != "" {
		t.Error("the caller's request was changed")
	}
	fake, client = start(t, script()...)
	for range client.ListEvents(ctx, nil) {
		break
	}
	if len(fake.requests) != 1 {
		t.Errorf("%d requests for one event", len(fake.requests))
	}
	_, client = start(t, failure(codes.NotFound, "DELIVERY_NOT_FOUND"))
	count := 0
	for attempt, err := range client.ListAttempts(ctx, "deliveries/1-1") {
		count++
		if attempt != nil || ReasonOf(err) != "DELIVERY_NOT_FOUND" {
			t.Errorf("got %v %v", attempt, err)
		}
	}
	if count != 1 {
		t.Errorf("%d turns", count)
	}
}

func TestOnlyLoopbackIsPlaintextByDefault(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:1": true, "[::1]:1": true, "localhost:1": true, "127.1.2.3:1": true, "unix:/run/x": true,
		"example.com:443": false, "10.0.0.1:1": false, "localhost.example.com:1": false, "": false,
	} {
		if got := isLoopback(address); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
	if _, err := New("127.0.0.1:1", ""); err == nil {
		t.Error("no key, no error")
	}
}

func TestATLSClientNeverSpeaksPlaintext(t *testing.T) {
	fake := &fakeServer{}
	server := grpc.NewServer(grpc.UnaryInterceptor(fake.intercept))
	latchwirev1.RegisterWebhookServiceServer(server, fake)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	client, err := New(listener.Addr().String(), "id.secret", WithTLS(nil), WithTimeout(200*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	_, err = client.Webhooks.ListWebhooks(context.Background(), &latchwirev1.ListWebhooksRequest{})
	if err == nil || len(fake.keys) != 0 {
		t.Errorf("got %v, the server saw %v", err, fake.keys)
	}
}
