package extension

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ext-proc-server/internal/environment"
	"ext-proc-server/internal/exchange"
)

const (
	invalidToken = `Bearer realm="shop", error="invalid_token"`
	notAvailable = "Authentication is not available at the moment."
)

// server answers as the test says, and counts the questions.
type server struct {
	*httptest.Server
	asked atomic.Int32
	mu    sync.Mutex
	// reply is a status and a body; the content type is JSON.
	status int
	body   string
}

func (s *server) answer(status int, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status, s.body = status, body
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked.Add(1)
	id, secret, _ := r.BasicAuth()
	// RFC 6749, section 2.3.1: each part is form-encoded before it is joined.
	if id != "my+id" || secret != "s%3Aecret" || r.FormValue("token") == "" || r.Method != http.MethodPost {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.Header().Set("Location", "/elsewhere")
	w.WriteHeader(s.status)
	io.WriteString(w, s.body)
}

// clock is a time that tests move.
type clock struct{ atomic.Int64 }

func (c *clock) now() time.Time { return sentAt.Add(time.Duration(c.Load())) }

// introspecting asks a server on this machine.
func introspecting(t *testing.T, options string) (*Extension, *server, *clock) {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	e, c := asking(t, s.URL+"/introspect", options), &clock{}
	e.method.(*introspection).now = c.now
	return e, s, c
}

// asking takes options such as cacheSeconds:0 in place of the usual ones.
func asking(t *testing.T, address, options string) *Extension {
	t.Helper()
	env := withSecrets("introspection-client-id", "my id\n", "introspection-client-secret", "s:ecret")
	env.Getenv = func(name string) string {
		return map[string]string{"INTROSPECTION_URL": address}[name]
	}
	method := `{"kind":"introspection","identityFrom":"sub","audience":"","cacheSeconds":60,"cacheEntries":100,"timeoutMilliseconds":10000,"failures":3,"openSeconds":1}`
	for option := range strings.SplitSeq(options, ",") {
		if name, value, ok := strings.Cut(option, ":"); ok {
			start := strings.Index(method, `"`+name+`":`) + len(name) + 3
			end := start + strings.IndexAny(method[start:], ",}")
			method = method[:start] + value + method[end:]
		}
	}
	return load(t, method, env)
}

// transport is a server without a network, for tests in which time stands still.
type transport func(*http.Request) (status int, body string, err error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body, err := f(r)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: status, Request: r, Body: io.NopCloser(strings.NewReader(body)),
		Header: http.Header{"Content-Type": {"application/json"}},
	}, nil
}

func through(t *testing.T, options string, f transport) *Extension {
	e := asking(t, "https://idp.example.com/introspect", options)
	e.method.(*introspection).client.http.Transport = f
	return e
}

func withToken(e *Extension, token string) (identity string, err error) {
	x := request("authorization", "Bearer "+token)
	err = e.OnRequestHeaders(context.Background(), x)
	return x.Request.Get("x-auth-identity"), err
}

