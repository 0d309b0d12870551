package webhookverify

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

type vector struct {
	Name             string
	Secrets          []string
	Headers          map[string]string
	Body             *string
	BodyBase64       *string `json:"body_base64"`
	NowMs            *int64  `json:"now_ms"`
	ToleranceSeconds *int64  `json:"tolerance_seconds"`
	Expect           string
}

// Every language reads these files; a file of a scheme that is not here fails.
func TestSharedVectors(t *testing.T) {
	files, err := filepath.Glob("../../../tests/vectors/signatures_*.json")
	if err != nil || len(files) < 3 {
		t.Fatalf("found %v %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var parsed struct {
			Scheme string
			Cases  []vector
		}
		if err := json.Unmarshal(text, &parsed); err != nil {
			t.Fatal(err)
		}
		if len(parsed.Cases) < 10 {
			t.Errorf("%s: only %d cases", file, len(parsed.Cases))
		}
		names := map[string]bool{}
		for _, c := range parsed.Cases {
			if names[c.Name] {
				t.Errorf("%s: two cases %q", parsed.Scheme, c.Name)
			}
			names[c.Name] = true
			t.Run(parsed.Scheme+"/"+c.Name, func(t *testing.T) { check(t, parsed.Scheme, c) })
		}
	}
}

func check(t *testing.T, scheme string, c vector) {
	header := http.Header{}
	for name, value := range c.Headers {
		header[name] = []string{value} // as spelled there
	}
	var body []byte
	switch {
	case c.Body != nil:
		body = []byte(*c.Body)
	case c.BodyBase64 != nil:
		var err error
		if body, err = base64.StdEncoding.DecodeString(*c.BodyBase64); err != nil {
			t.Fatal(err)
		}
	default:
		t.Fatal("no body")
	}
	var err error
	switch scheme {
	case "standard":
		now, tolerance := clock(t, c)
		err = VerifyStandard(c.Secrets, header, body, now, tolerance)
	case "twenty":
		now, tolerance := clock(t, c)
		err = VerifyTwenty(c.Secrets, header, body, now, tolerance)
	case "panel":
		err = VerifyPanel(c.Secrets, header, body)
	default:
		t.Fatalf("unknown scheme %q", scheme)
	}
	got := "valid"
	if err != nil {
		var refused *Error
		if !errors.As(err, &refused) {
			t.Fatalf("not an Error: %v", err)
		}
		got = string(refused.Reason)
	}
	switch c.Expect {
	case "valid", string(SecretInvalid), string(HeaderMissing), string(TimestampInvalid),
		string(TimestampOutOfTolerance), string(SignatureMismatch):
	default:
		t.Errorf("unknown expectation %q", c.Expect)
	}
	if got != c.Expect {
		t.Errorf("got %s (%v), want %s", got, err, c.Expect)
	}
}

func clock(t *testing.T, c vector) (time.Time, time.Duration) {
	if c.NowMs == nil || c.ToleranceSeconds == nil {
		t.Fatal("no now_ms or tolerance_seconds")
	}
	return time.UnixMilli(*c.NowMs), time.Duration(*c.ToleranceSeconds) * time.Second
}

func TestNoSecretIsNotValid(t *testing.T) {
	for _, secrets := range [][]string{nil, {}, {""}} {
		for _, err := range []error{
			VerifyStandard(secrets, http.Header{}, nil, time.Time{}, 0),
			VerifyTwenty(secrets, http.Header{}, nil, time.Time{}, 0),
			VerifyPanel(secrets, http.Header{}, nil),
		} {
			var refused *Error
			if !errors.As(err, &refused) || refused.Reason != SecretInvalid {
				t.Errorf("got %v", err)
			}
		}
	}
}
