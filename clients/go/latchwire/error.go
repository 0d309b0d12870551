package latchwire

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	latchwirev1 "github.com/latchwire/latchwire/clients/go/latchwire/v1"
)

// Error is why a call failed.
type Error struct {
	Code    codes.Code
	Message string
	// Reason is a name of latchwirev1.ErrorReason without its prefix, such as `WEBHOOK_NOT_FOUND`. It
	// is empty when the server was not reached or did not answer in time.
	Reason     string
	Metadata   map[string]string
	Violations []FieldViolation
	// RetryDelay is the time after which the server wants to be asked again, 0 when it named none.
	RetryDelay time.Duration

	status *status.Status
}

// ReasonName returns what Error.Reason is for a reason: WEBHOOK_NOT_FOUND for
// ERROR_REASON_WEBHOOK_NOT_FOUND.
func ReasonName(reason latchwirev1.ErrorReason) string {
	return strings.TrimPrefix(reason.String(), "ERROR_REASON_")
}

// A FieldViolation is one invalid field of a request.
type FieldViolation struct{ Field, Description string }

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "latchwire: %s", e.Code)
	if e.Reason != "" {
		fmt.Fprintf(&b, " (%s)", e.Reason)
	}
	fmt.Fprintf(&b, ": %s", e.Message)
	return b.String()
}

// GRPCStatus lets status.FromError and status.Code see the status.
func (e *Error) GRPCStatus() *status.Status { return e.status }

// ReasonOf returns the Reason of an error of this package, else "".
func ReasonOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return ""
}

func newError(err error) *Error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	st := status.Convert(err)
	e := &Error{Code: st.Code(), Message: st.Message(), status: st}
	for _, detail := range st.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			e.Reason, e.Metadata = detail.GetReason(), detail.GetMetadata()
		case *errdetails.BadRequest:
			for _, violation := range detail.GetFieldViolations() {
				e.Violations = append(e.Violations, FieldViolation{violation.GetField(), violation.GetDescription()})
			}
		case *errdetails.RetryInfo:
			e.RetryDelay = detail.GetRetryDelay().AsDuration()
		}
	}
	return e
}