func TestAnswersOfTheServer(t *testing.T) {
	at := func(offset int) string { return fmt.Sprint(sentAt.Unix() + int64(offset)) }
	tests := []struct {
		name, options, body string
		status              int
		identity            string // "": refused
		away                bool
	}{
		{"active", "", `{"active":true,"sub":"alpha"}`, 200, "alpha", false},
		{"unknown members", "", `{"active":true,"sub":"alpha","x":{"y":[1]}}`, 200, "alpha", false},
		{"inactive", "", `{"active":false,"sub":"alpha"}`, 200, "", false},
		{"another member", `identityFrom:"client_id"`, `{"active":true,"sub":"alpha","client_id":"c"}`, 200, "c", false},
		{"a name", `identityFrom:"username"`, `{"active":true,"sub":"alpha","username":"A. B"}`, 200, "A. B", false},
		{"no identity", "", `{"active":true,"client_id":"c"}`, 200, "", false},
		{"an identity with a line break", "", `{"active":true,"sub":"a\r\nx-admin: 1"}`, 200, "", false},
		{"an identity that is not ASCII", "", `{"active":true,"sub":"ä"}`, 200, "", false},
		{"a long identity", "", `{"active":true,"sub":"` + strings.Repeat("a", 1025) + `"}`, 200, "", false},
		{"expired", "", `{"active":true,"sub":"a","exp":` + at(0) + `}`, 200, "", false},
		{"not expired", "", `{"active":true,"sub":"a","exp":` + at(1) + `.5}`, 200, "a", false},
		{"expires very late", "", `{"active":true,"sub":"a","exp":1e300}`, 200, "a", false},
		{"expired very long ago", "", `{"active":true,"sub":"a","exp":-1e300}`, 200, "", false},
		{"not yet", "", `{"active":true,"sub":"a","nbf":` + at(1) + `}`, 200, "", false},
		{"the audience", `audience:"me"`, `{"active":true,"sub":"a","aud":"me"}`, 200, "a", false},
		{"one of the audience", `audience:"me"`, `{"active":true,"sub":"a","aud":["you","me"]}`, 200, "a", false},
		{"another audience", `audience:"me"`, `{"active":true,"sub":"a","aud":"mee"}`, 200, "", false},
		{"no audience", `audience:"me"`, `{"active":true,"sub":"a"}`, 200, "", false},
		{"a wrong audience", "", `{"active":true,"sub":"a","aud":{"me":1}}`, 200, "", true},
		{"no JSON", "", `<html>`, 200, "", true},
		{"another JSON", "", `[true]`, 200, "", true},
		{"no member active", "", `{"sub":"a"}`, 200, "", true},
		{"active as text", "", `{"active":"true","sub":"a"}`, 200, "", true},
		{"too large", "", `{"active":true,"sub":"a","x":"` + strings.Repeat("x", 64<<10) + `"}`, 200, "", true},
		{"an error", "", `{"active":true,"sub":"a"}`, 500, "", true},
		{"a bad request", "", `{"error":"invalid_token"}`, 400, "", false},
		{"unauthorized", "", `{"error":"invalid_token"}`, 401, "", false},
		{"too many questions", "", `{"active":true,"sub":"a"}`, 429, "", true},
		{"a redirect", "", `{"active":true,"sub":"a"}`, 302, "", true},
		{"another success", "", `{"active":true,"sub":"a"}`, 204, "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, s, _ := introspecting(t, tt.options)
			s.answer(tt.status, tt.body)
			identity, err := withToken(e, "token")
			switch {
			case tt.away:
				expectRefusal(t, err, 503, "", notAvailable)
			case tt.identity == "":
				expectRefusal(t, err, 401, invalidToken, "The token is not valid.")
			case err != nil || identity != tt.identity:
				t.Errorf("got %q, %v", identity, err)
			}
		})
	}
}

func TestWhatIsNoTokenIsNotAsked(t *testing.T) {
	e, s, _ := introspecting(t, "")
	s.answer(200, `{"active":true,"sub":"alpha"}`)
	for _, value := range []string{"", "Bearer", "Bearer ", "Basic YTpi", "Bearertoken"} {
		expectRefusal(t, e.OnRequestHeaders(t.Context(), request("authorization", value)), 401, `Bearer realm="shop"`, "The token is missing.")
	}
	for _, value := range []string{"Bearer a b", "Bearer =a", "Bearer ä", "Bearer a,b", "Bearer " + strings.Repeat("a", 8193)} {
		expectRefusal(t, e.OnRequestHeaders(t.Context(), request("authorization", value)), 401, invalidToken, "The token is not valid.")
	}
	twice := request("authorization", "Bearer a", "authorization", "Bearer a")
	expectRefusal(t, e.OnRequestHeaders(t.Context(), twice), 401, invalidToken, "The token is not valid.")
	if n := s.asked.Load(); n != 0 {
		t.Errorf("asked %d times", n)
	}
}

func TestAnswersAreKept(t *testing.T) {
	tests := []struct {
		name, options, body string
		after               time.Duration
		asked               int32
	}{
		{"within the time", "", `{"active":true,"sub":"a"}`, 59 * time.Second, 1},
		{"after the time", "", `{"active":true,"sub":"a"}`, 60 * time.Second, 2},
		{"until it expires", "", fmt.Sprintf(`{"active":true,"sub":"a","exp":%d}`, sentAt.Unix()+10), 9 * time.Second, 1},
		{"after it has expired", "", fmt.Sprintf(`{"active":true,"sub":"a","exp":%d}`, sentAt.Unix()+10), 10 * time.Second, 2},
		{"inactive ones briefly", "", `{"active":false}`, 9 * time.Second, 1},
		{"inactive ones no longer", "", `{"active":false}`, 10 * time.Second, 2},
		{"those without an identity no longer", "", `{"active":true}`, 10 * time.Second, 2},
		{"not when it is off", "cacheSeconds:0", `{"active":true,"sub":"a"}`, 0, 2},
		{"not when it may be valid soon", "", fmt.Sprintf(`{"active":true,"sub":"a","nbf":%d}`, sentAt.Unix()+1), 0, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, s, clock := introspecting(t, tt.options)
			s.answer(200, tt.body)
			withToken(e, "token")
			clock.Store(int64(tt.after))
			withToken(e, "token")
			if n := s.asked.Load(); n != tt.asked {
				t.Errorf("asked %d times, want %d", n, tt.asked)
			}
		})
	}
}

