package extension

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/prometheus/client_golang/prometheus"

	"ext-proc-server/internal/bucket"
	"ext-proc-server/internal/environment"
	"ext-proc-server/internal/exchange"
)

const memory = `{"kind":"memory","maxKeys":1000}`

func config(limits, store string) string {
	return fmt.Sprintf(`{"limits":[%s],"provider":"issuer","store":%s,"clientHeaders":"ratelimit"}`, limits, store)
}

func limitText(name string, quota int, key, whenAbsent, cost string) string {
	return fmt.Sprintf(`{"name":%q,"quota":%d,"windowSeconds":86400,"key":[%s],"whenAbsent":%q,"cost":%s}`, name, quota, key, whenAbsent, cost)
}

const one = `{"from":"one"}`

func load(t *testing.T, text string) *Extension {
	t.Helper()
	e, err := Load(strings.NewReader(text), environment.Empty())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func request(pairs ...string) *exchange.Exchange {
	x := exchange.New()
	for i := 0; i+1 < len(pairs); i += 2 {
		x.Request.Append(pairs[i], pairs[i+1])
	}
	return x
}

// statusOf sends a request; 200 if it passes.
func statusOf(t *testing.T, e *Extension, x *exchange.Exchange) int {
	t.Helper()
	err := e.OnRequestHeaders(t.Context(), x)
	var rejection *exchange.Rejection
	switch {
	case errors.As(err, &rejection):
		return rejection.Status
	case err != nil:
		t.Fatal(err)
	}
	return 200
}

func TestKeys(t *testing.T) {
	address := func(a string) *exchange.Exchange {
		x := request()
		x.SetAttribute("source.address", a)
		return x
	}
	claims := func(c map[string]any) *exchange.Exchange {
		x := request()
		x.SetMetadata(claimsNamespace, map[string]any{"issuer": c})
		return x
	}
	path := func(p string) *exchange.Exchange { return request(":path", p) }
	tests := []struct {
		name, part string
		x          *exchange.Exchange
		want       string
	}{
		{"IPv4", `{"from":"client-address"}`, address("192.0.2.7:4711"), "192.0.2.7"},
		{"IPv4 in IPv6", `{"from":"client-address"}`, address("[::ffff:192.0.2.7]:1"), "192.0.2.7"},
		{"IPv6 by its network", `{"from":"client-address"}`, address("[2001:db8:1:2:3:4:5:6]:1"), "2001:db8:1:2::/64"},
		{"no IP address", `{"from":"client-address"}`, address("/run/socket"), ""},
		{"no address", `{"from":"client-address"}`, request(), ""},

		{"one proxy", `{"from":"forwarded-for","trustedHops":1}`, request("x-forwarded-for", "6.6.6.6, 192.0.2.1,127.0.0.1"), "192.0.2.1"},
		{"two proxies, several lines", `{"from":"forwarded-for","trustedHops":2}`, request("x-forwarded-for", "6.6.6.6,192.0.2.1", "x-forwarded-for", "10.0.0.1, 127.0.0.1"), "192.0.2.1"},
		{"too few", `{"from":"forwarded-for","trustedHops":2}`, request("x-forwarded-for", "192.0.2.1,127.0.0.1"), ""},
		{"no address there", `{"from":"forwarded-for","trustedHops":1}`, request("x-forwarded-for", "unknown, 127.0.0.1"), ""},
		{"IPv6 there", `{"from":"forwarded-for","trustedHops":1}`, request("x-forwarded-for", "2001:db8::1%eth0, 127.0.0.1"), "2001:db8::/64"},
		{"none", `{"from":"forwarded-for","trustedHops":1}`, request(), ""},

		{"a header", `{"from":"header","header":"x-a"}`, request("x-a", "v"), "v"},
		{"a repeated header", `{"from":"header","header":"x-a"}`, request("x-a", "v", "x-a", "w"), "v,w"},
		{"no header", `{"from":"header","header":"x-a"}`, request(), ""},

		{"a claim", `{"from":"claim","claim":["sub"]}`, claims(map[string]any{"sub": "me"}), "me"},
		{"a number", `{"from":"claim","claim":["n"]}`, claims(map[string]any{"n": 12345678901.0}), "12345678901"},
		{"a boolean", `{"from":"claim","claim":["b"]}`, claims(map[string]any{"b": false}), "false"},
		{"a nested claim", `{"from":"claim","claim":["a","b"]}`, claims(map[string]any{"a": map[string]any{"b": "c"}}), "c"},
		{"a list", `{"from":"claim","claim":["a"]}`, claims(map[string]any{"a": []any{"b"}}), ""},
		{"another claim", `{"from":"claim","claim":["a","b"]}`, claims(map[string]any{"a": "b"}), ""},
		{"no token", `{"from":"claim","claim":["sub"]}`, request("authorization", "Bearer x"), ""},

		{"a path", `{"from":"path","segments":2}`, path("/api/orders/7?q=/x"), "/api/orders/"},
		{"a short path", `{"from":"path","segments":2}`, path("/api"), "/api/"},
		{"the root", `{"from":"path","segments":1}`, path("/"), "/"},
		{"another spelling", `{"from":"path","segments":2}`, path("//%61pi;v=1/%6frders#x"), "/api/orders/"},
		{"a broken escape", `{"from":"path","segments":1}`, path("/%zz/b"), "/%zz/"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := load(t, config(limitText("l", 1, tt.part, "share", one), memory))
			if got := e.limits[0].key[0](tt.x); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
			skip := load(t, config(limitText("l", 1, tt.part, "skip", one), memory))
			if _, applies := skip.limits[0].keyOf(tt.x); applies != (tt.want != "") {
				t.Errorf("applies: %t", applies)
			}
		})
	}
}

