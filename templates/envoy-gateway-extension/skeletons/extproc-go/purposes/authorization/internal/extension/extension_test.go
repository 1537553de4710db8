package extension

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"ext-proc-server/internal/environment"
	"ext-proc-server/internal/exchange"
)

// settingsWith returns complete settings with some members replaced.
func settingsWith(members string) string {
	all := map[string]json.RawMessage{
		"rules": []byte(`[]`), "provider": []byte(`"idp"`), "pathCase": []byte(`"sensitive"`),
		"decisionLog": []byte(`"all"`), "subject": []byte(`[]`), "mode": []byte(`"enforce"`),
	}
	if err := json.Unmarshal([]byte("{"+members+"}"), &all); err != nil {
		panic(err)
	}
	text, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func rules(list ...string) string {
	full := make([]string, len(list))
	for i, members := range list {
		r := map[string]json.RawMessage{
			"name": fmt.Appendf(nil, `"rule-%d"`, i), "effect": []byte(`"allow"`),
			"methods": []byte(`[]`), "paths": []byte(`[]`), "headers": []byte(`[]`), "claims": []byte(`[]`),
		}
		if err := json.Unmarshal([]byte("{"+members+"}"), &r); err != nil {
			panic(err)
		}
		text, _ := json.Marshal(r)
		full[i] = string(text)
	}
	return `"rules":[` + strings.Join(full, ",") + `]`
}

func load(t *testing.T, members string) (*Extension, *bytes.Buffer) {
	t.Helper()
	env, log := environment.Empty(), &bytes.Buffer{}
	env.Events = log
	e, err := Load(strings.NewReader(settingsWith(members)), env)
	if err != nil {
		t.Fatal(err)
	}
	return e, log
}

// ask returns allow, or the status and the reason of the refusal.
func ask(t *testing.T, e *Extension, claims any, headers ...string) string {
	t.Helper()
	x := exchange.New()
	x.Request = exchange.NewHeaders(append([]string{":method", "GET"}, headers...)...)
	if claims != nil {
		x.SetMetadata(claimsNamespace, map[string]any{"idp": claims, "other": map[string]any{"admin": true}})
	}
	err := e.OnRequestHeaders(t.Context(), x)
	var r *exchange.Rejection
	if errors.As(err, &r) {
		return fmt.Sprintf("%d %s", r.Status, r.Reason)
	}
	if err != nil {
		t.Fatal(err)
	}
	return "allow"
}

const (
	denied = "403 authorization_no_rule"
	noID   = "401 authorization_claims_missing"
)

func TestPaths(t *testing.T) {
	const ambiguous = "403 authorization_ambiguous_path"
	tests := []struct{ match, pattern, path, want string }{
		{"exact", "/a", "/a", "allow"},
		{"exact", "/a", "/a?x=/b", "allow"},
		{"exact", "/a", "/a/", denied},
		{"exact", "/a", "/ab", denied},
		{"exact", "/a", "/A", denied},
		{"exact", "/a", "/%61", "allow"},
		{"exact", "/", "/", "allow"},
		{"exact", "/", "/a", denied},
		{"exact", "/é", "/%C3%a9", "allow"},
		{"exact", "/a/", "/a/", "allow"},
		{"prefix", "/a", "/a", "allow"},
		{"prefix", "/a", "/a/", "allow"},
		{"prefix", "/a", "/a/b/c", "allow"},
		{"prefix", "/a", "/ab", denied},
		{"prefix", "/", "/", "allow"},
		{"prefix", "/", "/a/b", "allow"},
		{"segments", "/u/*/o", "/u/1/o", "allow"},
		{"segments", "/u/*/o", "/u/*/o", "allow"},
		{"segments", "/u/*/o", "/u/1/2/o", denied},
		{"segments", "/u/*", "/u/", denied},
		{"segments", "/u/*/**", "/u/1", "allow"},
		{"segments", "/u/*/**", "/u/1/2/3", "allow"},
		{"segments", "/u/*/**", "/u", denied},
		{"segments", "/**", "/", "allow"},
		{"prefix", "/", "/a//b", ambiguous},
		{"prefix", "/", "//a", ambiguous},
		{"prefix", "/", "/a/../b", ambiguous},
		{"prefix", "/", "/a/%2e%2E/b", ambiguous},
		{"prefix", "/", "/.", ambiguous},
		{"prefix", "/", "/a%2Fb", ambiguous},
		{"prefix", "/", `/a\b`, ambiguous},
		{"prefix", "/", "/a%5cb", ambiguous},
		{"prefix", "/", "/a;x=1", ambiguous},
		{"prefix", "/", "/a%3bx", ambiguous},
		{"prefix", "/", "/a%00", ambiguous},
		{"prefix", "/", "/a%7F", ambiguous},
		{"prefix", "/", "/a%2561", ambiguous},
		{"prefix", "/", "/a%25", "allow"},
		{"prefix", "/", "/a%zz", ambiguous},
		{"prefix", "/", "/a%2", ambiguous},
		{"prefix", "/", "/a%", ambiguous},
		{"prefix", "/", "/a#b", ambiguous},
		{"prefix", "/", "/%ff", ambiguous},
		{"prefix", "/", "/%c3%a9", "allow"},
		{"prefix", "/", "/..%c0%afadmin", ambiguous},
		{"prefix", "/", "/%e0%80%afadmin", ambiguous},
		{"prefix", "/", "/%ed%a0%80", ambiguous},
		{"prefix", "/", "/%f4%90%80%80", ambiguous},
		{"prefix", "/", "/%f0%9f%98%80", "allow"},
		{"prefix", "/", "*", ambiguous},
		{"prefix", "/", "", ambiguous},
		{"prefix", "/", "http://a/", ambiguous},
	}
	for _, tt := range tests {
		e, _ := load(t, rules(fmt.Sprintf(`"paths":[{"match":"exact","path":"/never"},{"match":%q,"path":%q}]`, tt.match, tt.pattern)))
		if got := ask(t, e, nil, ":path", tt.path); got != tt.want {
			t.Errorf("%s %s of %q: %s, want %s", tt.match, tt.pattern, tt.path, got, tt.want)
		}
	}
}

func TestPathsWithoutRegardToCase(t *testing.T) {
	e, _ := load(t, `"pathCase":"ignored",`+rules(`"paths":[{"match":"prefix","path":"/AdmÍn"}]`))
	for path, want := range map[string]string{
		"/aDM%C3%8Dn/x": "allow",
		"/%41dm%C3%8dN": "allow",
		"/adm%C3%ADn":   denied, // letters beyond ASCII differ
	} {
		if got := ask(t, e, nil, ":path", path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

func TestTheFirstRuleThatMatchesDecides(t *testing.T) {
	e, _ := load(t, rules(
		`"effect":"deny","paths":[{"match":"prefix","path":"/admin"}],"methods":["DELETE"]`,
		`"paths":[{"match":"prefix","path":"/admin"}]`,
		`"effect":"deny","paths":[{"match":"exact","path":"/admin"}]`,
	))
	for _, tt := range []struct {
		method, path string
		want         decision
	}{
		{"DELETE", "/admin", decision{false, byRule, "rule-0"}},
		{"GET", "/admin", decision{true, byRule, "rule-1"}},
		{"delete", "/admin", decision{true, byRule, "rule-1"}}, // methods have a case
		{"GET", "/", decision{false, noRule, ""}},
	} {
		if got := e.policy.decide(request{method: tt.method, path: tt.path, headers: exchange.NewHeaders()}); got != tt.want {
			t.Errorf("%s %s: %+v, want %+v", tt.method, tt.path, got, tt.want)
		}
	}
	none, _ := load(t, rules())
	if got := ask(t, none, map[string]any{}, ":path", "/"); got != denied {
		t.Errorf("without rules: %s", got)
	}
}

func TestHeaders(t *testing.T) {
	present, equals, oneOf := `{"is":"present","name":"x-a"}`, `{"is":"equals","name":"x-a","value":"1"}`, `{"is":"one-of","name":"x-a","values":["1","2"]}`
	for _, tt := range []struct {
		condition    string
		lines        []string
		allow, denyR bool // whether a rule that allows, and one that denies, matches
	}{
		{present, nil, false, false},
		{present, []string{""}, true, true},
		{equals, nil, false, false},
		{equals, []string{"1"}, true, true},
		{equals, []string{"1", "1"}, true, true},
		{equals, []string{"1", "3"}, false, true},
		{equals, []string{"3", "1"}, false, true},
		{equals, []string{"1,3"}, false, true},
		{equals, []string{"3 ,\t1 "}, false, true},
		{equals, []string{"3", "2, 1"}, false, true},
		{equals, []string{"11, 3"}, false, false},
		{equals, []string{"1 "}, false, true},
		{oneOf, []string{"2"}, true, true},
		{oneOf, []string{"2", "1"}, true, true},
		{oneOf, []string{"2", "3"}, false, true},
		{oneOf, []string{"3"}, false, false},
	} {
		headers := []string{":path", "/"}
		for _, line := range tt.lines {
			headers = append(headers, "x-a", line)
		}
		e, _ := load(t, rules(`"headers":[`+tt.condition+`]`))
		if got := ask(t, e, nil, headers...); (got == "allow") != tt.allow {
			t.Errorf("%s allows with %q: %s", tt.condition, tt.lines, got)
		}
		e, _ = load(t, rules(`"effect":"deny","headers":[`+tt.condition+`]`, ``))
		if got := ask(t, e, nil, headers...); (got != "allow") != tt.denyR {
			t.Errorf("%s denies with %q: %s", tt.condition, tt.lines, got)
		}
	}
}

func TestClaims(t *testing.T) {
	claims := map[string]any{
		"sub": "u1", "scope": "read  write", "level": 3.0, "time": 4102444800.0, "half": 0.5, "on": true, "none": nil,
		"groups": []any{"a b", 7.0, false, nil, []any{"deep"}},
		"realm":  map[string]any{"roles": []any{"admin"}}, "https://x/y.z": "named", "negative": -5.0, "empty": "", "nothing": []any{nil, []any{}},
	}
	for _, tt := range []struct {
		condition string
		want      bool
	}{
		{`"is":"present","claim":["sub"]`, true},
		{`"is":"present","claim":["none"]`, false},
		{`"is":"present","claim":["absent"]`, false},
		{`"is":"present","claim":["empty"]`, true},
		{`"is":"present","claim":["realm"]`, false},
		{`"is":"present","claim":["realm","absent"]`, false},
		{`"is":"present","claim":["groups"]`, true},
		{`"is":"present","claim":["nothing"]`, false},
		{`"is":"present","claim":["sub","deeper"]`, false},
		{`"is":"present","claim":["groups","0"]`, false},
		{`"is":"equals","claim":["sub"],"value":"u1"`, true},
		{`"is":"equals","claim":["sub"],"value":"U1"`, false},
		{`"is":"equals","claim":["level"],"value":"3"`, true},
		{`"is":"equals","claim":["negative"],"value":"-5"`, true},
		{`"is":"equals","claim":["level"],"value":"3.0"`, false},
		{`"is":"equals","claim":["half"],"value":"0.5"`, true},
		{`"is":"equals","claim":["time"],"value":"4102444800"`, true},
		{`"is":"equals","claim":["on"],"value":"true"`, true},
		{`"is":"equals","claim":["none"],"value":"null"`, false},
		{`"is":"equals","claim":["groups"],"value":"a b"`, false},
		{`"is":"equals","claim":["https://x/y.z"],"value":"named"`, true},
		{`"is":"contains","claim":["scope"],"value":"write"`, true},
		{`"is":"contains","claim":["scope"],"value":"read"`, true},
		{`"is":"contains","claim":["scope"],"value":"rea"`, false},
		{`"is":"contains","claim":["scope"],"value":"read  write"`, false},
		{`"is":"contains","claim":["groups"],"value":"a b"`, true},
		{`"is":"contains","claim":["groups"],"value":"a"`, false},
		{`"is":"contains","claim":["groups"],"value":"7"`, true},
		{`"is":"contains","claim":["groups"],"value":"false"`, true},
		{`"is":"contains","claim":["groups"],"value":"deep"`, false},
		{`"is":"contains","claim":["realm","roles"],"value":"admin"`, true},
		{`"is":"contains","claim":["realm"],"value":"roles"`, false},
		{`"is":"contains","claim":["level"],"value":"3"`, true},
		{`"is":"one-of","claim":["sub"],"values":["u0","u1"]`, true},
		{`"is":"one-of","claim":["sub"],"values":["u0"]`, false},
		{`"is":"one-of","claim":["groups"],"values":["x","7"]`, true},
		{`"is":"one-of","claim":["scope"],"values":["write"]`, false},
		{`"is":"one-of","claim":["realm"],"values":["admin"]`, false},
	} {
		e, _ := load(t, rules(`"claims":[{`+tt.condition+`}]`))
		if got := ask(t, e, claims, ":path", "/"); (got == "allow") != tt.want {
			t.Errorf("%s: %s", tt.condition, got)
		}
	}
}

func TestWithoutVerifiedClaims(t *testing.T) {
	const claim = `"claims":[{"is":"equals","claim":["admin"],"value":"true"}]`
	for _, tt := range []struct {
		name   string
		rules  string
		claims any
		want   string
	}{
		{"a rule would have allowed it", rules(claim), nil, noID},
		{"also where a rule denies it in the end", rules(claim, `"effect":"deny"`), nil, noID},
		{"another rule allows it", rules(claim, ``), nil, "allow"},
		{"only a denying rule asks for claims", rules(`"effect":"deny",` + claim), nil, denied},
		{"the rule asks for something else, too", rules(`"methods":["POST"],` + claim), nil, denied},
		{"an earlier rule denies", rules(`"effect":"deny"`, claim), nil, "403 authorization_rule"},
		{"claims of another provider do not count", rules(claim), map[string]any{}, denied},
		{"the metadata are no object", rules(claim), "text", noID},
	} {
		e, _ := load(t, tt.rules)
		if got := ask(t, e, tt.claims, ":path", "/", "authorization", "Bearer unverified"); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, tt := range []struct {
		reason       reason
		status       int
		body, bearer string
	}{
		{noRule, 403, `{"type":"about:blank","title":"Forbidden","status":403}`, ""},
		{claimsMissing, 401, `{"type":"about:blank","title":"Unauthorized","status":401}`, "Bearer"},
	} {
		r := refusal(decision{reason: tt.reason})
		if r.Status != tt.status || r.Body != tt.body || r.Headers.Get("www-authenticate") != tt.bearer || r.Headers.Get("content-type") != "application/problem+json" {
			t.Errorf("%s: %+v, %v", tt.reason, r, r.Headers)
		}
	}
}

func TestDecisionLog(t *testing.T) {
	readers := rules(`"name":"readers","paths":[{"match":"exact","path":"/r"}]`)
	allowed := event{"authorization", "allow", byRule, "readers", "GET", "/r", "<\"\n>", "enforce"}
	refused := event{"authorization", "deny", ambiguousPath, "", "GET", "/%22%FF\"", "", "enforce"}
	for log, want := range map[string][]event{"all": {allowed, refused}, "denied": {refused}, "none": nil} {
		e, events := load(t, fmt.Sprintf(`"decisionLog":%q,"subject":["who","name"],%s`, log, readers))
		ask(t, e, map[string]any{"who": map[string]any{"name": "<\"\n>"}}, ":path", "/r?token=secret", "authorization", "Bearer secret")
		ask(t, e, nil, ":path", "/%22\xff\"?secret", "cookie", "secret")
		if strings.Contains(events.String(), "secret") {
			t.Errorf("%s: %s", log, events)
		}
		var got []event
		for line := range strings.Lines(events.String()) {
			var v event
			if err := json.Unmarshal([]byte(line), &v); err != nil {
				t.Fatal(err)
			}
			got = append(got, v)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %+v, want %+v", log, got, want)
		}
	}
}

func TestLoggedPathsAreShort(t *testing.T) {
	for _, path := range []string{"/" + strings.Repeat("a", 5000), "/" + strings.Repeat("é", 5000)} {
		if got := printable(path); len(got) != 1024 {
			t.Error(len(got))
		}
	}
}

func TestReportOnly(t *testing.T) {
	e, events := load(t, `"mode":"report-only"`)
	if got := ask(t, e, nil, ":path", "/a;b"); got != "allow" {
		t.Error(got)
	}
	if !strings.Contains(events.String(), `"decision":"deny","reason":"ambiguous_path"`) || !strings.Contains(events.String(), `"mode":"report-only"`) {
		t.Error(events)
	}
}

func TestALogThatCannotBeWrittenDecidesNothing(t *testing.T) {
	env := environment.Empty()
	env.Events = failing{}
	e, err := Load(strings.NewReader(settingsWith(rules(``))), env)
	if err != nil {
		t.Fatal(err)
	}
	if got := ask(t, e, nil, ":path", "/"); got != "allow" {
		t.Error(got)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("full") }

func TestConcurrentRequestsDoNotMix(t *testing.T) {
	e, _ := load(t, `"decisionLog":"none",`+rules(`"claims":[{"is":"equals","claim":["sub"],"value":"u1"}]`))
	var group sync.WaitGroup
	for i := range 64 {
		group.Go(func() {
			want := "allow"
			if i%2 == 1 {
				want = denied
			}
			if got := ask(t, e, map[string]any{"sub": fmt.Sprintf("u%d", 1+i%2)}, ":path", "/"); got != want {
				t.Errorf("%d: %s, want %s", i, got, want)
			}
		})
	}
	group.Wait()
}

func TestWrongSettings(t *testing.T) {
	claim := func(condition string) string { return rules(`"claims":[{` + condition + `}]`) }
	header := func(condition string) string { return rules(`"headers":[{` + condition + `}]`) }
	path := func(match, path string) string {
		return rules(fmt.Sprintf(`"paths":[{"match":%q,"path":%q}]`, match, path))
	}
	for members, want := range map[string]string{
		`"rules":{}`:                      "rules: {} is not allowed; write a JSON array",
		`"more":1`:                        "more: 1 is not allowed; remove this key",
		`"mode":"observe"`:                `mode: "observe" is not allowed; write one of enforce, report-only`,
		`"pathCase":true`:                 "pathCase: true is not allowed; write a JSON string",
		`"decisionLog":""`:                `decisionLog: "" is not allowed; write one of all, denied, none`,
		`"subject":["a",1]`:               "subject[1]: 1 is not allowed; write a JSON string",
		`"provider":"","subject":["sub"]`: `provider: "" is not allowed; write the name in SecurityPolicy`,
		`"provider":"",` + claim(`"is":"present","claim":["a"]`):                `provider: "" is not allowed`,
		rules(`"name":"a"`, `"name":"a"`):                                       `rules[1].name: "a" is not allowed; give every rule a name of its own`,
		rules(`"name":""`):                                                      `rules[0].name: "" is not allowed`,
		rules(`"effect":"maybe"`):                                               `rules[0].effect: "maybe" is not allowed; write one of allow, deny`,
		rules(`"methods":["get"]`):                                              `rules[0].methods[0]: "get" is not allowed; write one of GET,`,
		rules(`"extra":1`):                                                      "rules[0].extra: 1 is not allowed",
		path("glob", "/"):                                                       `paths[0].match: "glob" is not allowed; write one of exact, prefix, segments`,
		path("exact", "a"):                                                      `paths[0].path: "a" is not allowed; begin with /`,
		path("exact", "/a%20b"):                                                 "without percent-encoding",
		path("exact", "/a//b"):                                                  "empty and dot segments",
		path("exact", "/a?b"):                                                   "begin with /",
		path("exact", "/*"):                                                     `use "match": "segments"`,
		path("prefix", "/a/"):                                                   "remove the / at the end",
		path("segments", "/a*"):                                                 "let * stand for one whole segment",
		path("segments", "/**/a"):                                               "let * stand for one whole segment",
		header(`"is":"absent","name":"x-a"`):                                    `headers[0].is: "absent" is not allowed; write one of present, equals, one-of`,
		header(`"is":"present","name":"X-A"`):                                   `headers[0].name: "X-A" is not allowed; write the name of a header in lower case`,
		header(`"is":"present","name":"authorization"`):                         "choose another header",
		header(`"is":"present","name":"x-forwarded-for"`):                       "choose another header",
		header(`"is":"present","name":"x-a","value":"1"`):                       `headers[0].value: "1" is not allowed; remove this key`,
		header(`"is":"equals","name":"x-a"`):                                    "headers[0].value: the key is missing",
		header(`"is":"one-of","name":"x-a","values":[]`):                        "headers[0].values: [] is not allowed; write at least one value",
		claim(`"is":"matches","claim":["a"]`):                                   "write one of present, equals, contains, one-of",
		claim(`"is":"present","claim":[]`):                                      "claims[0].claim: [] is not allowed; write the names",
		claim(`"is":"equals","claim":["a"],"value":3`):                          "claims[0].value: 3 is not allowed; write a JSON string",
		claim(`"is":"contains","claim":["a"],"values":["b"]`):                   `claims[0].values: ["b"] is not allowed; remove this key`,
		claim(`"is":"equals","claim":["a"],"value":"x","extra":"unreasonable"`): "remove this key",
	} {
		_, err := Load(strings.NewReader(settingsWith(members)), environment.Empty())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", members, err, want)
		}
	}
	if _, err := Load(strings.NewReader(`{`), environment.Empty()); err == nil {
		t.Error("half a file is accepted")
	}
}

// FuzzSegmentsOf: what is accepted names the same place for everybody.
func FuzzSegmentsOf(f *testing.F) {
	for _, seed := range []string{"/", "/a/b", "/a%2fb", "/%2e%2e/a", "/a//b", "/a;b", "/a%2561", "/%", "/%C3%A9/?x", "*", "/a\\b", "/\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, target string) {
		segments, ok := segmentsOf(target)
		if !ok {
			return
		}
		for i, s := range segments {
			if strings.ContainsAny(s, "/\\;\x00") || s == "." || s == ".." || s == "" && i < len(segments)-1 {
				t.Fatalf("%q: segment %q", target, s)
			}
			if again, ok := unescape(s); ok && again != s {
				t.Fatalf("%q: segment %q is encoded still", target, s)
			}
		}
		var encoded strings.Builder
		for _, s := range segments {
			encoded.WriteByte('/')
			for _, c := range []byte(s) {
				fmt.Fprintf(&encoded, "%%%02x", c)
			}
		}
		again, ok := segmentsOf(encoded.String())
		if !ok || strings.Join(again, "/") != strings.Join(segments, "/") {
			t.Fatalf("%q: %q, encoded entirely %q", target, segments, again)
		}
		if !newPathPattern("prefix", "/", false).matches(segments) || !newPathPattern("segments", "/**", false).matches(segments) {
			t.Fatalf("%q: not below /", target)
		}
	})
}

// FuzzDecide: whatever a request is like, nothing is allowed that no rule
// names, a denying rule in front is final, and the log stays one line of JSON.
func FuzzDecide(f *testing.F) {
	f.Add("GET", "/a/b", "1", "u1")
	f.Add("", "/%2e\n", "\x00", "\xff\"")
	f.Fuzz(func(t *testing.T, method, path, value, sub string) {
		e, events := load(t, `"subject":["sub"],`+rules(
			`"effect":"deny","headers":[{"is":"equals","name":"x-a","value":"1"}]`,
			`"paths":[{"match":"prefix","path":"/a"}],"claims":[{"is":"equals","claim":["sub"],"value":"u1"}]`,
		))
		q := request{method: method, path: path, headers: exchange.NewHeaders("x-a", value), claims: map[string]any{"sub": sub}, verified: true}
		d := e.policy.decide(q)
		segments, ok := segmentsOf(path)
		want := ok && segments[0] == "a" && value != "1" && sub == "u1"
		if d.allowed != want {
			t.Fatalf("%+v", d)
		}
		if err := e.env.Emit(e.event(q, d)); err != nil {
			t.Fatal(err)
		}
		if line := events.Bytes(); bytes.Count(line, []byte("\n")) != 1 || !json.Valid(line) {
			t.Fatalf("%q", line)
		}
	})
}
