package extension

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

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
	return merge(`{"request":`+r+`,"response":`+s+`,"patterns":[],"maskWith":"*","keepDigits":4,"contentTypes":["text/*","application/*+json"],"unreadable":"reject"}`, others)
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

// counted reads the metric of bodies that cannot be read.
func counted(t *testing.T, e *Extension, direction, action string) float64 {
	t.Helper()
	families, err := e.env.Metrics.(*prometheus.Registry).Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			labels := metric.GetLabel() // sorted: action, direction
			if labels[0].GetValue() == action && labels[1].GetValue() == direction {
				return metric.GetCounter().GetValue()
			}
		}
	}
	return 0
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
		"/?q=%2527%20or%20%25271%2527=1": 403, // encoded twice
		"/?q=%34111111111111111":         403,
		"/?q=%25%33%34111111111111111":   403,
		`/?q=\u0034111111111111111`:      403,
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
	pass, _ := load(t, settingsWith(`"cards":"mask"`, `"cards":"block"`, `"unreadable":"pass"`))
	off, _ := load(t, settingsWith(``, ``, ``))
	bodyOff, _ := load(t, settingsWith(`"places":["path"],"cards":"mask"`, ``, ``))
	const card = "4111111111111111"
	for _, tt := range []struct {
		name    string
		headers []string
		want    string // of a request body; "" for 415
		passed  string // with unreadable: pass
	}{
		{"text", []string{"content-type", "Text/Plain; charset=utf-8"}, "************1111", "************1111"},
		{"+json", []string{"content-type", "application/problem+json"}, "************1111", "************1111"},
		{"no type", nil, "************1111", "************1111"},
		{"another type", []string{"content-type", "image/png"}, card, card},
		{"a type that is too short", []string{"content-type", "application/+jso"}, card, card},
		{"identity", []string{"content-encoding", "identity, Identity"}, "************1111", "************1111"},
		{"encoded", []string{"content-encoding", "identity, gzip"}, "", card},
		{"an unknown charset", []string{"content-type", "text/plain; charset=utf-7"}, "", card},
		{"one unknown charset of two", []string{"content-type", `text/plain; charset=utf-8, text/html; Charset = "Shift_JIS"`}, "", card},
		{"a charset in parts", []string{"content-type", "text/plain; charset*0=utf-; charset*1=7"}, "", card},
		{"an extended charset", []string{"content-type", "text/plain; charset*=us-ascii''utf-7"}, "", card},
		{"a charset with a blank", []string{"content-type", `text/plain; charset=" utf-7"`}, "", card},
		{"a charset with a semicolon", []string{"content-type", `text/plain; charset=";utf-7"`}, "", card},
		{"an empty charset", []string{"content-type", "text/plain; charset="}, "", card},
		{"base64 as a whole", []string{"content-transfer-encoding", "base64"}, "", card},
		{"known charsets", []string{"content-type", `text/plain; charset="UTF-8"`, "content-type", "text/plain;charset=iso-8859-15"}, "************1111", "************1111"},
		{"one inspected type of two", []string{"content-type", "image/png, text/plain"}, "************1111", "************1111"},
		{"one inspected type of two lines", []string{"content-type", "image/png", "content-type", "text/plain"}, "************1111", "************1111"},
		{"an empty type of two", []string{"content-type", "image/png,"}, "************1111", "************1111"},
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
	x := request("/", "accept-encoding", "gzip", "range", "bytes=0-9", "if-range", "x")
	if err := e.OnRequestHeaders(t.Context(), x); err != nil || x.Request.Get("accept-encoding") != "identity" || x.Request.Has("range") || x.Request.Has("if-range") {
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

func TestAPartOfABodyCannotBeRead(t *testing.T) {
	for settings, want := range map[string]bool{`"unreadable":"reject"`: true, `"unreadable":"pass"`: false} {
		e, _ := load(t, settingsWith(``, `"cards":"mask"`, settings))
		x := exchange.New()
		x.Response = exchange.NewHeaders(":status", "206", "content-type", "multipart/byteranges; boundary=a")
		if e.WantsResponseBody(t.Context(), x) != want {
			t.Errorf("%s: %t", settings, !want)
		}
		if want {
			if _, _, err := e.OnResponseBody(t.Context(), x, []byte("41111")); statusOf(err) != 502 {
				t.Errorf("%v", err)
			}
		} else if e.ResponseBody(x) != nil {
			t.Error("it is inspected")
		}
	}
}

func TestEncodedPartsCannotBeRead(t *testing.T) {
	const part = "--b\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: BASE64\r\n\r\nNDExMQ==\r\n--b--\r\n"
	for settings, want := range map[string]string{`"unreadable":"reject"`: "block", `"unreadable":"pass"`: "pass"} {
		e, events := load(t, settingsWith(`"cards":"block"`, ``, settings+`,"contentTypes":["multipart/form-data"]`))
		x := exchange.New()
		x.Request = exchange.NewHeaders("content-type", "multipart/form-data; boundary=b")
		out, err := e.RequestBody(x).Chunk([]byte(part), true)
		if want == "block" && statusOf(err) != 415 || want == "pass" && string(out) != part {
			t.Errorf("%s: %q, %v", settings, out, err)
		}
		e.OnEnd(x, exchange.End{})
		if !strings.Contains(events.String(), `"detector":"unreadable","action":"`+want+`","count":1}`) {
			t.Errorf("%s: events %q", settings, events)
		}
		if got := counted(t, e, "request", want); got != 1 {
			t.Errorf("%s: counted %v", settings, got)
		}
	}
}

// TestWaysToWriteATransferEncoding: multipart parsers take many writings.
func TestWaysToWriteATransferEncoding(t *testing.T) {
	e, _ := load(t, settingsWith(`"cards":"block"`, `"emails":"report"`, `"contentTypes":["multipart/*"]`))
	const name = "Content-Transfer-Encoding"
	for line, encoded := range map[string]bool{
		name + ":base64": true,
		name + ":" + strings.Repeat(" ", 9) + "base64":      true,
		name + ":" + strings.Repeat("\t ", 1000) + "base64": true,
		name + strings.Repeat(" ", 1000) + ": base64":       true,
		name + " \t: BASE64":                                true,
		name + ":\r\n base64":                               true,
		name + "\v:\vbase64":                                true,
		name + ": \x00base64":                               true,
		name + ": quoted-printable":                         true,
		name + ": x-new":                                    true,
		name + ": (7bit) base64":                            true,
		name + `: "base64"`:                                 true,
		name + ": 7bit; base64":                             true,
		name + ": binary\r\n base64":                        true,
		strings.ToUpper(name) + ": base64":                  true,
		name + ": 7bit":                                     false,
		name + ":8BIT \t":                                   false,
		name + ":  Binary":                                  false,
		"X-A: " + name:                                      false,
	} {
		part := "--b\r\n" + line + "\r\nX-B: c\r\n\r\nNDExMQ==\r\n--b--\r\n"
		for n := range 2 {
			x := exchange.New()
			x.Request = exchange.NewHeaders("content-type", "multipart/form-data; boundary=b")
			body, err := e.RequestBody(x), error(nil)
			for _, piece := range []string{part[:n*(len(part)/2)], part[n*(len(part)/2):]} {
				if err == nil {
					_, err = body.Chunk([]byte(piece), false)
				}
			}
			if err == nil {
				_, err = body.Chunk(nil, true)
			}
			if (statusOf(err) == 415) != encoded {
				t.Errorf("%.60q: %v", line, err)
			}
		}
		x := exchange.New()
		x.Response = exchange.NewHeaders("content-type", "multipart/mixed; boundary=b")
		if !e.WantsResponseBody(t.Context(), x) {
			t.Fatal("the response leaves before it is read")
		}
		if _, _, err := e.OnResponseBody(t.Context(), x, []byte(part)); (statusOf(err) == 502) != encoded {
			t.Errorf("response: %.60q: %v", line, err)
		}
	}
}

func TestWhatIsUnreadableAndPassesIsCounted(t *testing.T) {
	e, events := load(t, settingsWith(`"cards":"block"`, `"cards":"mask"`, `"unreadable":"pass"`))
	x := exchange.New()
	x.Request = exchange.NewHeaders("content-encoding", "gzip")
	x.Response = exchange.NewHeaders("content-type", "text/plain; charset=utf-7")
	if e.RequestBody(x) != nil || e.ResponseBody(x) != nil {
		t.Fatal("it is inspected")
	}
	e.OnEnd(x, exchange.End{})
	for _, direction := range []string{"request", "response"} {
		if got := counted(t, e, direction, "pass"); got != 1 {
			t.Errorf("%s: counted %v", direction, got)
		}
		if want := `"direction":"` + direction + `","place":"body","detector":"unreadable","action":"pass","count":1}`; !strings.Contains(events.String(), want) {
			t.Errorf("events %s", events)
		}
	}
}

// Whole events and lines go on at once, what follows is held back.
func TestEventsPassAsTheyCome(t *testing.T) {
	e, _ := load(t, settingsWith(``, `"cards":"mask"`, `"contentTypes":["text/*","application/x-ndjson"]`))
	for contentType, pieces := range map[string][][2]string{
		"text/event-stream":    {{"data: a\n\n", "data: a\n\n"}, {"data: 4111111111", ""}, {"111111\r\n\r", "data: ************1111\r\n\r"}, {"\ndata: b\r\rda", "\ndata: b\r\r"}, {"ta: c", ""}},
		"application/x-ndjson": {{"{\"a\":1}\n", "{\"a\":1}\n"}, {"\"4111111111", ""}, {"111111\"\n1\n2", "\"************1111\"\n1\n"}},
		"text/plain":           {{"data: a\n\n", ""}},
	} {
		x := exchange.New()
		x.Response = exchange.NewHeaders("content-type", contentType+"; charset=utf-8")
		body := e.ResponseBody(x)
		for _, piece := range pieces {
			out, err := body.Chunk([]byte(piece[0]), false)
			if string(out) != piece[1] || err != nil {
				t.Errorf("%s: %q became %q, %v", contentType, piece[0], out, err)
			}
		}
	}
}

func TestRefusalsAreProblems(t *testing.T) {
	for err, status := range map[error]int{refuseRequest(): 403, refuseUnreadableRequest(): 415, refuseResponse(): 502} {
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
		{``, ``, `"unreadable":"decode"`, `unreadable: "decode" is not allowed; write one of reject, pass`},
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
			start, end, _ := e.request[0].searches[0]([]byte(text), at, len(text))
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
