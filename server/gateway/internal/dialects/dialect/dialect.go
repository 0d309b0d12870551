// Package dialect is the seam of REST dialects: the APIs of other products, which those products' clients
// speak to the gateway instead of ours. A dialect translates requests into calls of the gRPC API and
// translates the answers back. It makes none of the server's decisions, keeps no state, and sees nothing of
// the server but a connection to it.
package dialect

import (
	"net/http"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
)

// An Entry is the row of a dialect in the table of package dialects.
type Entry struct {
	// Name is its name in --dialects: lower-case letters, digits and dashes.
	Name string
	// Prefixes are the paths below which every request goes to the dialect: each begins and ends with `/`, and
	// none is below another dialect's or below /v1/.
	Prefixes []string
	// New makes the dialect. It is called once, and only when the dialect is switched on.
	New func(grpc.ClientConnInterface) Dialect
}

// A Dialect is safe for concurrent use.
type Dialect interface {
	// Routes returns every route of the dialect. It is called once.
	Routes() []Route
	// Key finds the API key, `<id>.<secret>`, wherever the dialect carries it; "" if there is none. The gateway
	// passes it to the server, which checks it.
	Key(r *http.Request) string
	// WriteError answers a request that failed, in the dialect's own shape: an error that a Handle
	// returned, and what the gateway refuses itself, such as an unknown path below a prefix, a missing
	// key, too large a body, or more requests than it takes. The reason is st's ErrorInfo (package
	// apierror). httpStatus is what our own API would answer; the dialect may answer otherwise. The
	// headers Allow and Retry-After are set already.
	WriteError(w http.ResponseWriter, r *http.Request, st *status.Status, httpStatus int)
}

// A Route is one method of one path.
type Route struct {
	Method string // "GET", which answers HEAD as well, "POST", ...
	// Pattern is a path in the form of http.ServeMux, such as `/rest/webhooks/{id}`, below one of the
	// prefixes. r.PathValue returns its variables.
	Pattern string
	// Handle answers the request, or returns an error and has written nothing. The request has a key,
	// which calls with its context carry, and a whole body (guard.Body). Errors of calls are returned
	// as they came.
	Handle func(w http.ResponseWriter, r *http.Request) error
}
