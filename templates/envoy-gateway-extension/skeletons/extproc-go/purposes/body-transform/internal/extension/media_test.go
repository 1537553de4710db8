package extension

import (
	"errors"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"ext-proc-server/internal/environment"
	"ext-proc-server/internal/exchange"
)

func TestWhatHeadersSayOfABody(t *testing.T) {
	tests := []struct {
		name    string
		headers *exchange.Headers
		kind    content
		why     reason
	}{
		{"JSON", exchange.NewHeaders("content-type", "application/json"), contentJSON, readable},
		{"parameters and case", exchange.NewHeaders("content-type", " Application/JSON ; Charset=\"UTF-8\""), contentJSON, readable},
		{"+json", exchange.NewHeaders("content-type", "application/problem+json"), contentJSON, readable},
		{"+json of another kind", exchange.NewHeaders("content-type", "image/x+json"), contentJSON, readable},
		{"text/json", exchange.NewHeaders("content-type", "text/json"), contentJSON, readable},
		{"JSON lines", exchange.NewHeaders("content-type", "application/jsonl"), contentJSON, readable},
		{"no type", exchange.NewHeaders(), contentJSON, readable},
		{"an empty type", exchange.NewHeaders("content-type", ""), contentJSON, readable},
		{"no valid type", exchange.NewHeaders("content-type", "text"), contentJSON, readable},
		{"a blank in the type", exchange.NewHeaders("content-type", "text /plain"), contentJSON, readable},
		{"a parameter only", exchange.NewHeaders("content-type", ";charset=utf-8"), contentJSON, readable},
		{"twice in a line", exchange.NewHeaders("content-type", "application/json, application/json"), contentJSON, readable},
		{"another type before it", exchange.NewHeaders("content-type", "text/plain, application/json"), contentJSON, readable},
		{"another line before it", exchange.NewHeaders("content-type", "image/png", "content-type", "application/json"), contentJSON, readable},
		{"a comma in quotes", exchange.NewHeaders("content-type", `text/plain; a="\", application/json"`), contentOther, readable},
		{"UTF-16", exchange.NewHeaders("content-type", "application/json; charset=utf-16"), contentJSON, byCharset},
		{"a charset in parts", exchange.NewHeaders("content-type", "application/json; charset*0=utf-; charset*1=7"), contentJSON, byCharset},
		{"an extended charset", exchange.NewHeaders("content-type", "application/json; charset*=us-ascii''utf-7"), contentJSON, byCharset},
		{"a charset with a blank", exchange.NewHeaders("content-type", `application/json; charset=" utf-7"`), contentJSON, byCharset},
		{"a charset between quotes", exchange.NewHeaders("content-type", `application/json; a=b"; charset=utf-7; c="`), contentJSON, byCharset},
		{"a second charset", exchange.NewHeaders("content-type", "application/json;charset=utf-8;charset=utf-7"), contentJSON, byCharset},
		{"text in UTF-16", exchange.NewHeaders("content-type", "text/plain; charset=utf-16"), contentOther, readable},
		{"identity", exchange.NewHeaders("content-type", "application/json", "content-encoding", "Identity, identity"), contentJSON, readable},
		{"compressed", exchange.NewHeaders("content-type", "application/json", "content-encoding", "gzip"), contentJSON, byEncoding},
		{"compressed twice", exchange.NewHeaders("content-type", "text/plain", "content-encoding", "identity", "content-encoding", "identity,br"), contentOther, byEncoding},
		{"a part of a request", exchange.NewHeaders("content-type", "application/json", "content-range", "bytes 0-60/61"), contentJSON, byPart},
		{"a part of a response", exchange.NewHeaders(":status", "206", "content-type", "image/png"), contentOther, byPart},
		{"a difference", exchange.NewHeaders(":status", "226", "content-type", "application/json"), contentJSON, byPart},
		{"several parts", exchange.NewHeaders("content-type", "Multipart/Mixed; boundary=x"), contentOther, byType},
		{"events", exchange.NewHeaders("content-type", "text/event-stream"), contentOther, byType},
		{"text", exchange.NewHeaders("content-type", "text/plain"), contentOther, readable},
		{"an image", exchange.NewHeaders("content-type", "image/png"), contentOther, readable},
	}
	const op = `{"action":"mask","pointer":"/a","keep":0}`
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			kind, why := examine(tt.headers)
			if kind != tt.kind || why != tt.why {
				t.Errorf("got %v, %q", kind, why)
			}
			x := &exchange.Exchange{Request: tt.headers, Response: tt.headers}
			for _, unreadable := range []string{"pass", "reject"} {
				both, neither := loadWith(t, op, op, unreadable), loadWith(t, "", "", unreadable)
				wants := tt.kind == contentJSON && tt.why == readable
				if both.WantsRequestBody(t.Context(), x) != wants || both.WantsResponseBody(t.Context(), x) != wants {
					t.Errorf("does not ask for the body as it should: %t", !wants)
				}
				sniffs := unreadable == "reject" && tt.kind == contentOther && tt.why == readable
				if (both.RequestBody(x) != nil) != sniffs || (both.ResponseBody(x) != nil) != sniffs {
					t.Errorf("does not look into the body as it should: %t", !sniffs)
				}
				if neither.WantsRequestBody(t.Context(), x) || neither.WantsResponseBody(t.Context(), x) ||
					neither.RequestBody(x) != nil || neither.ResponseBody(x) != nil {
					t.Error("wants a body with nothing to do")
				}
			}
		})
	}
}

