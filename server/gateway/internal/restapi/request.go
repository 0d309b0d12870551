package restapi

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	latchwirev1 "github.com/latchwire/latchwire/clients/go/latchwire/v1"
	"github.com/latchwire/latchwire/server/gateway/internal/apierror"
)

// A request is what the translation needs beyond what generated code hands on.
type request struct {
	body      []byte
	maskGiven bool // as the query parameter updateMask
}

type requestKey struct{}

func requestFrom(ctx context.Context) (*request, bool) {
	found, ok := ctx.Value(requestKey{}).(*request)
	return found, ok
}

// checkHeaders refuses keys that gRPC could not carry, and drops the headers by which the gateway's
// library would let a client steer a call.
func checkHeaders(r *http.Request) *status.Status {
	r.Header.Del("Grpc-Timeout")
	r.Header.Del("Te")
	keys := r.Header.Values("Authorization")
	if len(keys) > 1 {
		return apierror.InvalidFields(apierror.Violation{
			Field: "Authorization", Description: "is given more than once"})
	}
	for _, key := range keys {
		if strings.ContainsFunc(key, func(c rune) bool { return c < 0x20 || c > 0x7e }) {
			return apierror.New(codes.Unauthenticated, latchwirev1.ErrorReason_ERROR_REASON_API_KEY_INVALID, nil,
				"the API key is not valid")
		}
	}
	return nil
}

// readBody reads the whole body before anything is done with it. On failure it returns what to
// answer.
func readBody(w http.ResponseWriter, r *http.Request) (*http.Request, *status.Status, int) {
	tooLarge := func() (*http.Request, *status.Status, int) {
		return nil, apierror.New(codes.InvalidArgument, latchwirev1.ErrorReason_ERROR_REASON_REQUEST_TOO_LARGE,
			map[string]string{"limit_bytes": strconv.Itoa(MaxBodyBytes)},
			"the body is larger than %d bytes", MaxBodyBytes), http.StatusRequestEntityTooLarge
	}
	if r.ContentLength > MaxBodyBytes {
		w.Header().Set("Connection", "close") // rather than read what nobody wants
		return tooLarge()
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBodyBytes))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return tooLarge()
	case errors.Is(err, os.ErrDeadlineExceeded):
		w.Header().Set("Connection", "close")
		return nil, apierror.InvalidFields(apierror.Violation{
			Description: "the body took too long to arrive"}), http.StatusRequestTimeout
	case err != nil:
		w.Header().Set("Connection", "close")
		return nil, apierror.InvalidFields(apierror.Violation{
			Description: "the body ended early or is not properly framed"}), http.StatusBadRequest
	}
	kept := &request{body: body}
	for name := range r.URL.Query() {
		kept.maskGiven = kept.maskGiven || name == "updateMask" || name == "update_mask"
	}
	r = r.WithContext(context.WithValue(r.Context(), requestKey{}, kept))
	r.Body = io.NopCloser(bytes.NewReader(body))
	// Bodies are JSON whatever they are called; forms, curl's default, must not be parsed as forms.
	r.Header.Set("Content-Type", "application/json")
	return r, nil, 0
}
