package dialects

import (
	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	"github.com/latchwire/latchwire/server/gateway/internal/dialects/dialect"
	"github.com/latchwire/latchwire/server/gateway/internal/guard"
)

type stub []dialect.Route

func (s stub) Routes() []dialect.Route                                            { return s }
func (s stub) Key(*http.Request) string                                           { return "" }
func (s stub) WriteError(http.ResponseWriter, *http.Request, *status.Status, int) {}

func entry(name string, prefix string, routes ...string) dialect.Entry {
	var made stub
	for _, route := range routes {
		method, pattern, _ := strings.Cut(route, " ")
		made = append(made, dialect.Route{Method: method, Pattern: pattern})
	}
	return dialect.Entry{Name: name, Prefixes: []string{prefix},
		New: func(grpc.ClientConnInterface) dialect.Dialect { return made }}
}

func TestNamesChooseFromTheTable(t *testing.T) {
	table := []dialect.Entry{entry("a", "/a/"), entry("b", "/b/")}
	for names, want := range map[string]string{"": "", "b": "b", "b, a,b,": "b a"} {
		chosen, err := Choose(table, names)
		var got []string
		for _, e := range chosen {
			got = append(got, e.Name)
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q: %v %v", names, got, err)
		}
	}
	if _, err := Choose(table, "a,c"); err == nil || err.Error() != `"c" is not a known dialect; known are a, b` {
		t.Errorf("got %v", err)
	}
	if _, err := Choose(nil, "c"); err == nil || !strings.Contains(err.Error(), "this gateway has none") {
		t.Errorf("got %v", err)
	}
}

func TestRulesOfEntriesAndRoutes(t *testing.T) {
	good := entry("good", "/good/", "GET /good/{x}", "PUT /good/{x}", "GET /good/a")
	if _, err := New([]dialect.Entry{good}, nil, guard.New(1)); err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]dialect.Entry{
		"a name of capitals":        entry("Bad", "/bad/"),
		"no slash at the end":       entry("bad", "/bad"),
		"everything":                entry("bad", "/"),
		"the API's":                 entry("bad", "/v1/bad/"),
		"above another":             entry("bad", "/good/bad/"),
		"a route elsewhere":         entry("bad", "/bad/", "GET /elsewhere"),
		"a route twice":             entry("bad", "/bad/", "GET /bad/x", "GET /bad/x"),
		"no method":                 entry("bad", "/bad/", " /bad/x"),
		"not a pattern of ServeMux": entry("bad", "/bad/", "GET /bad/{x"),
	} {
		if _, err := New([]dialect.Entry{good, bad}, nil, guard.New(1)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// The dialects that are shipped can all be switched on at once.
func TestTheTableKeepsTheRules(t *testing.T) {
	if _, err := New(Table(), nil, guard.New(1)); err != nil {
		t.Error(err)
	}
}
