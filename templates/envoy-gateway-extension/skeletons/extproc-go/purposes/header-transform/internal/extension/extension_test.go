package extension

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"ext-proc-server/internal/environment"
	"ext-proc-server/internal/exchange"
)

func load(t *testing.T, text string) *Extension {
	t.Helper()
	e, err := Load(strings.NewReader(text), environment.Empty())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestOperations(t *testing.T) {
	tests := []struct {
		name, ops string
		want      map[string][]string
	}{
		{"set replaces all values", `{"action":"set","name":"x-a","value":"new"}`, map[string][]string{"x-a": {"new"}, "x-b": {"3"}}},
		{"set adds an absent header", `{"action":"set","name":"x-c","value":""}`, map[string][]string{"x-c": {""}}},
		{"append comes after the existing values", `{"action":"append","name":"x-a","value":"last"}`, map[string][]string{"x-a": {"1", "2", "last"}}},
		{"append adds an absent header", `{"action":"append","name":"x-c","value":"v"}`, map[string][]string{"x-c": {"v"}}},
		{"remove drops all values", `{"action":"remove","name":"x-a"}`, map[string][]string{"x-a": nil}},
		{"rename moves all values and replaces", `{"action":"rename","name":"x-a","to":"x-b"}`, map[string][]string{"x-a": nil, "x-b": {"1", "2"}}},
		{"rename of an absent header", `{"action":"rename","name":"x-c","to":"x-b"}`, map[string][]string{"x-b": {"3"}, "x-c": nil}},
		{
			"each operation sees what the previous one left",
			`{"action":"rename","name":"x-a","to":"x-c"},{"action":"append","name":"x-c","value":"4"},{"action":"remove","name":"x-b"},{"action":"rename","name":"x-c","to":"x-b"}`,
			map[string][]string{"x-a": nil, "x-b": {"1", "2", "4"}, "x-c": nil},
		},
		{"none", ``, map[string][]string{"x-a": {"1", "2"}, "x-b": {"3"}}},
	}
	check := func(t *testing.T, h *exchange.Headers, want map[string][]string) {
		t.Helper()
		for name, values := range want {
			if got := h.Values(name); !slices.Equal(got, values) {
				t.Errorf("%s = %q, want %q", name, got, values)
			}
		}
	}
	untouched := map[string][]string{"x-a": {"1", "2"}, "x-b": {"3"}, "x-c": nil}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := &exchange.Exchange{
				Request:  exchange.NewHeaders("x-a", "1", "x-b", "3", "x-a", "2"),
				Response: exchange.NewHeaders("x-a", "1", "x-b", "3", "x-a", "2"),
			}
			if err := load(t, fmt.Sprintf(`{"request":[%s],"response":[],"reroute":false}`, tt.ops)).OnRequestHeaders(t.Context(), x); err != nil {
				t.Fatal(err)
			}
			check(t, x.Request, tt.want)
			check(t, x.Response, untouched)
			if err := load(t, fmt.Sprintf(`{"request":[],"response":[%s],"reroute":false}`, tt.ops)).OnResponseHeaders(t.Context(), x); err != nil {
				t.Fatal(err)
			}
			check(t, x.Response, tt.want)
		})
	}
}

func TestBodiesPassUnread(t *testing.T) {
	e, x := load(t, `{"request":[],"response":[],"reroute":false}`), exchange.New()
	if e.WantsRequestBody(t.Context(), x) || e.WantsResponseBody(t.Context(), x) {
		t.Error("wants a body")
	}
	if _, changed, err := e.OnRequestBody(t.Context(), x, nil); changed || err != nil {
		t.Error("changes the request body")
	}
	if _, changed, err := e.OnResponseBody(t.Context(), x, nil); changed || err != nil {
		t.Error("changes the response body")
	}
}

