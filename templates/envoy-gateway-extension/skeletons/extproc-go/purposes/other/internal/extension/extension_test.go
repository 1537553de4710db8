package extension

import (
	"slices"
	"strings"
	"testing"

	"ext-proc-server/internal/environment"
	"ext-proc-server/internal/exchange"
)

const valid = `{"header":{"name":"x-processed-by","value":"my-ext"}}`

func load(t *testing.T, text string) *Extension {
	t.Helper()
	e, err := Load(strings.NewReader(text), environment.Empty())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestWithoutAMarkerNothingChanges(t *testing.T) {
	e := load(t, `{"header":{"name":"","value":""}}`)
	x := &exchange.Exchange{
		Request:  exchange.NewHeaders(":path", "/", "x-a", "1", "x-a", "2"),
		Response: exchange.NewHeaders(":status", "200", "x-a", "1"),
	}
	if err := e.OnRequestHeaders(t.Context(), x); err != nil {
		t.Fatal(err)
	}
	if err := e.OnResponseHeaders(t.Context(), x); err != nil {
		t.Fatal(err)
	}
	for direction, h := range map[string]*exchange.Headers{"request": x.Request, "response": x.Response} {
		if changes := h.TakeChanges(); len(changes) > 0 {
			t.Errorf("%s: %v", direction, changes)
		}
	}
}

func TestMarksBothDirections(t *testing.T) {
	e := load(t, valid)
	x := &exchange.Exchange{
		Request:  exchange.NewHeaders("x-processed-by", "client", "x-processed-by", "other"),
		Response: exchange.NewHeaders(":status", "200"),
	}
	if err := e.OnRequestHeaders(t.Context(), x); err != nil {
		t.Fatal(err)
	}
	if err := e.OnResponseHeaders(t.Context(), x); err != nil {
		t.Fatal(err)
	}
	for direction, h := range map[string]*exchange.Headers{"request": x.Request, "response": x.Response} {
		if got := h.Values("x-processed-by"); !slices.Equal(got, []string{"my-ext"}) {
			t.Errorf("%s: x-processed-by = %q", direction, got)
		}
	}
}

func TestBodiesPassUnchanged(t *testing.T) {
	e, x, body := load(t, valid), exchange.New(), []byte("body")
	if e.WantsRequestBody(t.Context(), x) || e.WantsResponseBody(t.Context(), x) {
		t.Error("wants a body")
	}
	if got, changed, err := e.OnRequestBody(t.Context(), x, body); string(got) != "body" || changed || err != nil {
		t.Errorf("request: %q, %t, %v", got, changed, err)
	}
	if got, changed, err := e.OnResponseBody(t.Context(), x, body); string(got) != "body" || changed || err != nil {
		t.Errorf("response: %q, %t, %v", got, changed, err)
	}
}

func TestWrongSettings(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"not JSON", `x`, "not JSON"},
		{"missing header", `{}`, "header: the key is missing"},
		{"missing value", `{"header":{"name":"x-a"}}`, "header.value: the key is missing"},
		{"unknown key", `{"header":{"name":"x-a","value":"v"},"headers":{}}`, "headers: {} is not allowed; remove this key"},
		{"reserved name", `{"header":{"name":"host","value":"v"}}`, `header.name: "host" is not allowed`},
		{"line break", `{"header":{"name":"x-a","value":"v\n"}}`, "header.value: "},
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
