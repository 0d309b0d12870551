// Package dialects holds the REST dialects of other products, one directory each, and serves those that
// are switched on. CONTRIBUTING.md says how to add one.
package dialects

import (
	"fmt"
	"maps"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	latchwirev1 "github.com/latchwire/latchwire/clients/go/latchwire/v1"
	"github.com/latchwire/latchwire/server/gateway/internal/apierror"
	"github.com/latchwire/latchwire/server/gateway/internal/dialects/dialect"
	"github.com/latchwire/latchwire/server/gateway/internal/guard"
	"github.com/latchwire/latchwire/server/gateway/internal/observe"
)

// Table returns every dialect that this gateway knows.
func Table() []dialect.Entry {
	return []dialect.Entry{}
}

// Set is the dialects that are switched on. It is safe for concurrent use.
type Set struct {
	guard  *guard.Guard
	mounts []mount
}

type mount struct {
	prefix  string
	dialect dialect.Dialect
	mux     *http.ServeMux
}

// Choose returns the entries of table with these names, separated by commas. It fails on a name that
// is not in the table.
func Choose(table []dialect.Entry, names string) ([]dialect.Entry, error) {
	var chosen []dialect.Entry
	for _, name := range strings.FieldsFunc(names, func(c rune) bool { return c == ',' }) {
		name = strings.TrimSpace(name)
		index := slices.IndexFunc(table, func(e dialect.Entry) bool { return e.Name == name })
		if index < 0 {
			return nil, fmt.Errorf("%q is not a known dialect; %s", name, known(table))
		}
		if !slices.ContainsFunc(chosen, func(e dialect.Entry) bool { return e.Name == name }) {
			chosen = append(chosen, table[index])
		}
	}
	return chosen, nil
}

func known(table []dialect.Entry) string {
	if len(table) == 0 {
		return "this gateway has none"
	}
	var names []string
	for _, entry := range table {
		names = append(names, entry.Name)
	}
	return "known are " + strings.Join(names, ", ")
}

// New makes the chosen dialects. It fails on an entry or a route that breaks the rules of package
// dialect, and on prefixes that overlap.
func New(chosen []dialect.Entry, connection grpc.ClientConnInterface, limits *guard.Guard) (*Set, error) {
	set := &Set{guard: limits}
	for _, entry := range chosen {
		if err := set.add(entry, connection); err != nil {
			return nil, fmt.Errorf("the dialect %s: %w", entry.Name, err)
		}
	}
	return set, nil
}

var (
	nameForm   = regexp.MustCompile(`^[a-z0-9-]+$`)
	prefixForm = regexp.MustCompile(`^/([A-Za-z0-9._~-]+/)+$`)
	methodForm = regexp.MustCompile(`^[A-Z]+$`)
)

func (s *Set) add(entry dialect.Entry, connection grpc.ClientConnInterface) error {
	if !nameForm.MatchString(entry.Name) || len(entry.Prefixes) == 0 {
		return fmt.Errorf("the name must be of a-z, 0-9 and dashes, and there must be a prefix")
	}
	first := len(s.mounts)
	made := entry.New(connection)
	for _, prefix := range entry.Prefixes {
		taken := []string{"/v1/"}
		for _, other := range s.mounts {
			taken = append(taken, other.prefix)
		}
		if !prefixForm.MatchString(prefix) || slices.ContainsFunc(taken, func(other string) bool {
			return strings.HasPrefix(prefix, other) || strings.HasPrefix(other, prefix)
		}) {
			return fmt.Errorf("the prefix %q is not a path between slashes, or is taken", prefix)
		}
		s.mounts = append(s.mounts, mount{prefix, made, http.NewServeMux()})
	}
	routes := map[string]map[string]dialect.Route{} // by pattern and method
	for _, route := range made.Routes() {
		methods := routes[route.Pattern]
		if methods == nil {
			methods = map[string]dialect.Route{}
			routes[route.Pattern] = methods
		}
		if _, twice := methods[route.Method]; twice || !methodForm.MatchString(route.Method) {
			return fmt.Errorf("the method of %s %s is not one, or is there twice", route.Method, route.Pattern)
		}
		methods[route.Method] = route
	}
	for pattern, methods := range routes {
		index := slices.IndexFunc(s.mounts[first:], func(m mount) bool { return strings.HasPrefix(pattern, m.prefix) })
		if index < 0 {
			return fmt.Errorf("the pattern %s is not below a prefix", pattern)
		}
		if err := handle(s.mounts[first+index].mux, pattern, byMethod(made, pattern, methods)); err != nil {
			return err
		}
	}
	return nil
}

