package apierror

import (
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	latchwirev1 "github.com/latchwire/latchwire/clients/go/latchwire/v1"
)

// Explain gives a reason to an error that the server did not make itself; the server's own pass unchanged.
func Explain(r *http.Request, st *status.Status) *status.Status {
	if _, ok := Detail[*errdetails.ErrorInfo](st); ok {
		return st
	}
	switch st.Code() {
	case codes.InvalidArgument: // by generated code, of a path or a query
		return InvalidFields(Violation{Description: st.Message()})
	case codes.Canceled:
		return st // the client has gone
	}
	// Made by gRPC: its text names addresses of the operator's network, so it is for the log, not for clients.
	slog.Warn("call failed", "method", r.Method, "path", r.URL.Path, "code", st.Code().String(),
		"message", st.Message())
	switch st.Code() {
	case codes.Unavailable:
		return WithRetry(New(st.Code(),
			latchwirev1.ErrorReason_ERROR_REASON_SERVER_UNREACHABLE, nil,
			"the gateway cannot reach the server; the call may have taken effect"), time.Second)
	case codes.DeadlineExceeded:
		return New(st.Code(), latchwirev1.ErrorReason_ERROR_REASON_SERVER_UNREACHABLE, nil,
			"the server did not answer in time; the call may have taken effect")
	case codes.Unimplemented:
		return New(st.Code(), latchwirev1.ErrorReason_ERROR_REASON_NOT_IMPLEMENTED, nil,
			"the server does not have this method")
	}
	return New(codes.Internal, latchwirev1.ErrorReason_ERROR_REASON_INTERNAL, nil,
		"a fault between gateway and server; the gateway's log has the details")
}

// CheckKey refuses a key, or a header that holds one, that gRPC could not carry.
func CheckKey(key string) *status.Status {
	if strings.ContainsFunc(key, func(c rune) bool { return c < 0x20 || c > 0x7e }) {
		return New(codes.Unauthenticated, latchwirev1.ErrorReason_ERROR_REASON_API_KEY_INVALID, nil,
			"the API key is not valid")
	}
	return nil
}

// MethodNotAllowed is the status for a method that a path does not have; allow lists those it has.
func MethodNotAllowed(method, allow string) *status.Status {
	return New(codes.Unimplemented, latchwirev1.ErrorReason_ERROR_REASON_METHOD_NOT_ALLOWED,
		map[string]string{"allow": allow}, "%.20q is not possible here, but %s", method, allow)
}

// SetRetryAfter sets the header Retry-After if the status says when to try again.
func SetRetryAfter(header http.Header, st *status.Status) {
	if retry, ok := Detail[*errdetails.RetryInfo](st); ok {
		seconds := math.Ceil(retry.GetRetryDelay().AsDuration().Seconds())
		header.Set("Retry-After", strconv.Itoa(int(max(seconds, 1))))
	}
}
