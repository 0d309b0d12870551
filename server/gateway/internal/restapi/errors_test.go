package restapi

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	latchwirev1 "github.com/latchwire/latchwire/clients/go/latchwire/v1"
	"github.com/latchwire/latchwire/server/gateway/internal/apierror"
)

func TestTheServersErrorsPassUntouched(t *testing.T) {
	fake, gateway := start(t)
	fake.err = apierror.InvalidFields(apierror.Violation{Field: "webhook.url", Description: "<is> \"empty\""},
		apierror.Violation{Field: "webhook.any_of[2].source", Description: "is too long"}).Err()
	parsed := wantError(t, call(t, gateway, "POST", "/v1/webhooks", "{}"), 400, 3, "FIELD_INVALID")
	if parsed.fields() != "webhook.url webhook.any_of[2].source" {
		t.Errorf("fields %q", parsed.fields())
	}
	for _, c := range []struct {
		code       codes.Code
		reason     latchwirev1.ErrorReason
		httpStatus int
		name       string
	}{
		{codes.NotFound, latchwirev1.ErrorReason_ERROR_REASON_WEBHOOK_NOT_FOUND, 404, "WEBHOOK_NOT_FOUND"},
		{codes.AlreadyExists, latchwirev1.ErrorReason_ERROR_REASON_EVENT_ID_CONFLICT, 409, "EVENT_ID_CONFLICT"},
		{codes.PermissionDenied, latchwirev1.ErrorReason_ERROR_REASON_ROLE_INSUFFICIENT, 403, "ROLE_INSUFFICIENT"},
		{codes.FailedPrecondition, latchwirev1.ErrorReason_ERROR_REASON_DELIVERY_STATE, 400, "DELIVERY_STATE"},
		{codes.Aborted, latchwirev1.ErrorReason_ERROR_REASON_ETAG_MISMATCH, 409, "ETAG_MISMATCH"},
		{codes.Unavailable, latchwirev1.ErrorReason_ERROR_REASON_SHUTTING_DOWN, 503, "SHUTTING_DOWN"},
		{codes.Internal, latchwirev1.ErrorReason_ERROR_REASON_INTERNAL, 500, "INTERNAL"},
	} {
		fake.err = apierror.New(c.code, c.reason, map[string]string{"k": "v"}, "the server's %s", "words").Err()
		got := call(t, gateway, "GET", "/v1/webhooks/w", "")
		parsed := wantError(t, got, c.httpStatus, int(c.code), c.name)
		if parsed.Message != "the server's words" || parsed.Details[0].Metadata["k"] != "v" {
			t.Errorf("got %s", got.body)
		}
	}
}

func TestAuthenticationAndRetryHeaders(t *testing.T) {
	fake, gateway := start(t)
	fake.err = apierror.New(codes.Unauthenticated, latchwirev1.ErrorReason_ERROR_REASON_API_KEY_MISSING, nil, "no key").Err()
	got := call(t, gateway, "GET", "/v1/webhooks", "")
	wantError(t, got, 401, 16, "API_KEY_MISSING")
	if got.Header.Get("WWW-Authenticate") != `Bearer realm="latchwire"` {
		t.Errorf("WWW-Authenticate %q", got.Header.Get("WWW-Authenticate"))
	}
	for delay, want := range map[time.Duration]string{0: "1", 1: "1", 1500 * time.Millisecond: "2", time.Minute: "60"} {
		overloaded := apierror.New(codes.ResourceExhausted, latchwirev1.ErrorReason_ERROR_REASON_OVERLOADED, nil, "full")
		fake.err = apierror.WithRetry(overloaded, delay).Err()
		got := call(t, gateway, "GET", "/v1/webhooks", "")
		wantError(t, got, 429, 8, "OVERLOADED")
		if got.Header.Get("Retry-After") != want {
			t.Errorf("%v: Retry-After %q", delay, got.Header.Get("Retry-After"))
		}
	}
}

func TestADetailOfUnknownTypeLosesTheDetailsOnly(t *testing.T) {
	fake, gateway := start(t)
	st := status.New(codes.NotFound, "gone").Proto()
	info, _ := anypb.New(&errdetails.ErrorInfo{Reason: "WEBHOOK_NOT_FOUND", Domain: "latchwire.dev"})
	st.Details = append(st.Details, info, &anypb.Any{TypeUrl: "type.googleapis.com/no.Such", Value: []byte{1}})
	fake.err = status.FromProto(st).Err()
	got := call(t, gateway, "GET", "/v1/webhooks/w", "")
	if got.StatusCode != 404 || got.body != `{"code":5,"message":"gone"}`+"\n" {
		t.Errorf("got %d %s", got.StatusCode, got.body)
	}
}

