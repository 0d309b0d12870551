package exactjson

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	latchwirev1 "github.com/latchwire/latchwire/clients/go/latchwire/v1"
	"github.com/latchwire/latchwire/server/gateway/internal/apierror"
	"github.com/latchwire/latchwire/server/gateway/internal/jsonscan"
)

// Payloads that a decoder and encoder would change.
var payloads = []string{
	`{}`,
	`{ "a" : 1.00 ,` + "\r\n\t" + `"b":-0e+0 }`,
	`123456789012345678901234567890`,
	`0.1000000000000000055511151231257827`,
	`1e400`,
	`{"a":1,"a":2,"a":{"a":3}}`,
	`"<script>&amp;</script>"`,
	`"\/ \u0041 \u00e9 \u2028 \ud83d\ude00 \ud800 \b\f\n\r\t\"\\"`,
	"\"\u2028\u2029é🚪\ufffd\x7f\"",
	`{"data":{"data":[{"data":null,"dataBase64":"x"}]},"json":"{\"data\":1}"}`,
	`[1,"two",[3],{"four":4} , null]`,
	`"top-level string"`,
	`""`,
	`null`,
	`true`,
	`"}\"],"`,
	`{"\"}":"\\"}`,
	`{"z":1,"y":2,"\u0061":3,"":4}`,
	strings.Repeat("[", 512) + strings.Repeat("]", 512),
}

func TestPayloadsComeThroughExactly(t *testing.T) {
	for _, payload := range payloads {
		body := "\n{ \"type\" : \"a.b\", \"d\\u0061ta\" : " + payload + " ,\"source\":\"s\"}\n"
		var event *latchwirev1.Event
		if err := (Marshaler{}).NewDecoder(strings.NewReader(body)).Decode(&event); err != nil {
			t.Errorf("%.80s: %v", payload, apierror.Recover(err))
			continue
		}
		if event.GetJson() != payload || event.GetType() != "a.b" || event.GetSource() != "s" {
			t.Errorf("in: got %v, want %.80q", event, payload)
		}
		text, err := Marshaler{}.Marshal(event)
		if want := `{"type":"a.b","source":"s","data":` + payload + "}\n"; err != nil || string(text) != want {
			t.Errorf("out: got %.200s %v\nwant %.200s", text, err, want)
		}
	}
}

func TestRepeatedEvents(t *testing.T) {
	var elements []string
	for i, payload := range payloads {
		elements = append(elements, fmt.Sprintf(`{"data": %s, "id":"e%d"}`, payload, i))
	}
	elements = append(elements, `{}`, `{"id":"none"}`, `{"dataBase64":"AAEC_w=="}`)
	body := `{"events" : [` + strings.Join(elements, " , ") + `]}`
	request := &latchwirev1.BatchPublishEventsRequest{}
	if err := (Marshaler{}).Unmarshal([]byte(body), request); err != nil {
		t.Fatal(apierror.Recover(err))
	}
	for i, payload := range payloads {
		if got := request.Events[i]; got.GetJson() != payload || got.GetId() != fmt.Sprintf("e%d", i) {
			t.Errorf("event %d: %v", i, got)
		}
	}
	if got := request.Events[len(payloads)+2].GetBinary(); !bytes.Equal(got, []byte{0, 1, 2, 255}) {
		t.Errorf("binary: %v", got)
	}
	text, err := Marshaler{}.Marshal(&latchwirev1.ListEventsResponse{Events: request.Events, NextPageToken: "t"})
	if err != nil {
		t.Fatal(err)
	}
	for _, payload := range payloads {
		if !strings.Contains(string(text), `"data":`+payload+"}") {
			t.Errorf("missing %.80s", payload)
		}
	}
	if !strings.Contains(string(text), `{"dataBase64":"AAEC/w=="}`) {
		t.Errorf("no dataBase64 in %s", text)
	}
	if err := jsonscan.Valid(text, maxDepth); err != nil {
		t.Error(err)
	}
}

