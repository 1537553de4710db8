package extension

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"ext-proc-server/internal/environment"
	"ext-proc-server/internal/exchange"
)

// settingsWith are settings in which everything is off, with these changes.
func settingsWith(request, response, others string) string {
	merge := func(defaults, changes string) string {
		all := map[string]any{}
		for _, text := range []string{defaults, "{" + changes + "}"} {
			if err := json.Unmarshal([]byte(text), &all); err != nil {
				panic(err)
			}
		}
		text, _ := json.Marshal(all)
		return string(text)
	}
	r := merge(`{"places":["path","body"],"headers":["x-note"],"cards":"off","emails":"off","credentials":"off","sqlInjection":"off","pathTraversal":"off"}`, request)
	s := merge(`{"cards":"off","emails":"off","credentials":"off"}`, response)
	return merge(`{"request":`+r+`,"response":`+s+`,"patterns":[],"maskWith":"*","keepDigits":4,"contentTypes":["text/*","application/*+json"],"encoded":"refuse"}`, others)
}

func load(t *testing.T, text string) (*Extension, *strings.Builder) {
	t.Helper()
	env, events := environment.Empty(), &strings.Builder{}
	env.Events = events
	e, err := Load(strings.NewReader(text), env)
	if err != nil {
		t.Fatal(err)
	}
	return e, events
}

func statusOf(err error) int {
	var rejection *exchange.Rejection
	if errors.As(err, &rejection) {
		return rejection.Status
	}
	return 0
}

func request(path string, headers ...string) *exchange.Exchange {
	x := exchange.New()
	x.Request = exchange.NewHeaders(append([]string{":path", path}, headers...)...)
	return x
}

func TestPaths(t *testing.T) {
	e, _ := load(t, settingsWith(`"cards":"mask","sqlInjection":"block","emails":"report"`, ``, ``))
	for path, want := range map[string]int{
		"/a?b=c":                         0,
		"/?q=1%27%20or%20%271%27%3D%271": 403,
		"/?q=1+union+select+2":           403,
		"/?q=4111%201111+1111-1111":      403,
		"/?q=a%40example.com":            0,
		"/%":                             0,
		"/%4":                            0,
		"/%zz":                           0,
	} {
		x := request(path)
		if got := statusOf(e.OnRequestHeaders(t.Context(), x)); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
		if x.Request.Get(":path") != path {
			t.Errorf("%s became %s", path, x.Request.Get(":path"))
		}
	}
}

func TestHeaders(t *testing.T) {
	e, _ := load(t, settingsWith(`"places":[],"cards":"mask","credentials":"block"`, ``, ``))
	x := request("/4111111111111111", "x-note", "a 4111111111111111", "x-note", "\xffb", "x-other", "4111111111111111")
	if err := e.OnRequestHeaders(t.Context(), x); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(x.Request.Values("x-note"), "|"); got != "a ************1111|\xffb" {
		t.Errorf("x-note = %q", got)
	}
	if got := x.Request.Get("x-other"); got != "4111111111111111" {
		t.Errorf("x-other = %q", got)
	}
	if x.Request.Has("accept-encoding") {
		t.Error("accept-encoding is changed although responses are not inspected")
	}
	if got := statusOf(e.OnRequestHeaders(t.Context(), request("/", "x-note", "AKIAIOSFODNN7EXAMPLE"))); got != 403 {
		t.Errorf("status %d", got)
	}
}

