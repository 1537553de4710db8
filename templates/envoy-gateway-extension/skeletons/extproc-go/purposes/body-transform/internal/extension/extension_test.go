package extension

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"ext-proc-server/internal/environment"
	"ext-proc-server/internal/exchange"
)

func load(t *testing.T, requestOps, responseOps string) *Extension {
	t.Helper()
	e, err := Load(strings.NewReader(fmt.Sprintf(`{"request":[%s],"response":[%s],"encoded":"pass"}`, requestOps, responseOps)), environment.Empty())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestWhichBodiesAreRead(t *testing.T) {
	const op = `{"action":"remove","pointer":"/a"}`
	tests := []struct {
		name    string
		headers *exchange.Headers
		want    bool
	}{
		{"JSON", exchange.NewHeaders("content-type", "application/json"), true},
		{"parameters and case", exchange.NewHeaders("content-type", " Application/JSON ; charset=utf-8"), true},
		{"+json", exchange.NewHeaders("content-type", "application/problem+json"), true},
		{"identity", exchange.NewHeaders("content-type", "application/json", "content-encoding", "Identity"), true},
		{"compressed", exchange.NewHeaders("content-type", "application/json", "content-encoding", "gzip"), false},
		{"compressed twice", exchange.NewHeaders("content-type", "application/json", "content-encoding", "identity", "content-encoding", "br"), false},
		{"another type", exchange.NewHeaders("content-type", "text/json"), false},
		{"JSON lines", exchange.NewHeaders("content-type", "application/jsonl"), false},
		{"an image", exchange.NewHeaders("content-type", "image/x+json"), false},
		{"no type", exchange.NewHeaders(), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := &exchange.Exchange{Request: tt.headers, Response: tt.headers}
			both, neither := load(t, op, op), load(t, "", "")
			if got := both.WantsRequestBody(t.Context(), x); got != tt.want {
				t.Errorf("request: %t", got)
			}
			if got := both.WantsResponseBody(t.Context(), x); got != tt.want {
				t.Errorf("response: %t", got)
			}
			if neither.WantsRequestBody(t.Context(), x) || neither.WantsResponseBody(t.Context(), x) {
				t.Error("wants a body with nothing to do")
			}
		})
	}
}

func TestEachDirectionHasItsOperations(t *testing.T) {
	e, x := load(t, `{"action":"set","pointer":"/a","value":"q"}`, `{"action":"set","pointer":"/a","value":"r"}`), exchange.New()
	if e.OnRequestHeaders(t.Context(), x) != nil || e.OnResponseHeaders(t.Context(), x) != nil {
		t.Error("fails on headers")
	}
	body, changed, err := e.OnRequestBody(t.Context(), x, []byte(`{}`))
	if string(body) != `{"a":"q"}` || !changed || err != nil {
		t.Errorf("request: %s, %t, %v", body, changed, err)
	}
	body, changed, err = e.OnResponseBody(t.Context(), x, []byte(`{}`))
	if string(body) != `{"a":"r"}` || !changed || err != nil {
		t.Errorf("response: %s, %t, %v", body, changed, err)
	}
}

func TestEncodedBodies(t *testing.T) {
	const op = `{"action":"remove","pointer":"/a"}`
	load := func(t *testing.T, request, response string) *Extension {
		e := load(t, request, response)
		e.rejectEncoded = true
		return e
	}
	gzip := exchange.NewHeaders("content-type", "application/json", "content-encoding", "gzip")
	status := func(err error) int {
		var rejection *exchange.Rejection
		if errors.As(err, &rejection) {
			return rejection.Status
		}
		return 0
	}
	x := &exchange.Exchange{Request: gzip, Response: gzip}
	e := load(t, op, op)
	if got := status(e.OnRequestHeaders(t.Context(), x)); got != 415 {
		t.Errorf("request: %d", got)
	}
	if !e.WantsResponseBody(t.Context(), x) {
		t.Error("does not look whether there is a body")
	}
	if _, _, err := e.OnResponseBody(t.Context(), x, []byte("\x1f\x8b")); status(err) != 502 {
		t.Errorf("response: %v", err)
	}
	e = load(t, "", "")
	if err := e.OnRequestHeaders(t.Context(), x); err != nil || e.WantsResponseBody(t.Context(), x) {
		t.Errorf("refuses with nothing to do: %v", err)
	}
	image := exchange.NewHeaders("content-type", "image/svg+xml", "content-encoding", "gzip")
	x = &exchange.Exchange{Request: image, Response: image}
	e = load(t, op, op)
	if err := e.OnRequestHeaders(t.Context(), x); err != nil || e.WantsResponseBody(t.Context(), x) {
		t.Errorf("refuses another type: %v", err)
	}
}

