package restapi

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	latchwirev1 "github.com/latchwire/latchwire/clients/go/latchwire/v1"
	"github.com/latchwire/latchwire/server/gateway/internal/apierror"
	"github.com/latchwire/latchwire/server/gateway/internal/exactjson"
)

func handleError(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter,
	r *http.Request, err error) {
	httpStatus := 0
	var chosen *runtime.HTTPStatusError
	if errors.As(err, &chosen) {
		httpStatus, err = chosen.HTTPStatus, chosen.Err
	}
	writeStatus(w, explain(r, apierror.Recover(err), httpStatus), httpStatus)
}

// explain gives a reason to an error that the server did not make itself: its own pass untouched.
func explain(r *http.Request, st *status.Status, httpStatus int) *status.Status {
	if _, ok := apierror.Detail[*errdetails.ErrorInfo](st); ok {
		return st
	}
	if httpStatus == http.StatusBadRequest {
		return apierror.InvalidFields(apierror.Violation{Description: st.Message()})
	}
	switch st.Code() {
	case codes.InvalidArgument: // by generated code, of a path or a query
		return apierror.InvalidFields(apierror.Violation{Description: st.Message()})
	case codes.Canceled:
		return st // the client has gone
	}
	// By gRPC. Its text names addresses of the operator's network: for the log, not for clients.
	slog.Warn("call failed", "method", r.Method, "path", r.URL.Path, "code", st.Code().String(),
		"message", st.Message())
	switch st.Code() {
	case codes.Unavailable:
		return apierror.WithRetry(apierror.New(st.Code(),
			latchwirev1.ErrorReason_ERROR_REASON_SERVER_UNREACHABLE, nil,
			"the gateway cannot reach the server; it may have done the call all the same"), time.Second)
	case codes.DeadlineExceeded:
		return apierror.New(st.Code(), latchwirev1.ErrorReason_ERROR_REASON_SERVER_UNREACHABLE, nil,
			"the server did not answer in time; it may have done the call all the same")
	case codes.Unimplemented:
		return apierror.New(st.Code(), latchwirev1.ErrorReason_ERROR_REASON_NOT_IMPLEMENTED, nil,
			"the server does not have this method")
	}
	return apierror.New(codes.Internal, latchwirev1.ErrorReason_ERROR_REASON_INTERNAL, nil,
		"a fault between gateway and server; the gateway's log has the details")
}

func (h *Handler) routingError(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler,
	w http.ResponseWriter, r *http.Request, httpStatus int) {
	switch httpStatus {
	case http.StatusMethodNotAllowed:
		methodNotAllowed(w, r, strings.Join(h.document.Methods(r.URL.Path), ", "))
	case http.StatusNotFound:
		h.routeNotFound(w, r)
	default:
		writeStatus(w, apierror.InvalidFields(apierror.Violation{Description: "the path is not valid"}), httpStatus)
	}
}

func (h *Handler) routeNotFound(w http.ResponseWriter, r *http.Request) {
	writeStatus(w, apierror.New(codes.NotFound, latchwirev1.ErrorReason_ERROR_REASON_ROUTE_NOT_FOUND, nil,
		"no such path: %.200q; /openapi.json lists all", r.URL.Path), 0)
}

func methodNotAllowed(w http.ResponseWriter, r *http.Request, allow string) {
	w.Header().Set("Allow", allow)
	writeStatus(w, apierror.New(codes.Unimplemented, latchwirev1.ErrorReason_ERROR_REASON_METHOD_NOT_ALLOWED,
		map[string]string{"allow": allow}, "%.20q is not possible here, but %s", r.Method, allow),
		http.StatusMethodNotAllowed)
}

// writeStatus answers with an error; httpStatus 0 takes the one that belongs to its code.
func writeStatus(w http.ResponseWriter, st *status.Status, httpStatus int) {
	if httpStatus == 0 {
		httpStatus = runtime.HTTPStatusFromCode(st.Code())
	}
	if st.Code() == codes.Unauthenticated {
		w.Header().Set("WWW-Authenticate", `Bearer realm="latchwire"`)
	}
	if retry, ok := apierror.Detail[*errdetails.RetryInfo](st); ok {
		seconds := math.Ceil(retry.GetRetryDelay().AsDuration().Seconds())
		w.Header().Set("Retry-After", strconv.Itoa(int(max(seconds, 1))))
	}
	text, err := exactjson.Marshaler{}.Marshal(st.Proto())
	if err != nil { // a detail of a type that this gateway does not know
		slog.Warn("an error's details cannot be shown", "error", err)
		text, _ = exactjson.Marshaler{}.Marshal(status.New(st.Code(), st.Message()).Proto())
	}
	writeJSON(w, httpStatus, text)
}
