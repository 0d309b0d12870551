// Package apierror makes the gateway's own errors, in the same form as the server's: a google.rpc.Status with
// an ErrorInfo, and a BadRequest or RetryInfo where applicable.
package apierror

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	latchwirev1 "github.com/latchwire/latchwire/clients/go/latchwire/v1"
)

const (
	domain          = "latchwire.dev"
	maxViolations   = 32
	maxMessageBytes = 1024
)

// A Violation is one invalid field: its path in the request's body, or a query parameter's name, and a text
// that continues the sentence after it.
type Violation struct{ Field, Description string }

// New makes a status with an ErrorInfo.
func New(code codes.Code, reason latchwirev1.ErrorReason, metadata map[string]string, format string,
	args ...any) *status.Status {
	message := strings.ToValidUTF8(fmt.Sprintf(format, args...), "\uFFFD")
	return with(status.New(code, message), Info(reason, metadata))
}

// ReasonName is how an ErrorInfo spells a reason: without the enum's prefix.
func ReasonName(reason latchwirev1.ErrorReason) string {
	return strings.TrimPrefix(reason.String(), "ERROR_REASON_")
}

// Info returns the detail that tells a program what happened.
func Info(reason latchwirev1.ErrorReason, metadata map[string]string) *errdetails.ErrorInfo {
	return &errdetails.ErrorInfo{
		Reason:   ReasonName(reason),
		Domain:   domain,
		Metadata: metadata,
	}
}

// InvalidFields makes the status for a request, given all of its violations.
func InvalidFields(violations ...Violation) *status.Status {
	badRequest := &errdetails.BadRequest{}
	var texts []string
	for i, violation := range violations {
		if i == maxViolations {
			violation = Violation{Description: fmt.Sprintf("%d more fields are invalid", len(violations)-i)}
		}
		field := strings.ToValidUTF8(violation.Field, "\uFFFD")
		description := strings.ToValidUTF8(violation.Description, "\uFFFD")
		badRequest.FieldViolations = append(badRequest.FieldViolations,
			&errdetails.BadRequest_FieldViolation{Field: field, Description: description})
		texts = append(texts, strings.TrimSpace(field+" "+description))
		if i == maxViolations {
			break
		}
	}
	message := strings.Join(texts, "; ")
	if len(message) > maxMessageBytes {
		message = strings.ToValidUTF8(message[:maxMessageBytes], "") + "..."
	}
	return with(status.New(codes.InvalidArgument, message),
		Info(latchwirev1.ErrorReason_ERROR_REASON_FIELD_INVALID, nil), badRequest)
}

// WithRetry adds the delay after which to retry.
func WithRetry(st *status.Status, delay time.Duration) *status.Status {
	return with(st, &errdetails.RetryInfo{RetryDelay: durationpb.New(delay)})
}

// Detail returns the status' first detail of type T.
func Detail[T proto.Message](st *status.Status) (T, bool) {
	for _, detail := range st.Details() {
		if found, ok := detail.(T); ok {
			return found, true
		}
	}
	var none T
	return none, false
}

func with(st *status.Status, details ...protoadapt.MessageV1) *status.Status {
	detailed, err := st.WithDetails(details...)
	if err != nil {
		return st // only if a detail cannot be packed, which these can
	}
	return detailed
}

// Generated code flattens the errors of a marshaler to their text. Carry makes an error whose text
// holds a whole status, and Recover gets it back.
const carried = "latchwire-status:"

// Carry returns an error that survives being flattened.
func Carry(st *status.Status) error { return carriedError{st} }

type carriedError struct{ status *status.Status }

func (e carriedError) Error() string {
	packed, err := proto.Marshal(e.status.Proto())
	if err != nil {
		return e.status.Message()
	}
	return carried + base64.StdEncoding.EncodeToString(packed)
}

// Recover returns the status that err is, or that its message carries.
func Recover(err error) *status.Status {
	st := status.Convert(err)
	text, ok := strings.CutPrefix(st.Message(), carried)
	if !ok {
		return st
	}
	packed, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return st
	}
	var inner rpcstatus.Status
	if err := proto.Unmarshal(packed, &inner); err != nil {
		return st
	}
	return status.FromProto(&inner)
}