func TestTheCacheIsBounded(t *testing.T) {
	e, s, _ := introspecting(t, "")
	s.answer(200, `{"active":true,"sub":"a"}`)
	for i := range 150 {
		withToken(e, fmt.Sprint(i))
	}
	if n := e.method.(*introspection).cache.Len(); n != 100 {
		t.Errorf("holds %d answers", n)
	}
}

func TestRequestsWithTheSameTokenAskOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		answer := make(chan struct{})
		e := through(t, "cacheSeconds:0", func(*http.Request) (int, string, error) {
			asked.Add(1)
			<-answer
			return 200, `{"active":true,"sub":"alpha"}`, nil
		})
		// The first one leaves; the others still get the answer.
		ctx, leave := context.WithCancel(t.Context())
		left := make(chan error)
		go func() { left <- e.OnRequestHeaders(ctx, request("authorization", "Bearer token")) }()
		synctest.Wait()
		var all sync.WaitGroup
		var accepted atomic.Int32
		for range 20 {
			all.Go(func() {
				if identity, err := withToken(e, "token"); err == nil && identity == "alpha" {
					accepted.Add(1)
				}
			})
		}
		synctest.Wait()
		leave()
		expectRefusal(t, <-left, 503, "", notAvailable)
		close(answer)
		all.Wait()
		if accepted.Load() != 20 || asked.Load() != 1 {
			t.Errorf("%d accepted, asked %d times", accepted.Load(), asked.Load())
		}
	})
}

func TestTheTimeIsLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := through(t, "timeoutMilliseconds:250", func(r *http.Request) (int, string, error) {
			<-r.Context().Done()
			return 0, "", r.Context().Err()
		})
		start := time.Now()
		_, err := withToken(e, "token")
		expectRefusal(t, err, 503, "", notAvailable)
		if took := time.Since(start); took != 250*time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
}

func TestAServerThatFailsIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, status := 0, 200
		e := through(t, "failures:3,openSeconds:10", func(*http.Request) (int, string, error) {
			asked++
			return status, `{"active":true,"sub":"alpha"}`, nil
		})
		withToken(e, "known")
		status = 500
		for i := range 5 {
			_, err := withToken(e, fmt.Sprint("t", i))
			expectRefusal(t, err, 503, "", notAvailable)
		}
		if asked != 1+3 {
			t.Errorf("asked %d times", asked)
		}
		if identity, err := withToken(e, "known"); identity != "alpha" || err != nil {
			t.Errorf("what is in the cache: %q, %v", identity, err)
		}
		status = 200
		time.Sleep(10*time.Second - 1)
		_, err := withToken(e, "new")
		expectRefusal(t, err, 503, "", notAvailable)
		time.Sleep(2)
		if identity, err := withToken(e, "new"); identity != "alpha" || err != nil {
			t.Errorf("after the time: %q, %v", identity, err)
		}
	})
}

// What a server says about made-up tokens must not keep others from being
// asked about.
func TestUnknownTokensDoNotOpenTheBreaker(t *testing.T) {
	for _, reply := range []struct {
		status int
		body   string
	}{{400, `{"error":"invalid_request"}`}, {401, ``}, {403, `no`}, {404, ``}, {200, `{"active":false}`}, {200, `<html>`}, {429, ``}} {
		e, s, _ := introspecting(t, "failures:3")
		s.answer(reply.status, reply.body)
		for i := range 20 {
			if _, err := withToken(e, fmt.Sprint("made-up-", i)); err == nil {
				t.Fatalf("%d: accepted", reply.status)
			}
		}
		s.answer(200, `{"active":true,"sub":"alpha"}`)
		if identity, err := withToken(e, "good"); identity != "alpha" || err != nil {
			t.Errorf("after %d %q: %q, %v", reply.status, reply.body, identity, err)
		}
	}
}

