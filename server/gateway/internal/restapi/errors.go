package restapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	latchwirev1 "github.com/latchwire/latchwire/clients/go/latchwire/v1"
	"github.com/latchwire/latchwire/server/gateway/internal/apierror"
	"github.com/latchwire/latchwire/server/gateway/internal/exactjson"
	"github.com/latchwire/latchwire/server/gateway/internal/observe"
)

func handleError(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter,
	r *http.Request, err error) {
	httpStatus := 0
	var chosen *runtime.HTTPStatusError
	if errors.As(err, &chosen) {
		httpStatus, err = chosen.HTTPStatus, chosen.Err
	}
	st := apierror.Recover(err)
	if _, ok := apierror.Detail[*errdetails.ErrorInfo](st); !ok && httpStatus == http.StatusBadRequest {
		st = apierror.InvalidFields(apierror.Violation{Description: st.Message()})
	}
	writeStatus(w, apierror.Explain(r, st), httpStatus)
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
	st := apierror.New(codes.NotFound, latchwirev1.ErrorReason_ERROR_REASON_ROUTE_NOT_FOUND, nil,
		"no such path: %.200q; /openapi.json lists all", r.URL.Path)
	observe.Refused(r.Context(), st)
	writeStatus(w, st, 0)
}

func methodNotAllowed(w http.ResponseWriter, r *http.Request, allow string) {
	w.Header().Set("Allow", allow)
	st := apierror.MethodNotAllowed(r.Method, allow)
	observe.Refused(r.Context(), st)
	writeStatus(w, st, http.StatusMethodNotAllowed)
}

// writeStatus answers with an error; httpStatus 0 takes the one that belongs to its code.
func writeStatus(w http.ResponseWriter, st *status.Status, httpStatus int) {
	if httpStatus == 0 {
		httpStatus = runtime.HTTPStatusFromCode(st.Code())
	}
	if st.Code() == codes.Unauthenticated {
		w.Header().Set("WWW-Authenticate", `Bearer realm="latchwire"`)
	}
	apierror.SetRetryAfter(w.Header(), st)
	text, err := exactjson.Marshaler{}.Marshal(st.Proto())
	if err != nil { // a detail of a type that this gateway does not know
		slog.Warn("an error's details cannot be shown", "error", err)
		text, _ = exactjson.Marshaler{}.Marshal(status.New(st.Code(), st.Message()).Proto())
	}
	writeJSON(w, httpStatus, text)
}
