package restapi

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	latchwirev1 "github.com/latchwire/latchwire/clients/go/latchwire/v1"
	"github.com/latchwire/latchwire/server/gateway/internal/guard"
)

func TestEventsKeepTheirBytes(t *testing.T) {
	fake, gateway := start(t)
	data := `{ "b":1.00,"a":123456789012345678901234567890, "a":"\/\u0105<&>` + "\u2028" + `" }`
	fake.answer = &latchwirev1.Event{Name: "events/e", Number: 9007199254740993,
		Data: &latchwirev1.Event_Json{Json: data}}
	got := call(t, gateway, "POST", "/v1/events:publish", `{"type":"a.b", "data" : `+data+` }`,
		"Content-Type", "application/x-www-form-urlencoded")
	if want := `{"name":"events/e","number":"9007199254740993","data":` + data + "}\n"; got.body != want {
		t.Errorf("got %s\nwant %s", got.body, want)
	}
	want := &latchwirev1.PublishEventRequest{Event: &latchwirev1.Event{Type: "a.b",
		Data: &latchwirev1.Event_Json{Json: data}}}
	if fake.method != "PublishEvent" || !proto.Equal(fake.request, want) {
		t.Errorf("got %s %v", fake.method, fake.request)
	}
	call(t, gateway, "POST", "/v1/events:batchPublish", `{"events":[{"data":`+data+`},{"dataBase64":"AA=="}]}`)
	events := fake.request.(*latchwirev1.BatchPublishEventsRequest).Events
	if events[0].GetJson() != data || !bytes.Equal(events[1].GetBinary(), []byte{0}) {
		t.Errorf("got %v", events)
	}
}

// Every operation that the OpenAPI document has is one that the gateway has, and the other way round
// every method of the services is called by one.
func TestOpenAPIAndRoutesAreTheSame(t *testing.T) {
	fake, gateway := start(t)
	var document struct {
		Info  struct{ Title, Version string }
		Paths map[string]map[string]struct {
			OperationID string
			Parameters  []struct{ Name, In string }
		}
		Definitions map[string]struct{ Properties map[string]map[string]any }
	}
	text := call(t, gateway, "GET", "/openapi.json", "").body
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		t.Fatal(err)
	}
	called := map[string]bool{}
	variable := regexp.MustCompile(`\{(\w+)\}`)
	for path, operations := range document.Paths {
		for method, operation := range operations {
			declared := map[string]bool{}
			for _, parameter := range operation.Parameters {
				declared[parameter.In+" "+parameter.Name] = true
			}
			for _, match := range variable.FindAllStringSubmatch(path, -1) {
				if !declared["path "+match[1]] {
					t.Errorf("%s %s: %s is not a path parameter", method, path, match[1])
				}
			}
			got := call(t, gateway, strings.ToUpper(method), variable.ReplaceAllString(path, "x-1"), "{}")
			if got.StatusCode != http.StatusOK || !strings.HasSuffix(operation.OperationID, "_"+fake.method) {
				t.Errorf("%s %s: %d %s called %s", method, path, got.StatusCode, got.body, fake.method)
			}
			called[fake.method] = true
		}
	}
	for _, service := range []string{"WebhookService", "EventService", "EventTypeService", "DeliveryService", "TenantService", "ApiKeyService"} {
		for _, method := range fake.grpc.GetServiceInfo()["latchwire.v1."+service].Methods {
			if !called[method.Name] {
				t.Errorf("%s.%s has no path", service, method.Name)
			}
		}
	}
	event := document.Definitions["v1Event"].Properties
	if event["data"] == nil || event["dataBase64"] == nil || event["json"] != nil || event["binary"] != nil {
		t.Errorf("the payload is described as %v", event)
	}
	if event["data"]["type"] != nil {
		t.Error("data can be any JSON value, so it has no type")
	}
	if document.Info.Title != "Latchwire" || document.Info.Version == "" {
		t.Errorf("info: %v", document.Info)
	}
}