func TestPartsDoNotRunIntoEachOther(t *testing.T) {
	e := load(t, config(limitText("l", 1, `{"from":"header","header":"x-a"},{"from":"header","header":"x-b"}`, "share", one), memory))
	keys := map[string]bool{}
	for _, x := range []*exchange.Exchange{
		request("x-a", "a", "x-b", "bc"), request("x-a", "ab", "x-b", "c"), request("x-a", "abc"), request("x-b", "abc"), request(),
	} {
		key, _ := e.limits[0].keyOf(x)
		keys[key] = true
	}
	if len(keys) != 5 {
		t.Errorf("five clients have %d buckets", len(keys))
	}
}

func TestAnswers(t *testing.T) {
	e := load(t, config(limitText("small", 2, `{"from":"header","header":"x-a"}`, "share", one)+","+limitText("large", 10, "", "share", one), memory))
	for i, want := range []string{`"small";r=1;t=43200, "large";r=9;t=8640`, `"small";r=0;t=86400, "large";r=8;t=17280`} {
		x := request("x-a", "v")
		if err := e.OnRequestHeaders(t.Context(), x); err != nil {
			t.Fatal(err)
		}
		if err := e.OnResponseHeaders(t.Context(), x); err != nil {
			t.Fatal(err)
		}
		if got := x.Response.Get("ratelimit-policy"); got != `"small";q=2;w=86400, "large";q=10;w=86400` {
			t.Errorf("%d: policy %s", i, got)
		}
		if got := x.Response.Get("ratelimit"); got != want {
			t.Errorf("%d: %s, want %s", i, got, want)
		}
	}
	var r *exchange.Rejection
	if err := e.OnRequestHeaders(t.Context(), request("x-a", "v")); !errors.As(err, &r) {
		t.Fatal(err)
	}
	if r.Status != 429 || r.Headers.Get("retry-after") != "43200" || r.Headers.Get("content-type") != "application/problem+json" ||
		r.Headers.Get("ratelimit") != `"small";r=0;t=86400, "large";r=8;t=17280` {
		t.Errorf("%d, %+v", r.Status, r.Headers)
	}
	const body = `{"status":429,"title":"Request cannot be satisfied as assigned quota has been exceeded","type":"https://iana.org/assignments/http-problem-types#quota-exceeded","violated-policies":["small"]}`
	if r.Body != body {
		t.Errorf("%s", r.Body)
	}
	if got := statusOf(t, e, request("x-a", "another")); got != 200 {
		t.Errorf("another client: %d", got)
	}
}

func TestCostOfTheRequest(t *testing.T) {
	for _, tt := range []struct {
		values []string
		want   int
	}{
		{nil, 200}, {[]string{"5"}, 200}, {[]string{" 005 "}, 200},
		{[]string{"6"}, 400}, {[]string{"0"}, 400}, {[]string{"-1"}, 400}, {[]string{"+1"}, 400}, {[]string{"1.0"}, 400},
		{[]string{""}, 400}, {[]string{"1", "1"}, 400}, {[]string{"1,1"}, 400}, {[]string{"99999999999999999999"}, 400}, {[]string{"\xff"}, 400}, {[]string{"١"}, 400},
	} {
		e := load(t, config(limitText("l", 5, "", "share", `{"from":"request-header","header":"x-cost"}`), memory))
		x := request()
		for _, v := range tt.values {
			x.Request.Append("x-cost", v)
		}
		if got := statusOf(t, e, x); got != tt.want {
			t.Errorf("%q: %d, want %d", tt.values, got, tt.want)
		}
	}
}

