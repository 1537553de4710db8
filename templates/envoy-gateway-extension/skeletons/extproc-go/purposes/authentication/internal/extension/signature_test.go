package extension

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	hmacMethod  = `{"kind":"hmac","header":"authorization","windowSeconds":300,"remember":1000}`
	alphaSecret = "test-secret-of-alpha-0123456789abcdef"
	nonce       = "0123456789abcdef"
	challenge   = `HMAC-SHA256 realm="shop"`
	emptyDigest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" // sha256sum </dev/null
)

var sentAt = time.Unix(1_700_000_000, 0)

// OpenSSL made this signature with the commands of docs/purpose.md, method POST,
// path /orders?limit=5, and the body {"item":1}.
const (
	opensslDigest    = "8a90f2b609081eaf2e6fd34f85016f6a865cb41be9c56e2883c3c3e70385cebd"
	opensslSignature = "273592b9da7c8da62bf4cf4d3e4dd3e9986a938a04ab54fc8fc1bb7c6e545adc"
)

func hmacExtension(t *testing.T, now time.Time) *Extension {
	e := load(t, hmacMethod, withSecrets("hmac-keys", "alpha:"+alphaSecret+"\nbeta:another-secret:with-a-colon-0123456789\n"))
	e.method.(*signature).now = func() time.Time { return now }
	return e
}

func signedHeader(digest, signature string) string {
	return fmt.Sprintf("HMAC-SHA256 key=alpha, timestamp=%d, nonce=%s, digest=%s, signature=%s", sentAt.Unix(), nonce, digest, signature)
}

// sign is for requests without a body.
func sign(nonce string, at time.Time) string {
	mac := hmac.New(sha256.New, []byte(alphaSecret))
	fmt.Fprintf(mac, "HMAC-SHA256\nGET\n/\n%d\n%s\n%s", at.Unix(), nonce, emptyDigest)
	return fmt.Sprintf("hmac-sha256 signature=%x,nonce=%s,timestamp=%d,key=alpha,digest=%s", mac.Sum(nil), nonce, at.Unix(), emptyDigest)
}

func TestSignatureByOpenSSL(t *testing.T) {
	e := hmacExtension(t, sentAt)
	x := request(":method", "POST", ":path", "/orders?limit=5", "authorization", signedHeader(opensslDigest, opensslSignature))
	x.HasRequestBody = true
	if err := e.OnRequestHeaders(t.Context(), x); err != nil {
		t.Fatal(err)
	}
	if !e.WantsRequestBody(t.Context(), x) || x.Request.Get("x-auth-identity") != "alpha" || x.Request.Has("authorization") {
		t.Errorf("headers: %v", x.Request)
	}
	if body, changed, err := e.OnRequestBody(t.Context(), x, []byte(`{"item":1}`)); string(body) != `{"item":1}` || changed || err != nil {
		t.Errorf("%q, %t, %v", body, changed, err)
	}
	_, _, err := e.OnRequestBody(t.Context(), x, []byte(`{"item":2}`))
	expectRefusal(t, err, 401, challenge, "The body does not match its digest.")
}

func TestWhatIsNotSignedIsRefused(t *testing.T) {
	good := signedHeader(opensslDigest, opensslSignature)
	for name, change := range map[string][]string{
		"method":    {":method", "PUT"},
		"path":      {":path", "/orders?limit=50"},
		"key":       {"authorization", strings.Replace(good, "key=alpha", "key=beta", 1)},
		"no key":    {"authorization", strings.Replace(good, "key=alpha", "key=gamma", 1)},
		"timestamp": {"authorization", strings.Replace(good, "=1700000000", "=1700000001", 1)},
		"nonce":     {"authorization", strings.Replace(good, nonce, "0123456789abcdeg", 1)},
		"digest":    {"authorization", strings.Replace(good, opensslDigest, emptyDigest, 1)},
	} {
		x := request(":method", "POST", ":path", "/orders?limit=5", "authorization", good)
		x.Request.Set(change[0], change[1])
		err := hmacExtension(t, sentAt).OnRequestHeaders(t.Context(), x)
		t.Run(name, func(t *testing.T) { expectRefusal(t, err, 401, challenge, "The signature is not valid.") })
	}
	expectRefusal(t, hmacExtension(t, sentAt).OnRequestHeaders(t.Context(), request()), 401, challenge, "The signature is missing.")
	twice := request(":method", "POST", ":path", "/orders?limit=5", "authorization", good, "authorization", good)
	expectRefusal(t, hmacExtension(t, sentAt).OnRequestHeaders(t.Context(), twice), 401, challenge, "The signature is not valid.")
	// The body has been taken away.
	bare := request(":method", "POST", ":path", "/orders?limit=5", "authorization", good)
	expectRefusal(t, hmacExtension(t, sentAt).OnRequestHeaders(t.Context(), bare), 401, challenge, "The body does not match its digest.")
}