func TestOnlyTheKeyIsPassedOn(t *testing.T) {
	fake, gateway := start(t)
	call(t, gateway, "GET", "/v1/webhooks", "", "Authorization", "Bearer a.b", "Cookie", "c=d",
		"Grpc-Metadata-Authorization", "Bearer x.y", "Grpc-Metadata-X-Tenant", "7", "X-Forwarded-For", "1.2.3.4",
		"Grpc-Timeout", "1n", "X-Request-Id", "r")
	if fake.method != "ListWebhooks" {
		t.Fatalf("called %q", fake.method)
	}
	if got := fake.metadata.Get("authorization"); len(got) != 1 || got[0] != "Bearer a.b" {
		t.Errorf("authorization: %q", got)
	}
	for name := range fake.metadata {
		switch name {
		case "authorization", ":authority", "content-type", "user-agent", "grpc-accept-encoding":
		default:
			t.Errorf("passed on: %s", name)
		}
	}
	call(t, gateway, "GET", "/v1/webhooks", "", "Grpc-Metadata-Authorization", "Bearer x.y")
	if got := fake.metadata.Get("authorization"); len(got) != 0 {
		t.Errorf("authorization by another header: %q", got)
	}
}

func TestPathsAndQueriesReachTheFields(t *testing.T) {
	fake, gateway := start(t)
	for _, c := range []struct {
		method, target, body, called string
		want                         proto.Message
	}{
		{"GET", "/v1/webhooks?pageSize=7&page_token=a%26b", "", "ListWebhooks",
			&latchwirev1.ListWebhooksRequest{PageSize: 7, PageToken: "a&b"}},
		{"GET", "/v1/events/a:b~c.d", "", "GetEvent", &latchwirev1.GetEventRequest{Name: "events/a:b~c.d"}},
		{"GET", "/v1/events/a%3Ab", "", "GetEvent", &latchwirev1.GetEventRequest{Name: "events/a:b"}},
		{"GET", "/v1/eventTypes/acogo.ez_open", "", "GetEventType",
			&latchwirev1.GetEventTypeRequest{Name: "eventTypes/acogo.ez_open"}},
		{"GET", "/v1/eventTypes?system=panel&pageSize=7&pageToken=t", "", "ListEventTypes",
			&latchwirev1.ListEventTypesRequest{System: "panel", PageSize: 7, PageToken: "t"}},
		{"GET", "/v1/events/a:publish", "", "GetEvent", &latchwirev1.GetEventRequest{Name: "events/a:publish"}},
		{"GET", "/v1/deliveries?state=STATE_DEAD&event=events/1", "", "ListDeliveries",
			&latchwirev1.ListDeliveriesRequest{State: latchwirev1.Delivery_STATE_DEAD, Event: "events/1"}},
		{"GET", "/v1/deliveries/1-2/attempts", "", "ListAttempts",
			&latchwirev1.ListAttemptsRequest{Parent: "deliveries/1-2"}},
		{"POST", "/v1/deliveries/1-2:retry", "", "RetryDelivery",
			&latchwirev1.RetryDeliveryRequest{Name: "deliveries/1-2"}},
		{"POST", "/v1/webhooks/7:sendTestEvent", "", "SendTestEvent",
			&latchwirev1.SendTestEventRequest{Name: "webhooks/7"}},
		{"POST", "/v1/webhooks?webhookId=w", `{"url":"u"}`, "CreateWebhook",
			&latchwirev1.CreateWebhookRequest{WebhookId: "w", Webhook: &latchwirev1.Webhook{Url: "u"}}},
		{"DELETE", "/v1/webhooks/w?etag=e", "", "DeleteWebhook",
			&latchwirev1.DeleteWebhookRequest{Name: "webhooks/w", Etag: "e"}},
		{"POST", "/v1/apiKeys", `{"role":"ROLE_AGENT","agent":"a"}`, "CreateApiKey", &latchwirev1.CreateApiKeyRequest{
			ApiKey: &latchwirev1.ApiKey{Role: latchwirev1.ApiKey_ROLE_AGENT, Agent: "a"}}},
	} {
		got := call(t, gateway, c.method, c.target, c.body)
		if got.StatusCode != 200 || fake.method != c.called || !proto.Equal(fake.request, c.want) {
			t.Errorf("%s %s: %d %s, called %s %v", c.method, c.target, got.StatusCode, got.body, fake.method, fake.request)
		}
	}
}