func TestCostOfTheResponse(t *testing.T) {
	for _, tt := range []struct {
		values []string
		left   string // of ten
	}{
		{nil, "9"}, {[]string{"1"}, "9"}, {[]string{"0"}, "9"}, {[]string{"4"}, "6"}, {[]string{"10"}, "0"}, {[]string{"5000000000"}, "0"},
		{[]string{"many"}, "9"}, {[]string{"2", "3"}, "9"},
	} {
		e := load(t, config(limitText("l", 10, "", "share", `{"from":"response-header","header":"x-cost"}`), memory))
		x := request()
		if got := statusOf(t, e, x); got != 200 {
			t.Fatal(got)
		}
		for _, v := range tt.values {
			x.Response.Append("x-cost", v)
		}
		if err := e.OnResponseHeaders(t.Context(), x); err != nil {
			t.Fatal(err)
		}
		if got := x.Response.Get("ratelimit"); !strings.HasPrefix(got, `"l";r=`+tt.left+";") {
			t.Errorf("%q: %s, want %s", tt.values, got, tt.left)
		}
	}
}

func TestWithoutHeadersForClients(t *testing.T) {
	e := load(t, strings.Replace(config(limitText("l", 1, "", "share", one), memory), `"ratelimit"`, `"none"`, 1))
	x := request()
	if statusOf(t, e, x) != 200 || e.OnResponseHeaders(t.Context(), x) != nil || x.Response.Has("ratelimit") || x.Response.Has("ratelimit-policy") {
		t.Error("the client is told")
	}
	var r *exchange.Rejection
	if err := e.OnRequestHeaders(t.Context(), request()); !errors.As(err, &r) || r.Headers.Has("ratelimit") || !r.Headers.Has("retry-after") {
		t.Errorf("%v", err)
	}
}

