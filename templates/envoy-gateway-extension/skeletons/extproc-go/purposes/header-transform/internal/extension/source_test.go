package extension

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"ext-proc-server/internal/exchange"
)

func TestSources(t *testing.T) {
	const path = "/orders/4711%2F/?tenant=a%20b&empty=&flag&tenant=second&eq=x=y"
	tests := []struct{ name, from, want string }{
		{"a header", `{"kind":"header","name":"x-one"}`, "1"},
		{"a header with two lines", `{"kind":"header","name":"x-two"}`, "1, 2"},
		{"an absent header", `{"kind":"header","name":"x-none"}`, "none"},
		{"an empty header", `{"kind":"header","name":"x-empty"}`, "none"},
		{"a header of the request", `{"kind":"request-header","name":"x-one"}`, "1"},
		{"the first of two cookies of that name", `{"kind":"cookie","name":"token"}`, `a="b" c`},
		{"a cookie of the second line", `{"kind":"cookie","name":"id"}`, "7"},
		{"an empty cookie", `{"kind":"cookie","name":"empty"}`, "none"},
		{"a cookie without a value", `{"kind":"cookie","name":"flag"}`, "none"},
		{"an absent cookie", `{"kind":"cookie","name":"toke"}`, "none"},
		{"several, joined", `{"kind":"joined","inputs":[{"kind":"path-segment","segment":1},{"kind":"cookie","name":"id"}],"separator":":"}`, "orders:7"},
		{"several, of which one is absent", `{"kind":"joined","inputs":[{"kind":"path"},{"kind":"cookie","name":"no"}],"separator":":"}`, "none"},
		{"the path", `{"kind":"path"}`, "/orders/4711%2F/"},
		{"the first segment", `{"kind":"path-segment","segment":1}`, "orders"},
		{"a segment stays encoded", `{"kind":"path-segment","segment":2}`, "4711%2F"},
		{"the empty segment at the end", `{"kind":"path-segment","segment":3}`, "none"},
		{"a segment beyond the end", `{"kind":"path-segment","segment":4}`, "none"},
		{"the first of two parameters, encoded", `{"kind":"query","name":"tenant"}`, "a%20b"},
		{"a parameter with an equals sign", `{"kind":"query","name":"eq"}`, "x=y"},
		{"an empty parameter", `{"kind":"query","name":"empty"}`, "none"},
		{"a parameter without a value", `{"kind":"query","name":"flag"}`, "none"},
		{"an absent parameter", `{"kind":"query","name":"ten"}`, "none"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := load(t, fmt.Sprintf(`{"request":[{"action":"set-from","name":"x-out","from":%s,"part":{"kind":"whole"},"table":[],"prefix":"","suffix":"","default":"none"}],"response":[],"reroute":false}`, tt.from))
			x := exchange.New()
			x.Request = exchange.NewHeaders(":path", path, "cookie", `flag; Token=x; token=a="b" c ;token=z; empty=`, "cookie", "id=7", "x-one", "1", "x-two", "1", "x-empty", "", "x-two", "2")
			if err := e.OnRequestHeaders(t.Context(), x); err != nil {
				t.Fatal(err)
			}
			if got := x.Request.Values("x-out"); !slices.Equal(got, []string{tt.want}) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestWithoutAValue(t *testing.T) {
	x := exchange.New()
	x.Request = exchange.NewHeaders("x-set", "the client's", "x-append", "stays")
	e := load(t, `{"request":[
		{"action":"set-from","name":"x-set","from":{"kind":"path"},"part":{"kind":"whole"},"table":[],"prefix":"","suffix":"","default":""},
		{"action":"append-from","name":"x-append","from":{"kind":"path"},"part":{"kind":"whole"},"table":[],"prefix":"","suffix":"","default":""}],"response":[],"reroute":false}`)
	if err := e.OnRequestHeaders(t.Context(), x); err != nil {
		t.Fatal(err)
	}
	if x.Request.Has("x-set") {
		t.Error("the client's header passes for the source's value")
	}
	if got := x.Request.Values("x-append"); !slices.Equal(got, []string{"stays"}) {
		t.Errorf("x-append = %q", got)
	}
}

func TestResponsesReadTheRequestAsItWentOn(t *testing.T) {
	x := exchange.New()
	x.Request, x.Response = exchange.NewHeaders(":path", "/a", "x-id", "1"), exchange.NewHeaders("x-id", "upstream")
	e := load(t, `{"request":[{"action":"rename","name":"x-id","to":"x-new"}],"response":[
		{"action":"append-from","name":"x-out","from":{"kind":"request-header","name":"x-new"},"part":{"kind":"whole"},"table":[],"prefix":"","suffix":"","default":""},
		{"action":"append-from","name":"x-out","from":{"kind":"header","name":"x-id"},"part":{"kind":"whole"},"table":[],"prefix":"","suffix":"","default":""},
		{"action":"append-from","name":"x-out","from":{"kind":"path"},"part":{"kind":"whole"},"table":[],"prefix":"","suffix":"","default":""}],"reroute":false}`)
	if e.OnRequestHeaders(t.Context(), x) != nil || e.OnResponseHeaders(t.Context(), x) != nil {
		t.Fatal("an operation failed")
	}
	if got := x.Response.Values("x-out"); !slices.Equal(got, []string{"1", "upstream", "/a"}) {
		t.Errorf("x-out = %q", got)
	}
}

func TestReroute(t *testing.T) {
	for _, reroute := range []bool{true, false} {
		x := exchange.New()
		e := load(t, fmt.Sprintf(`{"request":[],"response":[],"reroute":%t}`, reroute))
		if err := e.OnRequestHeaders(t.Context(), x); err != nil || x.ClearRouteCache != reroute {
			t.Errorf("reroute %t: %t, %v", reroute, x.ClearRouteCache, err)
		}
	}
}

// FuzzSources compares with what net/url makes of the same target, and checks
// that nothing read can end a header line.
func FuzzSources(f *testing.F) {
	f.Add("/a/b?c=d&e", 1, "c")
	f.Add("//x///?=&&a==b&a", 3, "a")
	f.Add("?", 1, "")
	f.Add("", 2, "%")
	f.Fuzz(func(t *testing.T, target string, n int, parameter string) {
		path, query, _ := strings.Cut(target, "?")
		if n < 1 || n > 32 || strings.Trim(parameter, unencoded) != "" {
			return
		}
		if parts := strings.Split(path, "/"); n < len(parts) && segment(path, n) != parts[n] {
			t.Errorf("segment %d of %q is %q", n, path, segment(path, n))
		}
		value := queryValue(query, parameter)
		if !strings.Contains(query, value) {
			t.Errorf("%q is not in %q", value, query)
		}
		// Without percent-encoding and semicolons both read a query alike.
		if strings.ContainsAny(query, "%+;") {
			return
		}
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		if parameter != "" && values.Get(parameter) != value {
			t.Errorf("%q of %q is %q, net/url has %q", parameter, query, value, values.Get(parameter))
		}
	})
}