func TestTheGatewaysOwnErrors(t *testing.T) {
	fake, gateway := start(t)
	for _, c := range []struct {
		method, target, body string
		httpStatus, code     int
		reason, fields       string
	}{
		{"POST", "/v1/events:publish", `{"type":"t","data":{}`, 400, 3, "JSON_INVALID", ""},
		{"POST", "/v1/events:publish", "{\"data\":\"\xff\"}", 400, 3, "JSON_INVALID", ""},
		{"POST", "/v1/events:publish", `{"data":1,"dataBase64":"AA=="}`, 400, 3, "FIELD_INVALID", "dataBase64"},
		{"POST", "/v1/events:publish", `{"typo":1,"data":1,"data":2}`, 400, 3, "FIELD_INVALID", "typo data"},
		{"POST", "/v1/events:batchPublish", `{"events":[{},{"x":1}]}`, 400, 3, "FIELD_INVALID", "events[1].x"},
		{"PATCH", "/v1/webhooks/1", `{"anyOf":[{"x":1}]}`, 400, 3, "FIELD_INVALID", "anyOf[0].x"},
		{"PATCH", "/v1/webhooks/1?updateMask.paths=url", `{}`, 400, 3, "FIELD_INVALID", "updateMask.paths"},
		{"GET", "/v1/webhooks?pageSize=x&order=1", "", 400, 3, "FIELD_INVALID", "order pageSize"},
		{"GET", "/v1/webhooks?pageSize=1&pageSize=2", "", 400, 3, "FIELD_INVALID", "pageSize"},
		{"GET", "/v1/deliveries?state=DONE", "", 400, 3, "FIELD_INVALID", "state"},
		{"GET", "/v1/webhooks?a=%zz", "", 400, 3, "FIELD_INVALID", ""},
		{"GET", "/v1/nonsense", "", 404, 5, "ROUTE_NOT_FOUND", ""},
		{"GET", "/v1/webhooks/a%2Fb", "", 404, 5, "ROUTE_NOT_FOUND", ""},
		{"GET", "/v1", "", 404, 5, "ROUTE_NOT_FOUND", ""},
		{"GET", "/", "", 404, 5, "ROUTE_NOT_FOUND", ""},
		{"GET", "/v1/../v1//webhooks", "", 404, 5, "ROUTE_NOT_FOUND", ""},
		{"PUT", "/v1/webhooks", "{}", 405, 12, "METHOD_NOT_ALLOWED", ""},
		{"POST", "/openapi.json", "{}", 405, 12, "METHOD_NOT_ALLOWED", ""},
	} {
		fake.method = ""
		got := call(t, gateway, c.method, c.target, c.body)
		parsed := wantError(t, got, c.httpStatus, c.code, c.reason)
		if fields := strings.TrimSpace(parsed.fields()); fields != c.fields {
			t.Errorf("%s %s: fields %q, want %q in %s", c.method, c.target, fields, c.fields, got.body)
		}
		if fake.method != "" {
			t.Errorf("%s %s reached the server", c.method, c.target)
		}
	}
	got := call(t, gateway, "PUT", "/v1/webhooks/w", "{}")
	if got.Header.Get("Allow") != "DELETE, GET, PATCH" {
		t.Errorf("Allow %q", got.Header.Get("Allow"))
	}
	wantError(t, call(t, gateway, "GET", "/v1/webhooks", "", "Authorization", "a", "Authorization", "b"),
		400, 3, "FIELD_INVALID")
	wantError(t, call(t, gateway, "GET", "/v1/webhooks", "", "Authorization", "Bearer \u0105"),
		401, 16, "API_KEY_INVALID")
	override := call(t, gateway, "POST", "/v1/webhooks/w", "a=b", "X-HTTP-Method-Override", "DELETE",
		"Content-Type", "application/x-www-form-urlencoded")
	wantError(t, override, 405, 12, "METHOD_NOT_ALLOWED")
}

func TestErrorsOfTheConnectionHaveAReasonAndNoAddresses(t *testing.T) {
	fake, gateway := start(t)
	for _, c := range []struct {
		code       codes.Code
		httpStatus int
		code2      int
		reason     string
	}{
		{codes.DeadlineExceeded, 504, 4, "SERVER_UNREACHABLE"},
		{codes.Unimplemented, 501, 12, "NOT_IMPLEMENTED"},
		{codes.ResourceExhausted, 500, 13, "INTERNAL"},
		{codes.Unknown, 500, 13, "INTERNAL"},
	} {
		fake.err = status.Error(c.code, "secret address")
		got := call(t, gateway, "GET", "/v1/webhooks", "")
		wantError(t, got, c.httpStatus, c.code2, c.reason)
		if strings.Contains(got.body, "secret") {
			t.Errorf("got %s", got.body)
		}
	}
	fake.grpc.Stop()
	got := call(t, gateway, "GET", "/v1/webhooks", "")
	wantError(t, got, 503, 14, "SERVER_UNREACHABLE")
	if got.Header.Get("Retry-After") != "1" || strings.Contains(got.body, "127.0.0.1") {
		t.Errorf("got %v %s", got.Header, got.body)
	}
}

func TestManyViolationsAreCut(t *testing.T) {
	var violations []apierror.Violation
	for range 1000 {
		violations = append(violations, apierror.Violation{Field: strings.Repeat("é", 30), Description: "is bad"})
	}
	st := apierror.InvalidFields(violations...)
	badRequest, _ := apierror.Detail[*errdetails.BadRequest](st)
	if n := len(badRequest.FieldViolations); n != 33 || len(st.Message()) > 1100 {
		t.Errorf("%d violations, a message of %d bytes", n, len(st.Message()))
	}
	if last := badRequest.FieldViolations[32]; last.Description != "968 more fields are invalid" {
		t.Errorf("last: %v", last)
	}
	retry, _ := apierror.Detail[*errdetails.RetryInfo](apierror.WithRetry(st, time.Second))
	if retry.GetRetryDelay().AsDuration() != durationpb.New(time.Second).AsDuration() {
		t.Errorf("retry: %v", retry)
	}
}