// TestEdit: a want of "" means that the body passes byte-identical.
func TestEdit(t *testing.T) {
	set := func(pointer string) string { return fmt.Sprintf(`{"action":"set","pointer":%q,"value":"v"}`, pointer) }
	remove := func(pointer string) string { return fmt.Sprintf(`{"action":"remove","pointer":%q}`, pointer) }
	mask := func(pointer string, keep int) string {
		return fmt.Sprintf(`{"action":"mask","pointer":%q,"keep":%d}`, pointer, keep)
	}
	rename := func(pointer, to string) string {
		return fmt.Sprintf(`{"action":"rename","pointer":%q,"to":%q}`, pointer, to)
	}
	setJSON := func(pointer, value string) string {
		return fmt.Sprintf(`{"action":"set-json","pointer":%q,"value":%q}`, pointer, value)
	}
	tests := []struct{ name, ops, body, want string }{
		{"set replaces", set("/a"), `{"a":1,"b":2}`, `{"a":"v","b":2}`},
		{"set adds at the end", set("/c"), `{"a":1,"b":2}`, `{"a":1,"b":2,"c":"v"}`},
		{"set in an object in an array", set("/a/1/x"), `{"a":[0,{}]}`, `{"a":[0,{"x":"v"}]}`},
		{"set an element", set("/0"), `[1,2]`, `["v",2]`},
		{"set an element that is absent", set("/2"), `[1,2]`, ``},
		{"- is no element", set("/-"), `[1,2]`, ``},
		{"an index has no leading zero", set("/00"), `[1,2]`, ``},
		{"an index has no sign", set("/+1"), `[1,2]`, ``},
		{"set without a parent", set("/x/y"), `{"a":1}`, ``},
		{"set in a scalar", set("/a/b"), `{"a":1}`, ``},
		{"set the empty key", set("/"), `{"a":1}`, `{"a":1,"":"v"}`},
		{"escaped tokens", set("/a~1b/m~0n"), `{"a/b":{"m~n":1}}`, `{"a/b":{"m~n":"v"}}`},
		{"~01 is ~1", set("/~01"), `{"~1":1}`, `{"~1":"v"}`},
		{"a key written with escapes", set(`/é"`), `{"\u00e9\u0022":1}`, `{"é\"":"v"}`},
		{"a key that occurs twice", set("/a"), `{"a":1,"b":2,"a":3}`, `{"a":"v","b":2,"a":"v"}`},
		{"set writes escapes", `{"action":"set","pointer":"/a","value":"\"\\/é\n\u0001\u2028<"}`, `{}`, `{"a":"\"\\/é\n\u0001` + "\u2028" + `<"}`},
		{"set-json", setJSON("/a", ` {"x": [1, 2.0]} `), `{}`, `{"a":{"x":[1,2.0]}}`},
		{"set-json null", setJSON("/a", `null`), `{"a":1}`, `{"a":null}`},
		{"remove a member", remove("/a"), `{"a":1,"b":2,"a":3}`, `{"b":2}`},
		{"remove an element", remove("/a/0"), `{"a":[1,2,3]}`, `{"a":[2,3]}`},
		{"remove the last member", remove("/a"), `{"a":1}`, `{}`},
		{"remove what is absent", remove("/b"), `{ "a": 1 }`, ``},
		{"rename in place", rename("/b", "x"), `{"a":1,"b":[2.0],"c":3}`, `{"a":1,"x":[2.0],"c":3}`},
		{"rename replaces before and behind", rename("/a/b", "x"), `{"x":0,"a":{"x":1,"b":2,"x":3}}`, `{"x":0,"a":{"x":2}}`},
		{"rename to a key written with escapes", rename("/a", `é"`), `{"\u00e9\u0022":1,"a":2}`, `{"é\"":2}`},
		{"rename to the same name", rename("/a", "a"), `{"a":1}`, `{"a":1}`},
		{"rename every occurrence", rename("/a", "x"), `{"a":1,"a":2}`, `{"x":1,"x":2}`},
		{"rename to the empty key", rename("/a", ""), `{"a":{}}`, `{"":{}}`},
		{"rename what is absent", rename("/b", "a"), `{"a":1}`, ``},
		{"rename an element", rename("/0", "a"), `[1]`, ``},
		{"rename in one of two objects", rename("/a/b", "x"), `{"a":{"x":1},"a":{"b":2}}`, `{"a":{"x":1},"a":{"x":2}}`},
		{"rename in order", rename("/a", "b") + "," + rename("/b", "c"), `{"b":1,"a":2,"d":3}`, `{"c":2,"d":3}`},
		{"mask a text", mask("/a", 4), `{"a":"4111111111111111"}`, `{"a":"************1111"}`},
		{"mask a number", mask("/a", 2), `{"a":-12.50}`, `{"a":"****50"}`},
		{"mask counts code points", mask("/a", 2), `{"a":"aé\n\u00e9😀"}`, `{"a":"***é😀"}`},
		{"mask keeps escapes whole", mask("/a", 2), `{"a":"x\"\u0001"}`, `{"a":"*\"\u0001"}`},
		{"mask keeps no more than asked", mask("/a", 0), `{"a":"abc"}`, `{"a":"***"}`},
		{"mask a text that is too short", mask("/a", 4), `{"a":"abcd"}`, `{"a":"****"}`},
		{"mask an empty text", mask("/a", 4), `{"a":""}`, `{"a":""}`},
		{"mask true", mask("/a", 4), `{"a":true}`, `{"a":"***"}`},
		{"mask null", mask("/a", 4), `{"a":null}`, `{"a":"***"}`},
		{"mask an object", mask("/a", 4), `{"a":{"b":1}}`, `{"a":"***"}`},
		{"mask an array", mask("/a", 4), `{"a":[1]}`, `{"a":"***"}`},
		{"mask half of a surrogate pair", mask("/a", 1), `{"a":"ab\ud83d"}`, `{"a":"**\ud83d"}`},
		{"mask what is absent", mask("/b", 4), `{"a":1}`, ``},
		{"mask every occurrence", mask("/a/b", 0), `{"a":{"b":1},"a":{"b":2}}`, `{"a":{"b":"*"},"a":{"b":"*"}}`},
		{"in order", set("/a") + "," + mask("/a", 0) + "," + remove("/b") + "," + setJSON("/b", "[]") + "," + setJSON("/b/0", "1"), `{"b":1}`, `{"a":"*","b":[]}`},
		{"one of two finds its place", remove("/x") + "," + set("/a"), `{}`, `{"a":"v"}`},

		{"compact, order and numbers kept", set("/z"), " { \"z\" : 1 , \"b\" : [ 1.0 , 12345678901234567890 , -0 , 1E+2 ] ,\n\"a\" : { \"c d\" : \" x \" } } ", `{"z":"v","b":[1.0,12345678901234567890,-0,1E+2],"a":{"c d":" x "}}`},
		{"non-ASCII as UTF-8", set("/z"), `{"a":["\u00e9 é \ud83d\ude00 \/ \u0008\u000c\u000A\u000d\u0009\u001F\u0022\u005c\u007f"]}`, `{"a":["é é 😀 / \b\f\n\r\t\u001f\"\\` + "\x7f" + `"],"z":"v"}`},
		{"half a surrogate pair keeps its escape", set("/z"), `{"a":"\uD83D \ude00\ud83d\u0041"}`, `{"a":"\ud83d \ude00\ud83dA","z":"v"}`},
		{"brackets in texts", set("/z"), `{"a":{"}\"":"]"}}`, `{"a":{"}\"":"]"},"z":"v"}`},
		{"a scalar", set("/a"), `"text"`, ``},
		{"not JSON", set("/a"), `{"a":1`, ``},
		{"two values", set("/a"), `{} {}`, ``},
		{"empty", set("/a"), ``, ``},
		{"white space", set("/a"), ` `, ``},
		{"not UTF-8", set("/a"), "{\"b\":\"\xff\"}", ``},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := load(t, tt.ops, "")
			for range 2 { // the settings do not wear out
				got, changed := edit([]byte(tt.body), e.request)
				want := tt.want
				if want == "" {
					want = tt.body
				}
				if string(got) != want || changed != (tt.want != "") {
					t.Errorf("got  %s (changed: %t)\nwant %s", got, changed, want)
				}
			}
		})
	}
}

