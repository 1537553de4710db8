package extension

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"ext-proc-server/internal/environment"
	"ext-proc-server/internal/exchange"
)

func load(t *testing.T, requestOps, responseOps string) *Extension {
	t.Helper()
	return loadWith(t, requestOps, responseOps, "pass")
}

func loadWith(t *testing.T, requestOps, responseOps, unreadable string) *Extension {
	t.Helper()
	e, err := Load(strings.NewReader(fmt.Sprintf(`{"request":[%s],"response":[%s],"unreadable":%q}`, requestOps, responseOps, unreadable)), environment.Empty())
	if err != nil {
		t.Fatal(err)
	}
	return e
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

func TestResponsesAreAskedForAsTheyAre(t *testing.T) {
	const op = `{"action":"remove","pointer":"/a"}`
	asked := func(e *Extension) *exchange.Headers {
		x := exchange.New()
		for _, name := range []string{"accept-encoding", "accept-encoding", "range", "if-range", "a-im", "accept"} {
			x.Request.Append(name, "v")
		}
		if err := e.OnRequestHeaders(t.Context(), x); err != nil {
			t.Fatal(err)
		}
		return x.Request
	}
	for _, unreadable := range []string{"pass", "reject"} {
		h := asked(loadWith(t, "", op, unreadable))
		if got := h.Values("accept-encoding"); !slices.Equal(got, []string{"identity"}) {
			t.Errorf("accept-encoding: %q", got)
		}
		for _, name := range []string{"range", "if-range", "a-im"} {
			if h.Has(name) {
				t.Errorf("%s is still there", name)
			}
		}
		if h.Get("accept") != "v" {
			t.Error("accept is gone")
		}
	}
	if h := asked(load(t, op, "")); len(h.Values("accept-encoding")) != 2 || !h.Has("range") {
		t.Error("changes requests whose responses are not edited")
	}
}

func TestAResponseWithoutBodyHasNoLengthOfAnother(t *testing.T) {
	const op = `{"action":"remove","pointer":"/a"}`
	tests := []struct {
		name, method, status, mediaType string
		hasBody, want                   bool
	}{
		{"HEAD", "HEAD", "200", "application/json", false, false},
		{"not modified", "GET", "304", "application/json", false, false},
		{"HEAD of another type", "HEAD", "200", "image/png", false, true},
		{"GET", "GET", "200", "application/json", true, true},
		{"an empty body", "GET", "200", "application/json", false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			length := func(e *Extension) bool {
				x := exchange.New()
				x.Request.Set(":method", tt.method)
				x.Response = exchange.NewHeaders(":status", tt.status, "content-type", tt.mediaType, "content-length", "40")
				x.HasResponseBody = tt.hasBody
				if err := e.OnResponseHeaders(t.Context(), x); err != nil {
					t.Fatal(err)
				}
				return x.Response.Has("content-length")
			}
			if got := length(load(t, "", op)); got != tt.want {
				t.Errorf("has a length: %t", got)
			}
			if !length(load(t, op, "")) {
				t.Error("changes responses that are not edited")
			}
		})
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
				got, changed := edited(t, e, tt.body)
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
	op := func(text string) string { return `{"request":[` + text + `],"response":[],"unreadable":"pass"}` }
	tests := []struct{ name, text, want string }{
		{"not JSON", `{`, "not JSON"},
		{"missing direction", `{"response":[]}`, "request: the key is missing"},
		{"unknown key", `{"request":[],"response":[],"unreadable":"pass","x":1}`, "x: 1 is not allowed; remove this key"},
		{"unknown action", op(`{"action":"add"}`), `request[0].action: "add" is not allowed; use set, set-json, remove, rename or mask`},
		{"missing key", op(`{"action":"mask","pointer":"/a"}`), "request[0].keep: the key is missing"},
		{"a key of another action", op(`{"action":"remove","pointer":"/a","keep":1}`), "request[0].keep: 1 is not allowed; remove this key"},
		{"empty pointer", op(`{"action":"remove","pointer":""}`), `request[0].pointer: "" is not allowed; write a JSON pointer that starts with /`},
		{"no slash", op(`{"action":"remove","pointer":"a"}`), `request[0].pointer: "a" is not allowed`},
		{"bad escape", op(`{"action":"remove","pointer":"/a~2"}`), "write ~ as ~0"},
		{"bad escape at the end", op(`{"action":"remove","pointer":"/a~"}`), "write ~ as ~0"},
		{"not JSON in set-json", op(`{"action":"set-json","pointer":"/a","value":"{"}`), `request[0].value: "{" is not allowed; write JSON text`},
		{"rename without a name", op(`{"action":"rename","pointer":"/a"}`), "request[0].to: the key is missing"},
		{"what becomes of unreadable bodies", `{"request":[],"response":[],"unreadable":"decode"}`, `unreadable: "decode" is not allowed; use pass or reject`},
		{"a setting of an older version", `{"request":[],"response":[],"unreadable":"pass","encoded":"pass"}`, `encoded: "pass" is not allowed; remove this key`},
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

// edited is the body as the extension sends it on.
func edited(t *testing.T, e *Extension, body string) ([]byte, bool) {
	t.Helper()
	got, changed, err := e.OnRequestBody(t.Context(), exchange.New(), []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return got, changed
}

// TestOnePassIsAsGoodAsMany: operations together do what they do one after the
// other.
func TestOnePassIsAsGoodAsMany(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(from ...string) string { return from[random.IntN(len(from))] }
	var value func(depth int) string
	value = func(depth int) string {
		kind := random.IntN(4)
		if depth == 0 || kind == 0 {
			return pick(`1`, `"text"`, `"\ud83d\ude00x"`, `null`, `-1.50`)
		}
		var parts []string
		for range random.IntN(4) {
			parts = append(parts, value(depth-1))
		}
		if kind == 1 {
			return "[" + strings.Join(parts, ",") + "]"
		}
		for i := range parts {
			parts[i] = pick(`"a":`, `"b":`, `"\u0061":`, `"0":`, `"c" : `) + parts[i]
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	for range 20000 {
		var ops []operation
		for range 1 + random.IntN(5) {
			var pointer strings.Builder
			for range 1 + random.IntN(3) {
				pointer.WriteString(pick("/a", "/b", "/0", "/1"))
			}
			path, err := parsePointer(pointer.String())
			if err != nil {
				t.Fatal(err)
			}
			ops = append(ops, []operation{
				set(path, []byte(value(2))), remove(path), rename(path, pick("a", "b", "0")), mask(path, random.IntN(3)),
			}[random.IntN(4)])
			if last := &ops[len(ops)-1]; last.value != nil {
				last.value = (&scanner{text: last.value}).copyTo(nil)
			}
		}
		body := []byte(value(4))
		want, wantChanged := body, false
		for _, op := range ops {
			next, changed := edit(want, []operation{op})
			want, wantChanged = next, wantChanged || changed
		}
		got, changed := edit(body, ops)
		if string(got) != string(want) || changed != wantChanged {
			t.Fatalf("%s\n%+v\ngot  %s (changed: %t)\nwant %s", body, ops, got, changed, want)
		}
	}
}

// TestWorkGrowsWithTheText counts the bytes that are looked at: about each once,
// or twice where a new name may replace another one, whatever is repeated.
func TestWorkGrowsWithTheText(t *testing.T) {
	const n = 20000
	tests := []struct{ name, ops, body string }{
		{"a key that occurs often", `{"action":"mask","pointer":"/a","keep":1}`, "{" + strings.Repeat(`"a":12,`, n) + `"b":1}`},
		{"objects of one name", `{"action":"mask","pointer":"/a/b","keep":1},{"action":"set","pointer":"/a/c","value":"v"}`, "{" + strings.Repeat(`"a":{"b":1},`, n) + `"b":1}`},
		{"a key that is removed", `{"action":"remove","pointer":"/a"},{"action":"remove","pointer":"/b"}`, "{" + strings.Repeat(`"a":12,`, n) + `"b":1}`},
		{"a key that is renamed", `{"action":"rename","pointer":"/a","to":"c"},{"action":"rename","pointer":"/c","to":"d"}`, "{" + strings.Repeat(`"a":12,"c":1,`, n) + `"b":1}`},
		{"renames at every depth", `{"action":"rename","pointer":"/a","to":"x"},{"action":"rename","pointer":"/x/a","to":"x"},{"action":"rename","pointer":"/x/x/a","to":"x"}`, `{"a":{"a":{"a":[` + strings.Repeat("1,", n) + `1]}}}`},
		{"elements", `{"action":"remove","pointer":"/0"},{"action":"remove","pointer":"/0"},{"action":"mask","pointer":"/1","keep":0}`, "[" + strings.Repeat("1,", n) + "1]"},
		{"nesting", `{"action":"set","pointer":"/a","value":"v"}`, `{"b":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + "}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ops := load(t, tt.ops, "").request.ops
			e := &editor{}
			e.document([]byte(tt.body), ops)
			depth := 0
			for _, op := range ops {
				depth = max(depth, len(op.path))
			}
			if !e.found {
				t.Fatal("nothing was found")
			}
			looks := 1
			if strings.Contains(tt.ops, "rename") {
				looks += depth
			}
			if e.read > looks*len(tt.body)+len(tt.ops) {
				t.Errorf("looked at %d bytes of %d", e.read, len(tt.body))
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
		if err != nil || keep < 0 || !isDocument([]byte(body)) {
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
			if again := (&scanner{text: got}).copyTo(nil); string(again) != string(got) {
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
	e, err := Load(strings.NewReader(`{"request":[{"action":"mask","pointer":"/card","keep":4},{"action":"remove","pointer":"/users/0/name"}],"response":[],"unreadable":"pass"}`), environment.Empty())
	if err != nil {
		b.Fatal(err)
	}
	text := []byte(body.String())
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, changed := edit(text, e.request.ops); !changed {
			b.Fatal("unchanged")
		}
	}
}