func TestWhichBodiesAreInspected(t *testing.T) {
	e, _ := load(t, settingsWith(`"cards":"mask"`, `"cards":"block"`, ``))
	pass, _ := load(t, settingsWith(`"cards":"mask"`, `"cards":"block"`, `"encoded":"pass"`))
	off, _ := load(t, settingsWith(``, ``, ``))
	bodyOff, _ := load(t, settingsWith(`"places":["path"],"cards":"mask"`, ``, ``))
	const card = "4111111111111111"
	for _, tt := range []struct {
		name    string
		headers []string
		want    string // of a request body; "" for 415
		passed  string // with encoded: pass
	}{
		{"text", []string{"content-type", "Text/Plain; charset=utf-8"}, "************1111", "************1111"},
		{"+json", []string{"content-type", "application/problem+json"}, "************1111", "************1111"},
		{"no type", nil, "************1111", "************1111"},
		{"another type", []string{"content-type", "image/png"}, card, card},
		{"a type that is too short", []string{"content-type", "application/+jso"}, card, card},
		{"identity", []string{"content-encoding", "identity, Identity"}, "************1111", "************1111"},
		{"encoded", []string{"content-encoding", "identity, gzip"}, "", card},
		{"encoded, another type", []string{"content-type", "image/png", "content-encoding", "br"}, card, card},
	} {
		for extension, want := range map[*Extension]string{e: tt.want, pass: tt.passed, off: card, bodyOff: card} {
			x := exchange.New()
			x.Request, x.Response = exchange.NewHeaders(tt.headers...), exchange.NewHeaders(tt.headers...)
			if extension.WantsRequestBody(t.Context(), x) {
				t.Errorf("%s: holds a request", tt.name)
			}
			got, err := card, error(nil)
			if transform := extension.RequestBody(x); transform != nil {
				var out []byte
				out, err = transform.Chunk([]byte(card), true)
				got = string(out)
			}
			if got != want || (statusOf(err) == 415) != (want == "") {
				t.Errorf("%s: %q, %v", tt.name, got, err)
			}
			if extension != e && extension != pass {
				if extension.WantsResponseBody(t.Context(), x) || extension.ResponseBody(x) != nil {
					t.Errorf("%s: inspects a response with nothing to do", tt.name)
				}
				continue
			}
			// Responses: all that is masked here is blocked there.
			refused := extension.WantsResponseBody(t.Context(), x)
			if refused != (want != card) {
				t.Errorf("%s: holds the response: %t", tt.name, refused)
			}
			if refused {
				if _, _, err := extension.OnResponseBody(t.Context(), x, []byte(card)); statusOf(err) != 502 {
					t.Errorf("%s: response: %v", tt.name, err)
				}
			}
		}
	}
}

func TestResponsesFlowUnlessSomethingIsBlocked(t *testing.T) {
	e, _ := load(t, settingsWith(``, `"cards":"mask"`, ``))
	x := request("/", "accept-encoding", "gzip")
	if err := e.OnRequestHeaders(t.Context(), x); err != nil || x.Request.Get("accept-encoding") != "identity" {
		t.Errorf("%v, accept-encoding %q", err, x.Request.Get("accept-encoding"))
	}
	if e.OnResponseHeaders(t.Context(), x) != nil || e.WantsResponseBody(t.Context(), x) {
		t.Error("the response is held")
	}
	out, err := e.ResponseBody(x).Chunk([]byte("4111111111111111"), true)
	if string(out) != "************1111" || err != nil {
		t.Errorf("%s, %v", out, err)
	}
}

func TestAHeldResponseWithNothingToBlock(t *testing.T) {
	e, _ := load(t, settingsWith(``, `"cards":"block","emails":"mask"`, ``))
	body, changed, err := e.OnResponseBody(t.Context(), exchange.New(), []byte("a@b.de"))
	if string(body) != "******" || !changed || err != nil {
		t.Errorf("%s, %t, %v", body, changed, err)
	}
	if body, changed, err := e.OnRequestBody(t.Context(), exchange.New(), []byte("a")); string(body) != "a" || changed || err != nil {
		t.Errorf("%s, %t, %v", body, changed, err)
	}
}

func TestEvents(t *testing.T) {
	e, events := load(t, settingsWith(`"cards":"mask","emails":"report","pathTraversal":"report"`, `"emails":"report"`, `"patterns":[{"name":"own","pattern":"secret","request":"report","response":"off"}]`))
	x := request("/../?q=a@b.de", "x-note", "a@b.de", "x-note", "c@d.ef")
	if err := e.OnRequestHeaders(t.Context(), x); err != nil {
		t.Fatal(err)
	}
	body := e.RequestBody(x)
	for i, chunk := range []string{"4111 1111", " 1111 1111 secret", ""} {
		if _, err := body.Chunk([]byte(chunk), i == 2); err != nil {
			t.Fatal(err)
		}
	}
	// A response that breaks off is reported as far as it came.
	if _, err := e.ResponseBody(x).Chunk([]byte("a@b.de, "+strings.Repeat("z", 2*window)), false); err != nil {
		t.Fatal(err)
	}
	e.OnEnd(x, exchange.End{})
	e.OnEnd(exchange.New(), exchange.End{})
	want := []string{
		`{"event":"content_inspection","direction":"request","place":"path","detector":"emails","action":"report","count":1}`,
		`{"event":"content_inspection","direction":"request","place":"path","detector":"path-traversal","action":"report","count":1}`,
		`{"event":"content_inspection","direction":"request","place":"header x-note","detector":"emails","action":"report","count":2}`,
		`{"event":"content_inspection","direction":"request","place":"body","detector":"cards","action":"mask","count":1}`,
		`{"event":"content_inspection","direction":"request","place":"body","detector":"pattern:own","action":"report","count":1}`,
		`{"event":"content_inspection","direction":"response","place":"body","detector":"emails","action":"report","count":1}`,
	}
	if got := strings.TrimSpace(events.String()); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s", got)
	}
}