// handle is mux.Handle with an error for a pattern that it would panic about.
func handle(mux *http.ServeMux, pattern string, handler http.Handler) (err error) {
	defer func() {
		if problem := recover(); problem != nil {
			err = fmt.Errorf("%v", problem)
		}
	}()
	mux.Handle(pattern, handler)
	return nil
}

// Serve answers the request and returns true if its path is below a prefix of a dialect.
func (s *Set) Serve(w http.ResponseWriter, r *http.Request) bool {
	for _, m := range s.mounts {
		if strings.HasPrefix(r.URL.Path, m.prefix) {
			s.guard.Serve(w, r, m, m.refuse)
			return true
		}
	}
	return false
}

// ServeHTTP calls the route. ServeMux would redirect an unclean path, which clients of devices and
// scripts do not follow, so such a path is not found.
func (m mount) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, pattern := m.mux.Handler(r)
	if clean := path.Clean(r.URL.Path); pattern == "" || clean != strings.TrimSuffix(r.URL.Path, "/") {
		st := apierror.New(codes.NotFound, latchwirev1.ErrorReason_ERROR_REASON_ROUTE_NOT_FOUND, nil,
			"no such path: %.200q", r.URL.Path)
		observe.Refused(r.Context(), st)
		m.refuse(w, r, st, 0)
		return
	}
	m.mux.ServeHTTP(w, r)
}

func (m mount) refuse(w http.ResponseWriter, r *http.Request, st *status.Status, httpStatus int) {
	fail(m.dialect, w, r, st, httpStatus)
}

func byMethod(d dialect.Dialect, pattern string, methods map[string]dialect.Route) http.Handler {
	allow := strings.Join(slices.Sorted(maps.Keys(methods)), ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		observe.SetRoute(r.Context(), pattern)
		route, ok := methods[r.Method]
		if !ok && r.Method == http.MethodHead {
			route, ok = methods[http.MethodGet]
		}
		if !ok {
			w.Header().Set("Allow", allow)
			st := apierror.MethodNotAllowed(r.Method, allow)
			observe.Refused(r.Context(), st)
			fail(d, w, r, st, http.StatusMethodNotAllowed)
			return
		}
		key := d.Key(r)
		if st := checkKey(key); st != nil {
			observe.Refused(r.Context(), st)
			fail(d, w, r, st, 0)
			return
		}
		r = r.WithContext(metadata.AppendToOutgoingContext(r.Context(), "authorization", "Bearer "+key))
		if err := route.Handle(w, r); err != nil {
			fail(d, w, r, apierror.Explain(r, apierror.Recover(err)), 0)
		}
	})
}

// checkKey refuses a key that is missing or that gRPC could not carry.
func checkKey(key string) *status.Status {
	if key == "" {
		return apierror.New(codes.Unauthenticated, latchwirev1.ErrorReason_ERROR_REASON_API_KEY_MISSING, nil,
			"an API key is needed")
	}
	return apierror.CheckKey(key)
}

func fail(d dialect.Dialect, w http.ResponseWriter, r *http.Request, st *status.Status, httpStatus int) {
	if httpStatus == 0 {
		httpStatus = runtime.HTTPStatusFromCode(st.Code())
	}
	apierror.SetRetryAfter(w.Header(), st)
	d.WriteError(w, r, st, httpStatus)
}
