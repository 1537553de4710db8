package extension

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"ext-proc-server/internal/environment"
	"ext-proc-server/internal/exchange"
)

const (
	alphaKey  = "example-key-alpha-7f3c9d2e5b8a41c6d0"
	alphaHash = "db0d5713160379e9f51fda91a44e3e68ecf39c2859ce0bf145a534786374b136" // printf %s KEY | sha256sum
	rest      = `"identityHeader":"x-auth-identity","credential":"remove","preflight":"refuse","realm":"shop"}`
)

func withSecrets(pairs ...string) environment.Environment {
	files := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		files[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	env := environment.Empty()
	env.Secrets = files
	return env
}

func load(t *testing.T, method string, env environment.Environment) *Extension {
	t.Helper()
	e, err := Load(strings.NewReader(`{"method":`+method+`,`+rest), env)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func request(pairs ...string) *exchange.Exchange {
	return &exchange.Exchange{Request: exchange.NewHeaders(pairs...), Response: &exchange.Headers{}}
}

// expectRefusal checks all of the answer.
func expectRefusal(t *testing.T, err error, status int, challenge, detail string) {
	t.Helper()
	var r *exchange.Rejection
	if !errors.As(err, &r) {
		t.Fatalf("got %v, want a refusal", err)
	}
	title := map[int]string{401: "Unauthorized", 503: "Service Unavailable"}[status]
	body := fmt.Sprintf(`{"type":"about:blank","title":"%s","status":%d,"detail":"%s"}`, title, status, detail)
	if r.Status != status || r.Body != body || r.Headers.Get("www-authenticate") != challenge || r.Headers.Get("content-type") != "application/problem+json" {
		t.Errorf("got %d %q %q %s", r.Status, r.Headers.Get("www-authenticate"), r.Headers.Get("content-type"), r.Body)
	}
}

func TestAPIKeys(t *testing.T) {
	listed := load(t, `{"kind":"api-key","header":"x-api-key","keys":[{"identity":"alpha","sha256":"`+alphaHash+`"},{"identity":"beta","sha256":"`+strings.Repeat("0", 64)+`"}]}`, environment.Empty())
	secret := load(t, `{"kind":"api-key","header":"x-api-key","keys":[]}`,
		withSecrets("api-keys", "# comment\r\nbeta:"+strings.Repeat("0", 64)+"\r\n\n  alpha:"+strings.ToUpper(alphaHash)+"\n"))
	for name, e := range map[string]*Extension{"listed": listed, "secret": secret} {
		t.Run(name, func(t *testing.T) {
			x := request("x-api-key", alphaKey, "x-auth-identity", "admin", "X-Auth-Identity", "root")
			if err := e.OnRequestHeaders(t.Context(), x); err != nil {
				t.Fatal(err)
			}
			if got := x.Request.Values("x-auth-identity"); len(got) != 1 || got[0] != "alpha" || x.Request.Has("x-api-key") {
				t.Errorf("identity %q, key goes on: %t", got, x.Request.Has("x-api-key"))
			}
			expectRefusal(t, e.OnRequestHeaders(t.Context(), request()), 401, `ApiKey realm="shop"`, "The API key is missing.")
			for _, keys := range [][]string{{""}, {"no"}, {alphaKey + " "}, {alphaHash}, {alphaKey, alphaKey}, {"", alphaKey}} {
				x := request("x-auth-identity", "admin")
				for _, key := range keys {
					x.Request.Append("x-api-key", key)
				}
				expectRefusal(t, e.OnRequestHeaders(t.Context(), x), 401, `ApiKey realm="shop"`, "The API key is not valid.")
				if x.Request.Has("x-auth-identity") {
					t.Error("the client's identity goes on")
				}
			}
		})
	}
}

func TestTheCredentialCanGoOn(t *testing.T) {
	text := `{"method":{"kind":"api-key","header":"x-key","keys":[{"identity":"alpha","sha256":"` + alphaHash + `"}]},"identityHeader":"x-who","credential":"forward","preflight":"refuse","realm":"r"}`
	e, err := Load(strings.NewReader(text), environment.Empty())
	if err != nil {
		t.Fatal(err)
	}
	x := request("x-key", alphaKey)
	if err := e.OnRequestHeaders(t.Context(), x); err != nil || x.Request.Get("x-key") != alphaKey || x.Request.Get("x-who") != "alpha" {
		t.Errorf("%v, %v", err, x.Request)
	}
}

func TestBodiesAndResponsesPass(t *testing.T) {
	e := load(t, `{"kind":"api-key","header":"x-api-key","keys":[{"identity":"alpha","sha256":"`+alphaHash+`"}]}`, environment.Empty())
	x, body := request(), []byte("body")
	if e.WantsRequestBody(t.Context(), x) || e.WantsResponseBody(t.Context(), x) || e.OnResponseHeaders(t.Context(), x) != nil {
		t.Error("looks at more than the request's headers")
	}
	if got, changed, err := e.OnRequestBody(t.Context(), x, body); string(got) != "body" || changed || err != nil {
		t.Errorf("request: %q, %t, %v", got, changed, err)
	}
	if got, changed, err := e.OnResponseBody(t.Context(), x, body); string(got) != "body" || changed || err != nil {
		t.Errorf("response: %q, %t, %v", got, changed, err)
	}
}

type failing struct{ headersOnly }

func (failing) header() string { return "x" }
func (failing) scheme() string { return "X" }
func (failing) authenticate(context.Context, *exchange.Exchange) (string, error) {
	return "somebody", errors.New("the server said: secret")
}

// Fail closed: what goes wrong is never an identity, and no cause is told.
func TestAnyErrorIsARefusal(t *testing.T) {
	e := load(t, `{"kind":"api-key","header":"x-api-key","keys":[{"identity":"alpha","sha256":"`+alphaHash+`"}]}`, environment.Empty())
	e.method = failing{}
	x := request("x-auth-identity", "admin")
	expectRefusal(t, e.OnRequestHeaders(t.Context(), x), http.StatusServiceUnavailable, "", "Authentication is not available at the moment.")
	if x.Request.Has("x-auth-identity") {
		t.Error("an identity goes on")
	}
}

func TestWrongSettings(t *testing.T) {
	const (
		hash   = `"sha256":"` + alphaHash + `"`
		tokens = `"identityFrom":"sub","audience":"","cacheSeconds":60,"cacheEntries":100,`
	)
	tests := []struct{ name, text, want string }{
		{"missing", `{}`, "method: the key is missing"},
		{"kind", `{"method":{"kind":"basic"},` + rest, `method.kind: "basic" is not allowed; use api-key or hmac or introspection`},
		{"header", `{"method":{"kind":"api-key","header":"host","keys":[]},` + rest, `method.header: "host" is not allowed`},
		{"hash", `{"method":{"kind":"api-key","header":"x-a","keys":[{"identity":"a","sha256":"abc"}]},` + rest, "method.keys[0].sha256: "},
		{"identity", `{"method":{"kind":"api-key","header":"x-a","keys":[{"identity":"a\nb",` + hash + `}]},` + rest, "method.keys[0].identity: "},
		{"unknown key", `{"method":{"kind":"api-key","header":"x-a","keys":[],"secret":"x"},` + rest, `method.secret: "x" is not allowed; remove this key`},
		{"window", `{"method":{"kind":"hmac","header":"x-a","windowSeconds":0,"remember":1000},` + rest, "method.windowSeconds: 0 is not allowed; use a whole number of seconds from 1 to 3600"},
		{"remember", `{"method":{"kind":"hmac","header":"x-a","windowSeconds":1,"remember":1},` + rest, "method.remember: 1 is not allowed"},
		{"timeout", `{"method":{"kind":"introspection",` + tokens + `"timeoutMilliseconds":9,"failures":1,"openSeconds":1},` + rest, "method.timeoutMilliseconds: 9 is not allowed"},
		{"member", `{"method":{"kind":"introspection","identityFrom":"email","audience":"","cacheSeconds":60,"cacheEntries":100,"timeoutMilliseconds":10,"failures":1,"openSeconds":1},` + rest, `method.identityFrom: "email" is not allowed`},
		{"realm", `{"method":{"kind":"api-key","header":"x-a","keys":[]},"identityHeader":"x-i","credential":"remove","preflight":"refuse","realm":"a\"b"}`, "realm: "},
		{"credential", `{"method":{"kind":"api-key","header":"x-a","keys":[]},"identityHeader":"x-i","credential":true,"preflight":"refuse","realm":"a"}`, "credential: true is not allowed"},
		{"the same header", `{"method":{"kind":"api-key","header":"x-auth-identity","keys":[{"identity":"a",` + hash + `}]},` + rest, "identityHeader: "},
		{"no secret", `{"method":{"kind":"api-key","header":"x-a","keys":[]},` + rest, `secret "api-keys"`},
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

func TestWrongSecrets(t *testing.T) {
	const (
		apiKeys = `{"kind":"api-key","header":"x-a","keys":[]}`
		hmacs   = `{"kind":"hmac","header":"x-a","windowSeconds":1,"remember":1000}`
	)
	long := strings.Repeat("secret", 6)
	tests := []struct{ name, method, secret, text, want string }{
		{"the key itself", apiKeys, "api-keys", "ok:" + alphaHash + "\nalpha:" + alphaKey, "line 2 is not right; write identity:sha256"},
		{"no identity", apiKeys, "api-keys", alphaHash, "line 1 is not right"},
		{"only comments", apiKeys, "api-keys", "# none\n\n", "has no key"},
		{"too many", apiKeys, "api-keys", strings.Repeat("a:"+alphaHash+"\n", 1001), "more than 1000 keys"},
		{"short", hmacs, "hmac-keys", "a:short-secret", "line 1 is not right; write key-id:secret"},
		{"twice", hmacs, "hmac-keys", "a:" + long + "\na:" + long, "line 2 is not right"},
		{"absent", hmacs, "other", "", `secret "hmac-keys"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Load(strings.NewReader(`{"method":`+tt.method+`,`+rest), withSecrets(tt.secret, tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			for _, secret := range []string{alphaKey, alphaHash, "short-secret", long} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error shows the secret: %v", err)
				}
			}
		})
	}
	if _, err := Load(strings.NewReader(`{"method":`+hmacs+`,`+rest), environment.Empty()); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func FuzzParseKeys(f *testing.F) {
	f.Add("alpha:" + alphaHash)
	f.Add("# c\n\na:b\r\n:\n" + alphaHash)
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := parseKeys(text)
		if err != nil {
			return
		}
		// What was read, written again, is the same.
		var again strings.Builder
		for _, key := range keys {
			fmt.Fprintf(&again, "%s:%s\n", key.identity, hex.EncodeToString(key.sha256[:]))
		}
		same, err := parseKeys(again.String())
		if err != nil || len(same) != len(keys) || len(keys) == 0 {
			t.Fatalf("%q: %v", again.String(), err)
		}
		for i := range keys {
			if keys[i] != same[i] {
				t.Errorf("%v is not %v", keys[i], same[i])
			}
		}
	})
}

// A browser asks without a credential what it may send.
func TestPreflights(t *testing.T) {
	const method = `{"method":{"kind":"api-key","header":"x-key","keys":[{"identity":"alpha","sha256":"` + alphaHash + `"}]},"identityHeader":"x-who","credential":"remove","preflight":"%s","realm":"r"}`
	preflight := []string{":method", "OPTIONS", "origin", "https://app.example.com", "access-control-request-method", "GET"}
	for _, tt := range []struct {
		name, setting string
		headers       []string
		passes        bool
	}{
		{"a preflight", "pass", preflight, true},
		{"a preflight that is refused", "refuse", preflight, false},
		{"another method", "pass", append([]string{":method", "GET"}, preflight[2:]...), false},
		{"no origin", "pass", append([]string{":method", "OPTIONS"}, preflight[4:]...), false},
		{"no method that is asked for", "pass", preflight[:4], false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, err := Load(strings.NewReader(fmt.Sprintf(method, tt.setting)), environment.Empty())
			if err != nil {
				t.Fatal(err)
			}
			x := exchange.New()
			x.Request = exchange.NewHeaders(append(tt.headers, "x-who", "admin", "x-key", "wrong")...)
			err = e.OnRequestHeaders(t.Context(), x)
			if (err == nil) != tt.passes {
				t.Errorf("got %v", err)
			}
			if x.Request.Has("x-who") || tt.passes && x.Request.Has("x-key") || e.WantsRequestBody(t.Context(), x) {
				t.Error("more goes on than the question")
			}
		})
	}
}