func TestRefusalsAreProblems(t *testing.T) {
	for err, status := range map[error]int{refuseRequest(): 403, refuseEncodedRequest(): 415, refuseResponse(): 502} {
		var r *exchange.Rejection
		if !errors.As(err, &r) || r.Headers.Get("content-type") != "application/problem+json" {
			t.Fatalf("%v", err)
		}
		var body struct {
			Type, Title, Detail string
			Status              int
		}
		if err := json.Unmarshal([]byte(r.Body), &body); err != nil || body.Status != status || r.Status != status || body.Title == "" {
			t.Errorf("%s: %v", r.Body, err)
		}
	}
}

func TestWrongSettings(t *testing.T) {
	own := func(pattern string) string {
		text, _ := json.Marshal(pattern)
		return `"patterns":[{"name":"own","pattern":` + string(text) + `,"request":"mask","response":"off"}]`
	}
	for _, tt := range []struct{ request, response, others, want string }{
		{`"cards":"hide"`, ``, ``, `request.cards: "hide" is not allowed; write one of off, report, mask, block`},
		{`"sqlInjection":"mask"`, ``, ``, `request.sqlInjection: "mask" is not allowed; write one of off, report, block`},
		{`"places":["query"]`, ``, ``, `request.places[0]: "query" is not allowed; write one of path, body`},
		{`"headers":["Host"]`, ``, ``, `request.headers[0]: "Host" is not allowed`},
		{`"extra":1`, ``, ``, `request.extra: 1 is not allowed; remove this key`},
		{``, `"sqlInjection":"off"`, ``, `response.sqlInjection: "off" is not allowed; remove this key`},
		{``, ``, `"maskWith":"ab"`, `maskWith: "ab" is not allowed; write one of *, x, X, #, 1`},
		{``, ``, `"keepDigits":5`, `keepDigits: 5 is not allowed; write a number from 0 to 4`},
		{``, ``, `"contentTypes":["*/*"]`, `contentTypes[0]: "*/*" is not allowed; write a media type`},
		{``, ``, `"encoded":"decode"`, `encoded: "decode" is not allowed; write one of refuse, pass`},
		{``, ``, own(`(`), `patterns[0].pattern: "(" is not allowed; write a regular expression`},
		{``, ``, own(`a*`), `it has *, +, {n,}`},
		{``, ``, own(`a{2,}`), `it has *, +, {n,}`},
		{``, ``, own(`.`), `it has *, +, {n,}, .`},
		{``, ``, own(`\bab`), `it has *, +, {n,}, ., anchors or \b`},
		{``, ``, own(`^a`), `anchors`},
		{``, ``, own(`[^a]`), `beyond ASCII`},
		{``, ``, own(`é`), `beyond ASCII`},
		{``, ``, own(`(?i)ab`), `flags or lazy`},
		{``, ``, own(`a{1,3}?`), `flags or lazy`},
		{``, ``, own(`a?|b{0,2}`), `matches the empty text`},
		{``, ``, own(`a{200}b{57}`), `more than 256 bytes`},
		{``, ``, own(`(?:a{100}){100}`), `patterns[0].pattern`},
	} {
		_, err := Load(strings.NewReader(settingsWith(tt.request, tt.response, tt.others)), environment.Empty())
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s %s %s: %v, want %s", tt.request, tt.response, tt.others, err, tt.want)
		}
	}
}

// FuzzSettings: no settings crash the server, and no pattern that is accepted
// has longer matches than the window allows.
func FuzzSettings(f *testing.F) {
	for _, pattern := range []string{`EMP-\d{6}`, `(a|b){1,9}`, `[a-z]{256}`, `a{`, `\x{10FFFF}`} {
		f.Add(pattern, strings.Repeat("a", 300))
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		quoted, _ := json.Marshal(pattern)
		e, err := Load(strings.NewReader(settingsWith(``, ``, `"patterns":[{"name":"own","pattern":`+string(quoted)+`,"request":"mask","response":"off"}]`)), environment.Empty())
		if err != nil {
			return
		}
		for at := 0; at < len(text); {
			start, end, _ := e.request[0].find([]byte(text), at, len(text))
			if start < 0 {
				return
			}
			if start < at || end <= start || end-start > maxPatternBytes {
				t.Fatalf("%q finds %d to %d", pattern, start, end)
			}
			at = end
		}
	})
}