func TestWindow(t *testing.T) {
	for offset, ok := range map[time.Duration]bool{0: true, 300: true, -300: true, 301: false, -301: false} {
		e := hmacExtension(t, sentAt.Add(offset*time.Second))
		err := e.OnRequestHeaders(t.Context(), request(":method", "GET", ":path", "/", "authorization", sign(nonce, sentAt)))
		if ok && err != nil {
			t.Errorf("%d s: %v", offset, err)
		}
		if !ok {
			expectRefusal(t, err, 401, challenge, "The timestamp is too far from the time of the gateway.")
		}
	}
}

func TestReplay(t *testing.T) {
	e := hmacExtension(t, sentAt)
	again := func(value string) error {
		return e.OnRequestHeaders(t.Context(), request(":method", "GET", ":path", "/", "authorization", value))
	}
	if err := again(sign(nonce, sentAt)); err != nil {
		t.Fatal(err)
	}
	expectRefusal(t, again(sign(nonce, sentAt)), 401, challenge, "The request has been sent before.")
	expectRefusal(t, again(sign(nonce, sentAt.Add(time.Second))), 401, challenge, "The request has been sent before.")
	if err := again(sign(nonce+"-2", sentAt)); err != nil {
		t.Errorf("another nonce: %v", err)
	}
}

func TestOneOfManyAtOnceIsAccepted(t *testing.T) {
	e, value := hmacExtension(t, sentAt), sign(nonce, sentAt)
	var accepted atomic.Int32
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if e.OnRequestHeaders(t.Context(), request(":method", "GET", ":path", "/", "authorization", value)) == nil {
				accepted.Add(1)
			}
		})
	}
	all.Wait()
	if accepted.Load() != 1 {
		t.Errorf("accepted %d times", accepted.Load())
	}
}

// A model that keeps everything agrees with the memory that forgets.
func TestReplaysForgetOnlyWhatIsOver(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	memory, model := newReplays(50), map[string]time.Time{}
	for step := range 20_000 {
		now := sentAt.Add(time.Duration(step/10) * time.Second)
		id, until := fmt.Sprint(random.IntN(200)), now.Add(time.Duration(random.IntN(20))*time.Second)
		alive := 0
		for _, end := range model {
			if !end.Before(now) {
				alive++
			}
		}
		end, known := model[id]
		want := error(nil)
		switch {
		case known && !end.Before(now):
			want = errReplayed
		case alive >= 50:
			want = unavailable
		default:
			model[id] = until
		}
		if got := memory.add(id, now, until); !errors.Is(got, want) && (got != nil || want != nil) {
			t.Fatalf("step %d: got %v, want %v", step, got, want)
		}
		if len(memory.seen) > 50 || len(memory.expiries) != len(memory.seen) {
			t.Fatalf("step %d: holds %d and %d", step, len(memory.seen), len(memory.expiries))
		}
	}
}

func TestSignedHeadersThatAreNone(t *testing.T) {
	good := signedHeader(opensslDigest, opensslSignature)
	for _, text := range []string{
		"", "HMAC-SHA256", "Bearer abc", good[:len(good)-1], good + ", nonce=" + nonce, good + ",", good + ", more=1",
		strings.Replace(good, "timestamp=", "timestamp=0", 1), strings.Replace(good, "timestamp=", "timestamp=-", 1),
		strings.Replace(good, nonce, "short", 1), strings.Replace(good, nonce, strings.Repeat("n", 65), 1),
		strings.Replace(good, nonce, "0123456789abcde\n", 1), strings.Replace(good, "key=alpha", "key=", 1),
		good + strings.Repeat(" ", 1024),
	} {
		if _, ok := parseSigned(text); ok {
			t.Errorf("accepted %q", text)
		}
	}
}

func FuzzParseSigned(f *testing.F) {
	f.Add(signedHeader(emptyDigest, emptyDigest))
	f.Add(sign(nonce, sentAt))
	f.Add("HMAC-SHA256 key=a,,=,key=b")
	f.Fuzz(func(t *testing.T, text string) {
		s, ok := parseSigned(text)
		if !ok {
			return
		}
		// Nothing that is accepted can move a border in the text that is signed.
		if lines := strings.Split(canonical("GET", "/", s), "\n"); len(lines) != 6 || lines[3] != s.timestamp || lines[4] != s.nonce {
			t.Errorf("%q", lines)
		}
		again := fmt.Sprintf("HMAC-SHA256 key=%s, timestamp=%s, nonce=%s, digest=%s, signature=%s",
			s.key, s.timestamp, s.nonce, hex.EncodeToString(s.digest[:]), hex.EncodeToString(s.signature[:]))
		if same, ok := parseSigned(again); !ok || same != s {
			t.Errorf("%q became %q", text, again)
		}
	})
}