// TestManyAtOnce: of many requests of many clients at once each client has its quota.
func TestManyAtOnce(t *testing.T) {
	e := load(t, config(limitText("l", 20, `{"from":"header","header":"x-a"}`, "share", one), memory))
	var granted [5]atomic.Int64
	var wait sync.WaitGroup
	for i := range 500 {
		wait.Go(func() {
			client := i % len(granted)
			x := request("x-a", fmt.Sprint(client))
			if e.OnRequestHeaders(context.Background(), x) == nil {
				granted[client].Add(1)
			}
			if err := e.OnResponseHeaders(context.Background(), x); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	for client := range granted {
		if got := granted[client].Load(); got != 20 {
			t.Errorf("client %d was granted %d", client, got)
		}
	}
}

// away is a store that fails.
type away struct{}

var errAway = errors.New("away")

func (away) Take(context.Context, []bucket.Demand) ([]bucket.Level, bool, error) {
	return nil, false, errAway
}
func (away) Charge(context.Context, []bucket.Demand) ([]bucket.Level, error) { return nil, errAway }
func (away) Close() error                                                    { return nil }

func TestStoreAway(t *testing.T) {
	for _, tt := range []struct {
		whenAway string
		want     []int
	}{
		{"deny", []int{503, 503}}, {"allow", []int{200, 200}}, {"local", []int{200, 429}},
	} {
		t.Run(tt.whenAway, func(t *testing.T) {
			store := fmt.Sprintf(`{"kind":"redis","prefix":"p","timeoutMilliseconds":50,"whenAway":%q,"maxKeys":10,"password":"none"}`, tt.whenAway)
			env := environment.Empty()
			env.Getenv = func(string) string { return "redis://127.0.0.1:1/0" }
			e, err := Load(strings.NewReader(config(limitText("l", 1, "", "share", `{"from":"response-header","header":"x-cost"}`), store)), env)
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			e.store = away{}
			for i, want := range tt.want {
				x := request()
				x.Response.Append("x-cost", "7")
				if got := statusOf(t, e, x); got != want {
					t.Errorf("%d: %d, want %d", i, got, want)
				}
				if err := e.OnResponseHeaders(t.Context(), x); err != nil {
					t.Error(err)
				}
				if x.Response.Has("ratelimit") != (want == 200 && tt.whenAway == "local") {
					t.Error("tells what it does not know")
				}
			}
		})
	}
}

func TestRedisSettings(t *testing.T) {
	const store = `{"kind":"redis","prefix":"p","timeoutMilliseconds":50,"whenAway":"deny","maxKeys":10,"password":"secret"}`
	for _, tt := range []struct {
		name, url string
		secrets   fstest.MapFS
		want      string
	}{
		{"right", "rediss://user@redis:6379/0", fstest.MapFS{"redis-password": {Data: []byte("s3cret\n")}}, ""},
		{"no address", "", nil, "REDIS_URL is not set"},
		{"no such scheme", "http://redis", fstest.MapFS{"redis-password": {Data: []byte("s3cret")}}, "REDIS_URL: this is no address"},
		{"no URL", "redis://a b:x/\x7f", fstest.MapFS{"redis-password": {Data: []byte("s3cret")}}, "REDIS_URL: this is no address"},
		{"a password in the address", "redis://u:s3cret@redis:6379/0", nil, "REDIS_URL has a password"},
		{"no secret", "redis://redis:6379/0", fstest.MapFS{}, `secret "redis-password"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env := environment.Empty()
			env.Getenv = func(string) string { return tt.url }
			env.Secrets = tt.secrets
			e, err := Load(strings.NewReader(config(limitText("l", 1, "", "share", one), store)), env)
			if tt.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				e.Close()
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

func TestBodiesPassUnread(t *testing.T) {
	e, x := load(t, config(limitText("l", 1, "", "share", one), memory)), exchange.New()
	if e.WantsRequestBody(t.Context(), x) || e.WantsResponseBody(t.Context(), x) {
		t.Error("wants a body")
	}
}

func TestWrongSettings(t *testing.T) {
	header := func(name string) string { return fmt.Sprintf(`{"from":"header","header":%q}`, name) }
	for _, tt := range []struct{ name, text, want string }{
		{"not JSON", `{`, "not JSON"},
		{"no limit", config("", memory), "limits: [] is not allowed; write at least one limit"},
		{"quota", config(limitText("l", 0, "", "share", one), memory), "limits[0].quota: 0 is not allowed; use a whole number from 1 to 1000000"},
		{"name", config(limitText("L", 1, "", "share", one), memory), `limits[0].name: "L" is not allowed; use up to 32`},
		{"two of a name", config(limitText("l", 1, "", "share", one)+","+limitText("l", 1, "", "share", one), memory), "limits[1].name: \"l\" is not allowed; give every limit a name of its own"},
		{"absent", config(limitText("l", 1, "", "deny", one), memory), `limits[0].whenAbsent: "deny" is not allowed; use one of share, skip`},
		{"part", config(limitText("l", 1, `{"from":"cookie"}`, "share", one), memory), `limits[0].key[0].from: "cookie" is not allowed; use one of`},
		{"header", config(limitText("l", 1, header("host"), "share", one), memory), `limits[0].key[0].header: "host" is not allowed`},
		{"hops", config(limitText("l", 1, `{"from":"forwarded-for","trustedHops":0}`, "share", one), memory), "limits[0].key[0].trustedHops: 0 is not allowed"},
		{"claim", config(limitText("l", 1, `{"from":"claim","claim":[]}`, "share", one), memory), "limits[0].key[0].claim: [] is not allowed; name the claim"},
		{"provider", strings.Replace(config(limitText("l", 1, `{"from":"claim","claim":["sub"]}`, "share", one), memory), "issuer", "", 1), "name the provider"},
		{"cost", config(limitText("l", 1, "", "share", `{"from":"body"}`), memory), `limits[0].cost.from: "body" is not allowed`},
		{"cost without header", config(limitText("l", 1, "", "share", `{"from":"request-header"}`), memory), "limits[0].cost.header: the key is missing"},
		{"store", config(limitText("l", 1, "", "share", one), `{"kind":"file"}`), `store.kind: "file" is not allowed`},
		{"keys", config(limitText("l", 1, "", "share", one), `{"kind":"memory","maxKeys":0}`), "store.maxKeys: 0 is not allowed"},
		{"when away", config(limitText("l", 1, "", "share", one), `{"kind":"redis","prefix":"p:","timeoutMilliseconds":5000,"whenAway":"wait","maxKeys":1,"password":"none"}`), `store.whenAway: "wait" is not allowed`},
		{"prefix", config(limitText("l", 1, "", "share", one), `{"kind":"redis","prefix":"p:","timeoutMilliseconds":5000,"whenAway":"deny","maxKeys":1,"password":"none"}`), `store.prefix: "p:" is not allowed`},
		{"unknown key", strings.Replace(config(limitText("l", 1, "", "share", one), memory), "{", `{"x":1,`, 1), "x: 1 is not allowed; remove this key"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Load(strings.NewReader(tt.text), environment.Empty())
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// FuzzKeys: whatever clients send, a key is short and safe for every store, and
// the answers are well-formed.
func FuzzKeys(f *testing.F) {
	f.Add("6.6.6.6, 192.0.2.1", "/api/%61;x//b?c", "v", "3", "127.0.0.1:1")
	f.Add("::ffff:1.2.3.4,,", "*", "\xff\x00*'\"", "99999999999999999999", "[::1%eth0]:0")
	f.Add("", "", "", "", "")
	settings := config(limitText("l", 3, `{"from":"client-address"},{"from":"forwarded-for","trustedHops":1},{"from":"header","header":"x-a"},{"from":"path","segments":2}`, "share", `{"from":"request-header","header":"x-cost"}`), memory)
	e, err := Load(strings.NewReader(settings), environment.Empty())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, forwarded, path, header, cost, address string) {
		x := request("x-forwarded-for", forwarded, ":path", path, "x-a", header, "x-cost", cost)
		x.SetAttribute("source.address", address)
		key, applies := e.limits[0].keyOf(x)
		if again, _ := e.limits[0].keyOf(x); !applies || again != key {
			t.Errorf("%q, then %q", key, again)
		}
		if len(key) != len("l:")+32 || strings.Trim(key, "l:0123456789abcdef") != "" {
			t.Errorf("key %q", key)
		}
		err := e.OnRequestHeaders(t.Context(), x)
		var r *exchange.Rejection
		switch {
		case err == nil:
		case !errors.As(err, &r) || !json.Valid([]byte(r.Body)) || !slices.Contains([]int{400, 429}, r.Status):
			t.Errorf("%v", err)
		}
	})
}

// TestTheCauseIsInTheLog: a Redis with another password refuses every request;
// one line says why, not one for each request.
func TestTheCauseIsInTheLog(t *testing.T) {
	server := miniRedis(t, "-WRONGPASS invalid username-password pair or user is disabled.\r\n")
	env, text := environment.Empty(), &bytes.Buffer{}
	env.Log = slog.New(slog.NewJSONHandler(text, nil))
	env.Getenv = func(name string) string { return map[string]string{"REDIS_URL": "redis://" + server}[name] }
	env.Secrets = fstest.MapFS{"redis-password": &fstest.MapFile{Data: []byte("s3cret-value")}}
	store := `{"kind":"redis","maxKeys":1000,"prefix":"p","timeoutMilliseconds":1000,"whenAway":"deny","password":"secret"}`
	e, err := Load(strings.NewReader(config(limitText("a", 5, `{"from":"client-address"}`, "share", one), store)), env)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for range 20 {
		x := request()
		x.SetAttribute("source.address", "192.0.2.1:1")
		if status := statusOf(t, e, x); status != 503 {
			t.Fatalf("status %d", status)
		}
	}
	if n := strings.Count(text.String(), "WRONGPASS"); n != 1 || !strings.Contains(text.String(), `"reason":"authentication"`) {
		t.Errorf("%d lines: %s", n, text)
	}
	if strings.Contains(text.String(), "s3cret-value") {
		t.Error("the log has the password")
	}
	families, _ := env.Metrics.(prometheus.Gatherer).Gather()
	counted := map[string]float64{}
	for _, family := range families {
		if family.GetName() == "rate_limit_store_errors_total" {
			for _, m := range family.GetMetric() {
				counted[m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
			}
		}
	}
	if counted["authentication"] < 1 || counted["authentication"]+counted["away"] != 20 {
		t.Errorf("counted %v", counted)
	}
}

// miniRedis answers every command alike.
func miniRedis(t *testing.T, reply string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer connection.Close()
				lines := bufio.NewScanner(connection)
				for lines.Scan() {
					if strings.HasPrefix(lines.Text(), "*") { // the beginning of a command
						if _, err := connection.Write([]byte(reply)); err != nil {
							return
						}
					}
				}
			}()
		}
	}()
	return listener.Addr().String()
}