func TestWrongSettings(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"not JSON", `{`, "not JSON"},
		{"missing direction", `{"request":[],"reroute":false}`, "response: the key is missing"},
		{"unknown key", `{"request":[],"response":[],"reroute":false,"x":1}`, "x: 1 is not allowed; remove this key"},
		{"unknown action", `{"request":[{"action":"add","name":"x-a","value":"v"}],"response":[],"reroute":false}`, `request[0].action: "add" is not allowed; use set, append, set-from, append-from, remove or rename`},
		{"missing action", `{"request":[{"name":"x-a"}],"response":[],"reroute":false}`, "request[0].action: the key is missing"},
		{"missing value", `{"request":[],"response":[{"action":"set","name":"x-a"}],"reroute":false}`, "response[0].value: the key is missing"},
		{"a key of another action", `{"request":[{"action":"remove","name":"x-a","value":"v"}],"response":[],"reroute":false}`, `request[0].value: "v" is not allowed; remove this key`},
		{"reserved name", `{"request":[{"action":"rename","name":"x-a","to":"host"}],"response":[],"reroute":false}`, `request[0].to: "host" is not allowed; choose another header`},
		{"reroute as text", `{"request":[],"response":[],"reroute":"yes"}`, `reroute: "yes" is not allowed; write true or false`},
		{"unknown source", `{"request":[{"action":"set-from","name":"x-a","from":{"kind":"body","name":"a"},"part":{"kind":"whole"},"table":[],"prefix":"","suffix":"","default":""}],"response":[],"reroute":false}`, `request[0].from.kind: "body" is not allowed; use header, request-header, cookie, path, path-segment, query or joined`},
		{"no default", `{"request":[{"action":"set-from","name":"x-a","from":{"kind":"path"}}],"response":[],"reroute":false}`, "request[0].default: the key is missing"},
		{"a segment before the first", `{"request":[{"action":"append-from","name":"x-a","from":{"kind":"path-segment","segment":0},"part":{"kind":"whole"},"table":[],"prefix":"","suffix":"","default":""}],"response":[],"reroute":false}`, "request[0].from.segment: 0 is not allowed; write 1 or more"},
		{"an encoded parameter", `{"request":[{"action":"set-from","name":"x-a","from":{"kind":"query","name":"a b"},"part":{"kind":"whole"},"table":[],"prefix":"","suffix":"","default":""}],"response":[],"reroute":false}`, `request[0].from.name: "a b" is not allowed`},
		{"a key of another source", `{"request":[{"action":"set-from","name":"x-a","from":{"kind":"path","name":"a"},"part":{"kind":"whole"},"table":[],"prefix":"","suffix":"","default":""}],"response":[],"reroute":false}`, `request[0].from.name: "a" is not allowed; remove this key`},
		{"bad value", `{"request":[{"action":"append","name":"x-a","value":"a\nb"}],"response":[],"reroute":false}`, "request[0].value: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Load(strings.NewReader(tt.text), environment.Empty())
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// FuzzLoad: no settings text makes the extension panic, neither when it is read
// nor when it is applied.
func FuzzLoad(f *testing.F) {
	f.Add(`{"request":[{"action":"set","name":"x-a","value":"v"}],"response":[{"action":"rename","name":"x-a","to":"x-b"}],"reroute":false}`)
	f.Add(`{"request":[{"action":"append","name":"x-a","value":"v"},{"action":"remove","name":"x-b"}],"response":[],"reroute":false}`)
	f.Add(`{"request":[{"action":"set-from","name":"x-a","from":{"kind":"path-segment","segment":2},"part":{"kind":"whole"},"table":[],"prefix":"","suffix":"","default":"v"}],"response":[],"reroute":true}`)
	f.Add(`{"request":null}`)
	f.Fuzz(func(t *testing.T, text string) {
		e, err := Load(strings.NewReader(text), environment.Empty())
		if err != nil {
			return
		}
		x := &exchange.Exchange{Request: exchange.NewHeaders("x-a", "1"), Response: exchange.NewHeaders("x-a", "1")}
		if e.OnRequestHeaders(t.Context(), x) != nil || e.OnResponseHeaders(t.Context(), x) != nil {
			t.Error("an operation failed")
		}
	})
}