func TestSliceOfEventsAsBody(t *testing.T) {
	var events []*latchwirev1.Event
	if err := (Marshaler{}).Unmarshal([]byte(` [ {"data":1.0}, {"data":[ ]} ]`), &events); err != nil {
		t.Fatal(err)
	}
	if len(events) != 2 || events[0].GetJson() != "1.0" || events[1].GetJson() != "[ ]" {
		t.Errorf("got %v", events)
	}
	text, err := Marshaler{}.Marshal(events)
	if err != nil || string(text) != "[{\"data\":1.0},{\"data\":[ ]}]\n" {
		t.Errorf("got %s %v", text, err)
	}
	err = Marshaler{}.Unmarshal([]byte(`[{},{"x":1}]`), &events)
	if fields := fieldsOf(t, err); fields != "[1].x" {
		t.Errorf("got %s", fields)
	}
}

func TestOtherMessagesAreProtojson(t *testing.T) {
	var webhook *latchwirev1.Webhook
	body := `{"url":"https://a/","any_of":[{"typePattern":"data"}],"headers":{"data":"d","X":"\/"},
		"timeout":"5s","state":"STATE_PAUSED","uid":"7","retryPolicy":{"delays":["1s","60s"]}}`
	if err := (Marshaler{}).Unmarshal([]byte(body), &webhook); err != nil {
		t.Fatal(apierror.Recover(err))
	}
	want := &latchwirev1.Webhook{
		Url: "https://a/", AnyOf: []*latchwirev1.EventMatch{{TypePattern: "data"}},
		Headers: map[string]string{"data": "d", "X": "/"}, Timeout: &durationpb.Duration{Seconds: 5},
		State: latchwirev1.Webhook_STATE_PAUSED, Uid: 7,
		RetryPolicy: &latchwirev1.RetryPolicy{Delays: []*durationpb.Duration{{Seconds: 1}, {Seconds: 60}}},
	}
	if !proto.Equal(webhook, want) {
		t.Errorf("got %v", webhook)
	}
	text, err := Marshaler{}.Marshal(&latchwirev1.Webhook{Url: "https://a/?b=1&c= \\\" ", Uid: 7,
		State: latchwirev1.Webhook_STATE_ACTIVE})
	if err != nil || string(text) != `{"uid":"7","url":"https://a/?b=1&c= \\\" ","state":"STATE_ACTIVE"}`+"\n" {
		t.Errorf("got %s %v", text, err)
	}
}

func TestEveryBadFieldIsNamed(t *testing.T) {
	batch := func() any { return &latchwirev1.BatchPublishEventsRequest{} }
	event := func() any { return new(*latchwirev1.Event) }
	webhook := func() any { return new(*latchwirev1.Webhook) }
	for _, c := range []struct {
		into   func() any
		body   string
		fields string
		text   string
	}{
		{event, `{"data":1,"dataBase64":"AA=="}`, "dataBase64", "cannot be combined with data"},
		{event, `{"data_base64":"AA==","data":1}`, "data", "cannot be combined with data_base64"},
		{event, `{"data":1,"data":1}`, "data", "is given twice"},
		{event, `{"json":"1"}`, "json", "the payload is called data"},
		{event, `{"binary":"AA=="}`, "binary", "called dataBase64"},
		{event, `{"dataBase64":"A"}`, "dataBase64", "is not valid"},
		{event, `{"dataBase64":{}}`, "dataBase64", "is not valid"},
		{event, `{"type":"a","typo":1,"attributes":{"a":"b"},"Source":""}`, "typo Source", "is not a field of Event"},
		{event, `{"data":"\"é\u2028","priority":"high"}`, "priority", "high"},
		{event, "{\"data\":\n1,\n\"attributes\":{\"a\":\"b\",\n\"é\":5}}", `attributes["é"]`, "is not valid"},
		{event, `{"occurTime":"yesterday"}`, "occurTime", "yesterday"},
		{event, `{"number":"x"}`, "number", "is not valid"},
		{event, `[]`, "", "the body is not valid"},
		{event, `null`, "", "the body is not valid"},
		{batch, `{"events":[{},{"data":1,"dataBase64":""},{"foo":1}]}`, "events[1].dataBase64 events[2].foo", ""},
		{batch, `{"events":[{"data":{"foo":1}},{"data":0,"type":7}]}`, "events[1].type", "is not valid"},
		{batch, `{"events":[{},7]}`, "events[1]", "is not valid"},
		{batch, `{"events":{}}`, "events", "is not valid"},
		{webhook, `{"anyOf":[{"typePattern":"a"},{"pattern":"b"}]}`, "anyOf[1].pattern", "EventMatch"},
		{webhook, `{"timeout":"5"}`, "timeout", "is not valid"},
		{webhook, `{"retryPolicy":{"delays":["1s","soon"]}}`, "retryPolicy.delays[1]", "soon"},
		{webhook, `{"state":"ON"}`, "state", "ON"},
		{webhook, `{"url":"a","url":"b"}`, "url", "is given twice"},
	} {
		err := Marshaler{}.Unmarshal([]byte(c.body), c.into())
		if err == nil {
			t.Errorf("%s: no error", c.body)
			continue
		}
		if got := fieldsOf(t, err); got != c.fields {
			t.Errorf("%s: fields %q, want %q", c.body, got, c.fields)
		}
		// Generated code keeps the text only.
		if got := apierror.Recover(errors.New(err.Error())); !strings.Contains(got.Message(), c.text) {
			t.Errorf("%s: %q, want %q", c.body, got.Message(), c.text)
		}
	}
}

