package extension

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strconv"
	"testing"
	"testing/fstest"
	"time"

	"ext-proc-server/internal/environment"
	"ext-proc-server/internal/settings"
	"ext-proc-server/internal/sizing"
)

// typicalIdentity is as long as a UUID. Identities come from the server that is
// asked, not from clients.
const typicalIdentity = "%036d"

// TestAllThatIsRememberedFitsTheContainer fills what the method of
// k8s/settings.json remembers of requests or tokens.
func TestAllThatIsRememberedFitsTheContainer(t *testing.T) {
	file, err := os.Open(sizing.Repository("k8s/settings.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	root, err := settings.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	v := root.Object("method", "identityHeader", "credential", "preflight", "realm")["method"]
	now := time.Now()
	switch kind := v.Member("kind").Text(); kind {
	case "hmac":
		members := v.Object("kind", "header", "windowSeconds", "remember")
		most := members["remember"].Count()
		sizing.Fits(t, func(grown func()) any {
			seen := newReplays(most)
			for i := range most {
				if err := seen.add("key "+strconv.Itoa(i), now, now.Add(time.Minute)); err != nil {
					t.Fatal(err)
				}
				if i%2000 == 0 {
					grown()
				}
			}
			return seen
		})
	case "introspection":
		members := v.Object("kind", "identityFrom", "audience", "cacheSeconds", "cacheEntries", "timeoutMilliseconds", "failures", "openSeconds")
		most := members["cacheEntries"].Count()
		sizing.Fits(t, func(grown func()) any {
			env := environment.Empty()
			env.Getenv = func(string) string { return "http://127.0.0.1:1/introspect" } // is not asked
			env.Secrets = fstest.MapFS{"introspection-client-id": {Data: []byte("i")}, "introspection-client-secret": {Data: []byte("s")}}
			m, err := introspectionSettings(v)(env)
			if err != nil {
				t.Fatal(err)
			}
			caches := m.(*introspection)
			for i := range most + most/10 {
				id := sha256.Sum256([]byte(strconv.Itoa(i)))
				caches.cache.Add(id, answer{identity: fmt.Sprintf(typicalIdentity, i), until: now})
				caches.worthless.Add(sha256.Sum256(id[:]), answer{until: now})
				if i%2000 == 0 {
					grown()
				}
			}
			return m
		})
	default:
		t.Skipf("the method %s remembers nothing", kind)
	}
	if err := root.Err(); err != nil {
		t.Fatal(err)
	}
}