func TestWrongSettings(t *testing.T) {
	op := func(text string) string { return `{"request":[` + text + `],"response":[],"encoded":"pass"}` }
	tests := []struct{ name, text, want string }{
		{"not JSON", `{`, "not JSON"},
		{"missing direction", `{"response":[]}`, "request: the key is missing"},
		{"unknown key", `{"request":[],"response":[],"encoded":"pass","x":1}`, "x: 1 is not allowed; remove this key"},
		{"unknown action", op(`{"action":"add"}`), `request[0].action: "add" is not allowed; use set, set-json, remove, rename or mask`},
		{"missing key", op(`{"action":"mask","pointer":"/a"}`), "request[0].keep: the key is missing"},
		{"a key of another action", op(`{"action":"remove","pointer":"/a","keep":1}`), "request[0].keep: 1 is not allowed; remove this key"},
		{"empty pointer", op(`{"action":"remove","pointer":""}`), `request[0].pointer: "" is not allowed; write a JSON pointer that starts with /`},
		{"no slash", op(`{"action":"remove","pointer":"a"}`), `request[0].pointer: "a" is not allowed`},
		{"bad escape", op(`{"action":"remove","pointer":"/a~2"}`), "write ~ as ~0"},
		{"bad escape at the end", op(`{"action":"remove","pointer":"/a~"}`), "write ~ as ~0"},
		{"not JSON in set-json", op(`{"action":"set-json","pointer":"/a","value":"{"}`), `request[0].value: "{" is not allowed; write JSON text`},
		{"rename without a name", op(`{"action":"rename","pointer":"/a"}`), "request[0].to: the key is missing"},
		{"what becomes of encoded bodies", `{"request":[],"response":[],"encoded":"decode"}`, `encoded: "decode" is not allowed; use pass or reject`},
		{"negative keep", op(`{"action":"mask","pointer":"/a","keep":-1}`), "request[0].keep: -1 is not allowed"},
		{"set with a number", op(`{"action":"set","pointer":"/a","value":1}`), "request[0].value: 1 is not allowed; write a JSON string"},
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

// FuzzEdit checks what must hold for every body and every pointer: JSON stays
// JSON, in one form, and a body without the place stays what it is.
func FuzzEdit(f *testing.F) {
	for _, seed := range []struct {
		body, pointer string
		keep          int
	}{
		{`{"a":"4111111111111111"}`, "/a", 4},
		{`{"a":{"b":[1.0,true,null]}}`, "/a/b/0", 1},
		{`[["\ud83d\ude00\u0000\\"]]`, "/0/0", 2},
		{`{"a/b":1,"m~n":"x"}`, "/a~1b", 0},
		{`{"a":1,"a":"\ud800"}`, "/a", 1},
		{`{"a":`, "/a", 0},
		{``, "/", 0},
	} {
		f.Add(seed.body, seed.pointer, seed.keep)
	}
	f.Fuzz(func(t *testing.T, body, pointer string, keep int) {
		path, err := parsePointer(pointer)
		if err != nil || keep < 0 {
			return
		}
		for name, op := range map[string]operation{
			"set": set(path, quote("v")), "remove": remove(path), "mask": mask(path, keep),
			"rename": rename(path, "x\"/é"),
		} {
			got, changed := edit([]byte(body), []operation{op})
			if !changed {
				if string(got) != body {
					t.Errorf("%s: a body without the place became %q", name, got)
				}
				continue
			}
			if !json.Valid(got) {
				t.Errorf("%s: not JSON any more: %q", name, got)
			}
			noChange := operation{path: path, replace: func(value []byte) []byte { return value }}
			if again, changed := edit(got, []operation{noChange}); changed && string(again) != string(got) {
				t.Errorf("%s: not in canonical form: %q, then %q", name, got, again)
			}
		}
	})
}

func BenchmarkEdit(b *testing.B) {
	var body strings.Builder
	body.WriteString(`{"users":[`)
	for i := range 5000 {
		body.WriteString(`{"id":` + strconv.Itoa(i) + `,"name":"Jos\u00e9","tags":["a","b"]},`)
	}
	body.WriteString(`{}],"card":"4111111111111111"}`)
	e, err := Load(strings.NewReader(`{"request":[{"action":"mask","pointer":"/card","keep":4},{"action":"remove","pointer":"/users/0/name"}],"response":[],"encoded":"pass"}`), environment.Empty())
	if err != nil {
		b.Fatal(err)
	}
	text := []byte(body.String())
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, changed := edit(text, e.request); !changed {
			b.Fatal("unchanged")
		}
	}
}
