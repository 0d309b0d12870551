// Package guard bounds what requests may cost the gateway, whichever API they are for.
package guard

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	latchwirev1 "github.com/latchwire/latchwire/clients/go/latchwire/v1"
	"github.com/latchwire/latchwire/server/gateway/internal/apierror"
	"github.com/latchwire/latchwire/server/gateway/internal/observe"
)

// MaxBodyBytes is the largest request body.
const MaxBodyBytes = 1 << 20

// Refuse answers a request that is not let in, in the error shape of its API. An httpStatus of 0
// means the one that belongs to the status' code.
type Refuse func(w http.ResponseWriter, r *http.Request, st *status.Status, httpStatus int)

// Guard lets a bounded number of requests in. It is safe for concurrent use.
type Guard struct{ slots chan struct{} }

// New returns a guard that lets maxInFlight requests in at a time; further ones get 429 at once.
func New(maxInFlight int) *Guard { return &Guard{make(chan struct{}, maxInFlight)} }

// Full tells whether the next request would be refused.
func (g *Guard) Full() bool { return len(g.slots) == cap(g.slots) }

// Serve reads the request's whole body, at most MaxBodyBytes, and calls next while a slot is free.
// Body returns what was read; r.Body reads it again.
func (g *Guard) Serve(w http.ResponseWriter, r *http.Request, next http.Handler, refuse Refuse) {
	body, st, httpStatus := readBody(w, r)
	if st != nil {
		observe.Refused(r.Context(), st)
		refuse(w, r, st, httpStatus)
		return
	}
	// Only now, so that a client that sends slowly takes no slot from others.
	select {
	case g.slots <- struct{}{}:
		defer func() { <-g.slots }()
	default:
		st := apierror.WithRetry(apierror.New(codes.ResourceExhausted,
			latchwirev1.ErrorReason_ERROR_REASON_OVERLOADED, nil,
			"the gateway has %d requests in flight already", cap(g.slots)), time.Second)
		observe.Refused(r.Context(), st)
		refuse(w, r, st, 0)
		return
	}
	r = r.WithContext(context.WithValue(r.Context(), bodyKey{}, body))
	r.Body = io.NopCloser(bytes.NewReader(body))
	next.ServeHTTP(w, r)
}

type bodyKey struct{}

// Body returns the body of a request that a guard let in. It must not be changed.
func Body(ctx context.Context) []byte {
	body, _ := ctx.Value(bodyKey{}).([]byte)
	return body
}

// readBody reads the whole body before anything is done with it. On failure it returns what to
// answer.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, *status.Status, int) {
	tooLarge := func() ([]byte, *status.Status, int) {
		w.Header().Set("Connection", "close") // rather than read what nobody wants
		return nil, apierror.New(codes.InvalidArgument, latchwirev1.ErrorReason_ERROR_REASON_REQUEST_TOO_LARGE,
			map[string]string{"limit_bytes": strconv.Itoa(MaxBodyBytes)},
			"the body is larger than %d bytes", MaxBodyBytes), http.StatusRequestEntityTooLarge
	}
	if r.ContentLength > MaxBodyBytes {
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
	return body, nil, 0
}