func fieldsOf(t *testing.T, err error) string {
	t.Helper()
	badRequest, ok := apierror.Detail[*errdetails.BadRequest](apierror.Recover(err))
	if !ok {
		t.Errorf("no BadRequest in %v", err)
	}
	var fields []string
	for _, violation := range badRequest.GetFieldViolations() {
		fields = append(fields, violation.Field)
	}
	return strings.Join(fields, " ")
}

func TestBrokenJSONIsNamedByItsOffset(t *testing.T) {
	for body, offset := range map[string]string{
		`{"data":{"a":1,}}`:  "15",
		`{"data":01}`:        "9",
		"{\"data\":\"\xff\"": "9",
		`{"data":"\x"}`:      "9",
		`{"data":}`:          "8",
		`{"data":1`:          "9",
		`{} {}`:              "3",
		`{"data":` + strings.Repeat("[", 600) + strings.Repeat("]", 600) + `}`: "527",
	} {
		var event *latchwirev1.Event
		status := apierror.Recover(Marshaler{}.Unmarshal([]byte(body), &event))
		info, _ := apierror.Detail[*errdetails.ErrorInfo](status)
		if info.GetReason() != "JSON_INVALID" || info.GetMetadata()["offset"] != offset {
			t.Errorf("%.40q: %v", body, status)
		}
	}
}

func TestEmptyBodyIsEOF(t *testing.T) {
	for _, body := range []string{"", " \r\n"} {
		var event *latchwirev1.Event
		if err := (Marshaler{}).NewDecoder(strings.NewReader(body)).Decode(&event); !errors.Is(err, io.EOF) {
			t.Errorf("got %v", err)
		}
	}
}

func TestStoredTextThatIsNotJSONDoesNotBreakTheAnswer(t *testing.T) {
	text, err := Marshaler{}.Marshal(&latchwirev1.Event{Data: &latchwirev1.Event_Json{Json: `{"a":`}})
	if err != nil || string(text) != `{"dataBase64":"eyJhIjo="}`+"\n" {
		t.Errorf("got %s %v", text, err)
	}
}

// FuzzPayload checks that whatever JSON comes in as data goes out as it was, and that nothing that
// is not JSON gets in.
func FuzzPayload(f *testing.F) {
	for _, payload := range payloads {
		f.Add([]byte(payload))
	}
	f.Add([]byte(`1},{"data":2`))
	f.Add([]byte(`1,"dataBase64":""`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		body := append(append([]byte(`{"events":[{"data":`), payload...), `},{"data":7}]}`...)
		request := &latchwirev1.BatchPublishEventsRequest{}
		if err := (Marshaler{}).Unmarshal(body, request); err != nil {
			if jsonscan.Valid(payload, maxDepth-3) == nil {
				t.Fatalf("%q: %v", payload, apierror.Recover(err))
			}
			return
		}
		if jsonscan.Valid(payload, maxDepth) != nil {
			return // it closed the event and opened another, as it may
		}
		trimmed := bytes.Trim(payload, " \t\r\n")
		if len(request.Events) != 2 || request.Events[0].GetJson() != string(trimmed) || !utf8.Valid(trimmed) {
			t.Fatalf("%q: got %v", payload, request)
		}
		text, err := Marshaler{}.Marshal(request)
		want := append(append([]byte(`{"events":[{"data":`), trimmed...), "},{\"data\":7}]}\n"...)
		if err != nil || !bytes.Equal(text, want) {
			t.Fatalf("%q: got %q %v", payload, text, err)
		}
	})
}
