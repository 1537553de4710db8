package extension

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"ext-proc-server/internal/environment"
	"ext-proc-server/internal/exchange"
)

// settingsText is a settings file with some members replaced.
func settingsText(t testing.TB, members string) string {
	t.Helper()
	all := map[string]any{
		"fields":              []string{"method", "path", "query", "host", "status", "requestBytes", "responseBytes", "requestId", "clientAddress", "userAgent"},
		"requestHeaders":      []string{},
		"responseHeaders":     []string{},
		"redactedHeaders":     []string{},
		"keptQueryParameters": []string{},
		"claims":              []string{},
		"provider":            "",
		"sampling":            map[string]any{"perTenThousand": 10000, "header": "x-request-id", "always": "errors"},
		"output":              "stdout",
	}
	if members != "" {
		if err := json.Unmarshal([]byte(members), &all); err != nil {
			t.Fatal(err)
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func parsed(t testing.TB, members string) *Extension {
	t.Helper()
	e, err := parse(strings.NewReader(settingsText(t, members)))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func answered() *exchange.Exchange {
	x := exchange.New()
	x.Start = time.Date(2026, 10, 1, 14, 0, 0, 123456789, time.FixedZone("", 7200))
	x.Request = exchange.NewHeaders(":method", "POST", ":path", "/a/b?page=2&token=t0ps3cret", ":authority", "shop.example.com",
		"content-length", "12", "user-agent", `a "b"`, "x-request-id", "id-1", "authorization", "Bearer t0ps3cret", "cookie", "a=t0ps3cret", "cookie", "b=t0ps3cret",
		"x-list", "1", "x-list", "2", "x-own", "t0ps3cret")
	x.Response = exchange.NewHeaders(":status", "200", "content-length", "34", "set-cookie", "s=t0ps3cret", "x-cache", "hit")
	x.SetAttribute("source.address", "[2001:db8::1]:4711")
	x.SetMetadata(claimsNamespace, map[string]any{"idp": map[string]any{
		"sub": "alice", "n": 42.0, "yes": true, "none": nil, "realm": map[string]any{"roles": []any{"admin", 7.0, map[string]any{"a": 1.0}, "dev"}},
	}})
	return x
}

func TestEvent(t *testing.T) {
	const begin = `{"event":"request","time":"2026-10-01T12:00:00.123Z","outcome":"answered"`
	tests := []struct {
		name, members string
		change        func(*exchange.Exchange)
		end           exchange.End
		want          string
	}{
		{
			"all fields", ``, nil, exchange.End{},
			begin + `,"method":"POST","path":"/a/b","query":"page=[redacted]&token=[redacted]","host":"shop.example.com","status":200,"requestBytes":12,"responseBytes":34,"requestId":"id-1","clientAddress":"2001:db8::1","userAgent":"a \"b\""}`,
		},
		{
			"no fields", `{"fields":[]}`, nil, exchange.End{},
			begin + `}`,
		},
		{
			"fields have an order of their own", `{"fields":["status","durationMs","method"]}`, nil, exchange.End{Duration: 1234567 * time.Microsecond},
			begin + `,"method":"POST","status":200,"durationMs":1234}`,
		},
		{
			"headers, in lines, without credentials",
			`{"fields":[],"requestHeaders":["authorization","cookie","x-list","x-own","x-absent"],"responseHeaders":["set-cookie","x-cache"],"redactedHeaders":["x-own"]}`,
			nil, exchange.End{},
			begin + `,"requestHeaders":{"authorization":["[redacted]"],"cookie":["[redacted]"],"x-list":["1","2"],"x-own":["[redacted]"]},"responseHeaders":{"set-cookie":["[redacted]"],"x-cache":["hit"]}}`,
		},
		{
			"headers that are absent", `{"fields":[],"requestHeaders":["x-absent"],"responseHeaders":["x-absent"]}`, nil, exchange.End{},
			begin + `}`,
		},
		{
			"claims of all types", `{"fields":[],"provider":"idp","claims":[{"name":"who","claim":["sub"]},{"name":"n","claim":["n"]},{"name":"yes","claim":["yes"]},{"name":"roles","claim":["realm","roles"]},{"name":"none","claim":["none"]},{"name":"absent","claim":["sub","x"]}]}`,
			nil, exchange.End{},
			begin + `,"claims":{"n":["42"],"roles":["admin","7","dev"],"who":["alice"],"yes":["true"]}}`,
		},
		{
			"claims of another provider", `{"fields":[],"provider":"other","claims":[{"name":"who","claim":["sub"]}]}`, nil, exchange.End{},
			begin + `}`,
		},
		{
			"bytes that were counted", `{"fields":["requestBytes","responseBytes"]}`, nil, exchange.End{RequestBytes: 5, ResponseBytes: 6},
			begin + `,"requestBytes":5,"responseBytes":6}`,
		},
		{
			"lengths that nobody knows", `{"fields":["requestBytes","responseBytes"]}`,
			func(x *exchange.Exchange) {
				x.Request.Remove("content-length")
				x.Response.Set("content-length", "-1")
			}, exchange.End{},
			begin + `}`,
		},
		{
			"the length that an answer to HEAD announces", `{"fields":["method","responseBytes"]}`,
			func(x *exchange.Exchange) { x.Request.Set(":method", "HEAD") }, exchange.End{},
			begin + `,"method":"HEAD"}`,
		},
		{
			"bytes that are no text", `{"fields":["path","query","userAgent"],"keptQueryParameters":["q"]}`,
			func(x *exchange.Exchange) {
				x.Request.Set(":path", "/\xff\"\\?q=\x7f")
				x.Request.Set("user-agent", "ü\n")
			}, exchange.End{},
			begin + `,"path":"/%FF\"\\","query":"q=%7F","userAgent":"%C3%BC%0A"}`,
		},
		{
			"a client that has gone", `{"fields":["method","status"]}`,
			func(x *exchange.Exchange) { x.Response = &exchange.Headers{} }, exchange.End{},
			`{"event":"request","time":"2026-10-01T12:00:00.123Z","outcome":"aborted","method":"POST"}`,
		},
		{
			"what a filter before this one has answered", `{}`,
			func(x *exchange.Exchange) {
				*x = exchange.Exchange{Start: x.Start, Request: &exchange.Headers{}, Response: exchange.NewHeaders(":status", "401")}
			}, exchange.End{Duration: time.Second},
			begin + `,"status":401}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := answered()
			if tt.change != nil {
				tt.change(x)
			}
			if got := string(parsed(t, tt.members).event(x, tt.end)); got != tt.want+"\n" {
				t.Errorf("got  %s want %s", got, tt.want)
			}
		})
	}
}

func TestEventsAreBounded(t *testing.T) {
	e, x := parsed(t, `{"fields":["path","userAgent"],"requestHeaders":["x-many"]}`), answered()
	x.Request.Set(":path", "/"+strings.Repeat("a", 50000))
	x.Request.Set("user-agent", strings.Repeat("ü", 5000))
	for range 100 {
		x.Request.Append("x-many", strings.Repeat("b", 5000))
	}
	var event struct {
		Path, UserAgent string
		RequestHeaders  map[string][]string
	}
	if err := json.Unmarshal(e.event(x, exchange.End{}), &event); err != nil {
		t.Fatal(err)
	}
	if len(event.Path) != 1024 || event.UserAgent != strings.Repeat("%C3%BC", 200)[:1024] {
		t.Errorf("lengths %d and %d", len(event.Path), len(event.UserAgent))
	}
	if many := event.RequestHeaders["x-many"]; len(many) != 8 || len(many[7]) != 1024 {
		t.Errorf("%d values", len(many))
	}
}

func TestRedactQuery(t *testing.T) {
	kept := []string{"page", "a%5B%5D"}
	tests := []struct{ query, want string }{
		{"", ""},
		{"a=1", "a=[redacted]"},
		{"page=2&token=x&page=3", "page=2&token=[redacted]&page=3"},
		{"PAGE=2", "PAGE=[redacted]"},
		{"p%61ge=2", "p%61ge=[redacted]"},
		{"page=2;token=x", "page=2;token=[redacted]"},
		{"a%5B%5D=1", "a%5B%5D=1"},
		{"t0ken", "[redacted]"},
		{"dG9rZW4=&dG9rZW4==", "[redacted]&[redacted]"},
		{"page&page=", "page&page="},
		{"=x", "=[redacted]"},
		{"a=b=c", "a=[redacted]"},
		{"&&a=1&;", "&&a=[redacted]&;"},
	}
	for _, tt := range tests {
		if got := redactQuery(tt.query, kept); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.query, got, tt.want)
		}
	}
}

// TestSamples has the numbers that the same sum gives in Python.
func TestSamples(t *testing.T) {
	for value, number := range map[string]int{
		"":                                     0,
		"a":                                    1308,
		"b":                                    9957,
		"caller-0":                             3375,
		"ü":                                    9959,
		"0b8f2f44-5b0b-4b1e-9d0a-6f7c5a1d2e3f": 4825,
	} {
		if inSample(value, number) || !inSample(value, number+1) {
			t.Errorf("%q is not number %d", value, number)
		}
	}
	kept := 0
	for i := range 10000 {
		if inSample(fmt.Sprintf("user-%d", i), 1000) {
			kept++
		}
	}
	if kept != 966 {
		t.Errorf("%d of 10000", kept)
	}
}

func TestWants(t *testing.T) {
	tests := []struct {
		name, sampling, header string
		status                 int
		want                   bool
	}{
		{"all", `"perTenThousand":10000,"header":"x-k","always":"none"`, "caller-0", 200, true},
		{"none", `"perTenThousand":0,"header":"x-k","always":"none"`, "", 500, false},
		{"none, no response", `"perTenThousand":0,"header":"x-k","always":"none"`, "", 0, false},
		{"in the sample", `"perTenThousand":3376,"header":"x-k","always":"none"`, "caller-0", 200, true},
		{"not in the sample", `"perTenThousand":3375,"header":"x-k","always":"none"`, "caller-0", 200, false},
		{"an error", `"perTenThousand":0,"header":"x-k","always":"errors"`, "", 400, true},
		{"no error", `"perTenThousand":0,"header":"x-k","always":"errors"`, "", 399, false},
		{"no response", `"perTenThousand":0,"header":"x-k","always":"errors"`, "", 0, true},
		{"an error of the client only", `"perTenThousand":0,"header":"x-k","always":"server-errors"`, "", 499, false},
		{"an error of the server", `"perTenThousand":0,"header":"x-k","always":"server-errors"`, "", 500, true},
		{"a lucky request", `"perTenThousand":5000,"header":"","always":"none"`, "", 200, true},
		{"an unlucky request", `"perTenThousand":4999,"header":"","always":"none"`, "", 200, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := parsed(t, `{"sampling":{`+tt.sampling+`}}`)
			e.sampling.chance = func(int) int { return 4999 }
			x := exchange.New()
			x.Request.Set("x-k", tt.header)
			if got := e.sampling.wants(x, tt.status); got != tt.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

func TestWrongSettings(t *testing.T) {
	tests := []struct{ name, members, want string }{
		{"field", `{"fields":["method","body"]}`, `fields[1]: "body" is not allowed; use method, path, query`},
		{"header", `{"requestHeaders":["X-A"]}`, `requestHeaders[0]: "X-A" is not allowed; write a header name in lower case`},
		{"header of the response", `{"responseHeaders":[""]}`, `responseHeaders[0]: "" is not allowed`},
		{"redacted header", `{"redactedHeaders":[1]}`, `redactedHeaders[0]: 1 is not allowed`},
		{"parameter", `{"keptQueryParameters":["a=b"]}`, `keptQueryParameters[0]: "a=b" is not allowed; write the name of a parameter`},
		{"claims without a provider", `{"claims":[{"name":"who","claim":["sub"]}]}`, `provider: "" is not allowed; name the provider`},
		{"a claim without names", `{"provider":"p","claims":[{"name":"who","claim":[]}]}`, `claims[0].claim: [] is not allowed; write the names`},
		{"a claim without a key", `{"provider":"p","claims":[{"name":"who"}]}`, `claims[0].claim: the key is missing`},
		{"too many of ten thousand", `{"sampling":{"perTenThousand":10001,"header":"","always":"none"}}`, `sampling.perTenThousand: 10001 is not allowed; write an integer from 0 to 10000`},
		{"the header that decides", `{"sampling":{"perTenThousand":1,"header":":path","always":"none"}}`, `sampling.header: ":path" is not allowed`},
		{"always", `{"sampling":{"perTenThousand":1,"header":"","always":"yes"}}`, `sampling.always: "yes" is not allowed; use none, server-errors, errors`},
		{"output", `{"output":"file"}`, `output: "file" is not allowed; use stdout, otlp`},
		{"a key too many", `{"file":"x"}`, `file: "x" is not allowed; remove this key`},
		{"no collector", `{"output":"otlp"}`, `OTEL_EXPORTER_OTLP_ENDPOINT is not the URL of a collector; set it`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Load(strings.NewReader(settingsText(t, tt.members)), environment.Empty())
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// TestConcurrentExchanges: each event is a line of its own and speaks of one exchange.
func TestConcurrentExchanges(t *testing.T) {
	var out bytes.Buffer
	env := environment.Empty()
	env.Events = &out
	e, err := Load(strings.NewReader(settingsText(t, `{"requestHeaders":["x-a"],"responseHeaders":["x-b"]}`)), env)
	if err != nil {
		t.Fatal(err)
	}
	const n = 200
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() {
			text := fmt.Sprint(i)
			x := exchange.New()
			x.Request = exchange.NewHeaders(":method", "GET", ":path", "/"+text, "x-a", text)
			x.Response = exchange.NewHeaders(":status", "200", "x-b", text)
			if e.OnRequestHeaders(t.Context(), x) != nil || e.OnResponseHeaders(t.Context(), x) != nil {
				t.Error("refused")
			}
			e.OnEnd(x, exchange.End{})
		})
	}
	wait.Wait()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, text := range strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n") {
		var event struct {
			Path                            string
			RequestHeaders, ResponseHeaders map[string][]string
		}
		if err := json.Unmarshal([]byte(text), &event); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		number := event.Path[1:]
		if event.RequestHeaders["x-a"][0] != number || event.ResponseHeaders["x-b"][0] != number {
			t.Errorf("mixed: %s", text)
		}
		seen[number] = true
	}
	if len(seen) != n {
		t.Errorf("%d events", len(seen))
	}
}

func TestBodiesPassUnread(t *testing.T) {
	e, x := parsed(t, ""), exchange.New()
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

// FuzzEvent: whatever a client sends, the event is one line of JSON, of bounded
// length, and has no value that is not to be there.
func FuzzEvent(f *testing.F) {
	f.Add("/a?b=c", "agent", "value", "alice")
	f.Add("?", "\xff\"\n\\", "", "\u2028")
	f.Add("/%zz?&;=&==", "[redacted]", "a\x00b", "1")
	e := parsed(f, `{"provider":"p","requestHeaders":["authorization","x-a"],"claims":[{"name":"who","claim":["sub"]}]}`)
	f.Fuzz(func(t *testing.T, path, agent, value, subject string) {
		const secret = "T0PS3CRET"
		if strings.Contains(path+agent+value+subject, secret) {
			t.Skip()
		}
		separator := "?"
		if strings.Contains(path, "?") {
			separator = "&"
		}
		x := exchange.New()
		x.Request = exchange.NewHeaders(":method", "GET", ":path", path+separator+"token="+secret+"&"+secret, "user-agent", agent, "x-a", value, "authorization", secret)
		x.SetMetadata(claimsNamespace, map[string]any{"p": map[string]any{"sub": subject}})
		text := e.event(x, exchange.End{})
		if !json.Valid(text) || bytes.Count(text, []byte("\n")) != 1 || len(text) > 16384 {
			t.Errorf("not a line of JSON: %q", text)
		}
		if bytes.Contains(text, []byte(secret)) {
			t.Errorf("not redacted: %q", text)
		}
	})
}

// FuzzParse: no settings text makes the extension panic.
func FuzzParse(f *testing.F) {
	f.Add(settingsText(f, ""))
	f.Add(settingsText(f, `{"provider":"p","claims":[{"name":"a","claim":["b","c"]}]}`))
	f.Add(`{"fields":null,"sampling":[]}`)
	f.Fuzz(func(t *testing.T, text string) {
		if e, err := parse(strings.NewReader(text)); err == nil {
			e.sampling.wants(answered(), 200)
			e.event(answered(), exchange.End{})
		}
	})
}