// TestWhatCannotBeRead goes through every way in which a body cannot be read.
func TestWhatCannotBeRead(t *testing.T) {
	tests := []struct {
		name    string
		headers []string
		body    string
		why     reason
		status  int // of the answer to a request
	}{
		{"compressed", []string{"content-type", "application/json", "content-encoding", "gzip"}, "\x1f\x8b", byEncoding, 415},
		{"a part", []string{"content-type", "application/json", "content-range", "bytes 0-3/9"}, `4111`, byPart, 400},
		{"several parts", []string{"content-type", "multipart/form-data; boundary=x"}, "--x", byType, 415},
		{"another charset", []string{"content-type", "application/json;charset=utf-16"}, `{}`, byCharset, 415},
		{"broken JSON", nil, `{"a":`, notJSON, 415},
		{"one byte that is not UTF-8", nil, "{\"a\":\"\xff\"}", notJSON, 415},
		{"a surrogate in UTF-8", nil, "{\"a\":\"\xed\xa0\x80\"}", notJSON, 415},
		{"an overlong name", nil, "{\"\xc1\xa1\":1}", notJSON, 415},
		{"not a number", nil, `{"a":NaN}`, notJSON, 415},
		{"lines", nil, "{\"a\":1}\n{\"a\":2}\n", notJSON, 415},
		{"trailing garbage", nil, `{"a":1} x`, notJSON, 415},
		{"a NUL behind it", nil, "{\"a\":1}\x00", notJSON, 415},
		{"a prefix against scripts", nil, ")]}',\n{\"a\":1}", notJSON, 415},
		{"two byte order marks", nil, "\xef\xbb\xbf\xef\xbb\xbf{}", notJSON, 415},
		{"UTF-16 that is not announced", nil, "{\x00\"\x00a\x00\"\x00:\x001\x00}\x00", notJSON, 415},
		{"a comment", nil, `{"a":1/**/}`, notJSON, 415},
		{"a trailing comma", nil, `{"a":1,}`, notJSON, 415},
		{"single quotes", nil, `{'a':1}`, notJSON, 415},
		{"nesting beyond the limit", nil, strings.Repeat("[", 10001) + strings.Repeat("]", 10001), notJSON, 415},
		{"labelled as text", []string{"content-type", "text/plain"}, " \n{\"a\":1}", labelledOther, 415},
		{"labelled as an image", []string{"content-type", "image/png"}, `{"a":1}`, labelledOther, 415},
		{"labelled as text, with a byte order mark", []string{"content-type", "text/plain"}, "\xef\xbb\xbf{", labelledOther, 415},
		{"labelled as text, in UTF-16", []string{"content-type", "text/plain"}, "\xff\xfe{\x00", labelledOther, 415},
		{"labelled as text, in UTF-32", []string{"content-type", "text/plain"}, "\x00\x00\x00{", labelledOther, 415},
	}
	const op = `{"action":"mask","pointer":"/a","keep":0}`
	for _, tt := range tests {
		for _, unreadable := range []string{"pass", "reject"} {
			t.Run(tt.name+", "+unreadable, func(t *testing.T) {
				headers := exchange.NewHeaders(tt.headers...)
				if tt.headers == nil {
					headers.Set("content-type", "application/json")
				}
				e := loadWith(t, op, op, unreadable)
				x := &exchange.Exchange{Request: headers, Response: headers, HasRequestBody: true, HasResponseBody: true}
				request := func() (string, error) {
					if err := e.onHeaders(e.request, x.Request, true); err != nil {
						return "", err
					}
					return pass(t, e.WantsRequestBody(t.Context(), x), e.RequestBody(x), tt.body, func(b []byte) ([]byte, bool, error) {
						return e.OnRequestBody(t.Context(), x, b)
					})
				}
				response := func() (string, error) {
					if err := e.OnResponseHeaders(t.Context(), x); err != nil {
						return "", err
					}
					return pass(t, e.WantsResponseBody(t.Context(), x), e.ResponseBody(x), tt.body, func(b []byte) ([]byte, bool, error) {
						return e.OnResponseBody(t.Context(), x, b)
					})
				}
				for _, d := range []struct {
					name   string
					status int
					run    func() (string, error)
				}{{"request", tt.status, request}, {"response", 502, response}} {
					got, err := d.run()
					var r *exchange.Rejection
					refused := errors.As(err, &r)
					outcome := "passed"
					if unreadable == "reject" {
						outcome = "refused"
						if !refused || r.Status != d.status || r.Headers.Get("content-type") != "application/problem+json" {
							t.Errorf("%s: got %v with %q", d.name, err, got)
						}
					} else if err != nil || got != tt.body {
						t.Errorf("%s does not pass as it is: %q, %v", d.name, got, err)
					}
					if outcome == "passed" && tt.why == labelledOther {
						continue // is not looked at
					}
					if n := counted(t, e.unreadable)[d.name+" "+outcome+" "+string(tt.why)]; n != 1 {
						t.Errorf("%s: counted %v times as %s, %s", d.name, n, tt.why, outcome)
					}
				}
			})
		}
	}
}