// Made-up tokens neither drive good ones out of the cache nor keep the server
// busy without bound.
func TestUnknownTokensAreBounded(t *testing.T) {
	e, s, _ := introspecting(t, "")
	s.answer(200, `{"active":true,"sub":"alpha"}`)
	withToken(e, "good")
	s.answer(200, `{"active":false}`)
	for i := range 300 {
		withToken(e, fmt.Sprint("made-up-", i))
	}
	asked := s.asked.Load()
	if identity, _ := withToken(e, "good"); identity != "alpha" || s.asked.Load() != asked {
		t.Errorf("the good token is gone: %q", identity)
	}
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int32
		answer := make(chan struct{})
		e := through(t, "", func(*http.Request) (int, string, error) {
			most.Store(max(most.Load(), now.Add(1)))
			<-answer
			now.Add(-1)
			return 200, `{"active":false}`, nil
		})
		var refused atomic.Int32
		var all sync.WaitGroup
		for i := range 200 {
			all.Go(func() {
				if _, err := withToken(e, fmt.Sprint(i)); code(err) == 503 {
					refused.Add(1)
				}
			})
		}
		synctest.Wait()
		close(answer)
		all.Wait()
		if most.Load() != maxQuestions || refused.Load() != 200-maxQuestions {
			t.Errorf("%d questions at once, %d refused", most.Load(), refused.Load())
		}
	})
}

func code(err error) int {
	var r *exchange.Rejection
	if errors.As(err, &r) {
		return r.Status
	}
	return 0
}

func TestLogsAndErrorsShowNoSecret(t *testing.T) {
	var log bytes.Buffer
	e, s, _ := introspecting(t, "")
	e.method.(*introspection).log = slog.New(slog.NewTextHandler(&log, nil))
	s.answer(500, "the-token")
	withToken(e, "the-token")
	s.Close()
	withToken(e, "the-token")
	if text := log.String(); strings.Contains(text, "the-token") || strings.Contains(text, "ecret") || !strings.Contains(text, "status 500") {
		t.Errorf("log: %s", text)
	}
}

func TestTheEndpointIsAnAddress(t *testing.T) {
	for _, address := range []string{"", "idp.example.com", "ftp://idp.example.com", "https://user:pass-word@idp.example.com/", "https:///x", "https://a/#b", "http://\x7f"} {
		env := withSecrets("introspection-client-id", "id", "introspection-client-secret", "secret")
		env.Getenv = func(string) string { return address }
		if _, err := newClient(env, time.Second); err == nil || !strings.Contains(err.Error(), "INTROSPECTION_URL") || strings.Contains(err.Error(), "pass-word") {
			t.Errorf("%q: %v", address, err)
		}
	}
	env := environment.Empty()
	env.Getenv = func(string) string { return "https://idp.example.com/introspect" }
	if _, err := newClient(env, time.Second); err == nil || !strings.Contains(err.Error(), `secret "introspection-client-id"`) || !strings.Contains(err.Error(), `secret "introspection-client-secret"`) {
		t.Errorf("without secrets: %v", err)
	}
	var log bytes.Buffer
	for address, warned := range map[string]bool{"http://idp.default.svc/x": true, "http://localhost:1/x": false, "http://[::1]:1/x": false, "https://idp/x": false} {
		log.Reset()
		env := withSecrets("introspection-client-id", "id", "introspection-client-secret", "secret")
		env.Getenv = func(string) string { return address }
		env.Log = slog.New(slog.NewTextHandler(&log, nil))
		if _, err := newClient(env, time.Second); err != nil || (log.Len() > 0) != warned {
			t.Errorf("%s: %v, log %q", address, err, &log)
		}
	}
}

func FuzzParseResponse(f *testing.F) {
	for _, text := range []string{`{"active":true,"sub":"a","aud":["b"],"exp":1.5e9}`, `{"active":false}`, `{"Active":true}`, `null`, `{"active":true,"aud":{}}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := parseResponse(text)
		if err != nil {
			return
		}
		for _, member := range []string{"sub", "username", "client_id"} {
			if identity := r.identity(member); isIdentityValue(identity) && strings.ContainsAny(identity, "\r\n\x00") {
				t.Errorf("identity %q", identity)
			}
		}
		for _, seconds := range []*float64{r.Expires, r.NotBefore} {
			if seconds != nil && unixTime(*seconds).Before(time.Unix(0, 0)) {
				t.Errorf("time %v of %g", unixTime(*seconds), *seconds)
			}
		}
	})
}
