package restapi

import (
	"context"
	"net/http"

	"google.golang.org/grpc/status"

	"github.com/latchwire/latchwire/server/gateway/internal/apierror"
	"github.com/latchwire/latchwire/server/gateway/internal/guard"
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
	if len(keys) == 0 {
		return nil
	}
	return apierror.CheckKey(keys[0])
}

// prepare keeps what the translation needs of a request.
func prepare(r *http.Request) *http.Request {
	kept := &request{body: guard.Body(r.Context())}
	for name := range r.URL.Query() {
		kept.maskGiven = kept.maskGiven || name == "updateMask" || name == "update_mask"
	}
	r = r.WithContext(context.WithValue(r.Context(), requestKey{}, kept))
	// Bodies are JSON whatever they are called; forms, curl's default, must not be parsed as forms.
	r.Header.Set("Content-Type", "application/json")
	return r
}