func TestUpdatesChangeWhatTheBodyOrTheMaskNames(t *testing.T) {
	fake, gateway := start(t)
	for _, c := range []struct{ query, body, want string }{
		{"", `{"displayName":"x","retryPolicy":{"noRetries":true},"any_of":[]}`, "display_name retry_policy any_of"},
		{"", `{"displayName":null,"headers":{}}`, "display_name headers"},
		{"", `{"name":"webhooks/w","uid":"1","createTime":"2026-01-01T00:00:00Z","etag":"e","url":"u"}`, "url"},
		{"", `{}`, ""},
		{"", ``, ""},
		{"?updateMask=displayName,any_of", `{"url":"u"}`, "display_name any_of"},
		{"?update_mask=retryPolicy.noRetries, state", `{}`, "retry_policy.no_retries state"},
		{"?updateMask=nonsense,uid", `{}`, "nonsense uid"},
		{"?updateMask=*", `{"url":"u"}`, "*"},
	} {
		got := call(t, gateway, "PATCH", "/v1/webhooks/w"+strings.ReplaceAll(c.query, " ", "%20"), c.body)
		request, ok := fake.request.(*latchwirev1.UpdateWebhookRequest)
		if got.StatusCode != 200 || !ok {
			t.Errorf("%s %s: %d %s", c.query, c.body, got.StatusCode, got.body)
			continue
		}
		if paths := strings.Join(request.GetUpdateMask().GetPaths(), " "); paths != c.want {
			t.Errorf("%s %s: mask %q, want %q", c.query, c.body, paths, c.want)
		}
		if request.GetWebhook().GetName() != "webhooks/w" {
			t.Errorf("name %q", request.GetWebhook().GetName())
		}
		fake.request = nil
	}
}

func TestBodiesUpToTheLimit(t *testing.T) {
	fake, gateway := start(t)
	body := func(size int) string {
		const before, after = `{"type":"a","data":"`, `"}`
		return before + strings.Repeat("x", size-len(before)-len(after)) + after
	}
	if got := call(t, gateway, "POST", "/v1/events:publish", body(guard.MaxBodyBytes)); got.StatusCode != 200 {
		t.Errorf("%d bytes: %d %.200s", guard.MaxBodyBytes, got.StatusCode, got.body)
	}
	fake.method = ""
	for _, reader := range []io.Reader{
		strings.NewReader(body(guard.MaxBodyBytes + 1)),
		io.MultiReader(strings.NewReader(body(guard.MaxBodyBytes + 1))), // of unknown length: chunked
	} {
		got := send(t, gateway, "POST", "/v1/events:publish", reader)
		wantError(t, got, http.StatusRequestEntityTooLarge, 3, "REQUEST_TOO_LARGE")
	}
	if fake.method != "" {
		t.Error("too large a body reached the server")
	}
}

func TestRequestsBeyondTheBoundAreRefusedAtOnce(t *testing.T) {
	fake, gateway := startBounded(t, 1)
	fake.blocked, fake.arrived = make(chan struct{}), make(chan struct{}, 1)
	first := make(chan int, 1)
	go func() {
		response, err := http.Get(gateway.URL + "/v1/webhooks")
		if err != nil {
			first <- 0
			return
		}
		response.Body.Close()
		first <- response.StatusCode
	}()
	<-fake.arrived
	got := call(t, gateway, "GET", "/v1/webhooks", "")
	wantError(t, got, http.StatusTooManyRequests, 8, "OVERLOADED")
	if got.Header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q", got.Header.Get("Retry-After"))
	}
	close(fake.blocked)
	if status := <-first; status != 200 {
		t.Errorf("the first request: %d", status)
	}
}