// pass sends a body through as the stream loop does in mode FullDuplexStreamed,
// byte by byte.
func pass(t *testing.T, whole bool, transform exchange.BodyTransform, body string, onBody func([]byte) ([]byte, bool, error)) (string, error) {
	t.Helper()
	switch {
	case whole:
		got, _, err := onBody([]byte(body))
		return string(got), err
	case transform == nil:
		return body, nil
	}
	var sent []byte
	for i := range len(body) {
		out, err := transform.Chunk([]byte(body[i:i+1]), i == len(body)-1)
		if err != nil {
			if strings.Trim(string(sent), " \n\x00\xef\xbb\xbf\xff\xfe") != "" {
				t.Errorf("%q has passed before the rest was refused", sent)
			}
			return "", err
		}
		sent = append(sent, out...)
	}
	return string(sent), nil
}

func TestWhatBeginsLikeAnotherType(t *testing.T) {
	object, element := `{"action":"mask","pointer":"/a","keep":0}`, `{"action":"mask","pointer":"/0/a","keep":0}`
	for _, tt := range []struct {
		name, op, body string
		passes         bool
	}{
		{"text", object, "hello {", true},
		{"empty", object, "", true},
		{"white space", object, " \n", true},
		{"markup", object, "<p>{", true},
		{"an array that no operation names", object, `[{"a":1}]`, true},
		{"an array", element, `[{"a":1}]`, false},
		{"a number", element, "4111", true},
		{"JPEG", object, "\xff\xd8\xff\xe0{", true},
		{"gRPC with a length like a bracket", object, "\x00\x00\x00{\x01", true},
		{"gRPC that is none", object, " {", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := loadWith(t, tt.op, "", "reject")
			mediaType := "text/plain"
			if strings.HasPrefix(tt.name, "gRPC") {
				mediaType = "application/grpc-web+proto"
			}
			x := &exchange.Exchange{Request: exchange.NewHeaders("content-type", mediaType), HasRequestBody: true}
			got, err := pass(t, false, e.RequestBody(x), tt.body, nil)
			if tt.passes && (err != nil || got != tt.body) || !tt.passes && err == nil {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestAByteOrderMarkIsIgnored(t *testing.T) {
	e := loadWith(t, `{"action":"mask","pointer":"/a","keep":0}`, "", "reject")
	for body, want := range map[string]string{
		"\xef\xbb\xbf{\"a\":1}": `{"a":"*"}`,
		"\xef\xbb\xbf{\"b\":1}": "\xef\xbb\xbf{\"b\":1}",
	} {
		if got, _ := edited(t, e, body); string(got) != want {
			t.Errorf("%q became %q", body, got)
		}
	}
}

func TestARequestWithoutBodyIsNotRefused(t *testing.T) {
	e := loadWith(t, `{"action":"remove","pointer":"/a"}`, `{"action":"remove","pointer":"/a"}`, "reject")
	x := &exchange.Exchange{
		Request:  exchange.NewHeaders(":method", "HEAD", "content-type", "multipart/mixed"),
		Response: exchange.NewHeaders(":status", "200", "content-type", "application/json", "content-encoding", "gzip"),
	}
	if err := e.OnRequestHeaders(t.Context(), x); err != nil {
		t.Error(err)
	}
	if err := e.OnResponseHeaders(t.Context(), x); err != nil {
		t.Error(err)
	}
	for _, body := range []string{"", " \r\n\t"} {
		if got, changed := edited(t, e, body); string(got) != body || changed {
			t.Errorf("%q became %q", body, got)
		}
	}
}

func TestTheMetricIsRegistered(t *testing.T) {
	registry := prometheus.NewRegistry()
	env := environment.Empty()
	env.Metrics = registry
	e, err := Load(strings.NewReader(`{"request":[{"action":"remove","pointer":"/a"}],"response":[],"unreadable":"pass"}`), env)
	if err != nil {
		t.Fatal(err)
	}
	edited(t, e, "x")
	families, err := registry.Gather()
	if err != nil || len(families) != 1 || families[0].GetName() != "body_transform_unreadable_total" {
		t.Errorf("%v, %v", families, err)
	}
}

// counted returns the values of a counter by the values of its labels, which are
// in the order of their names.
func counted(t *testing.T, counter *prometheus.CounterVec) map[string]float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(counter)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			var labels []string
			for _, label := range metric.GetLabel() {
				labels = append(labels, label.GetValue())
			}
			values[strings.Join(labels, " ")] = metric.GetCounter().GetValue()
		}
	}
	return values
}
