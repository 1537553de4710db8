package extension

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"ext-proc-server/internal/bucket"
	"ext-proc-server/internal/exchange"
	"ext-proc-server/internal/settings"
	"ext-proc-server/internal/sizing"
)

// TestAllBucketsFitTheContainer fills as many buckets as the settings allow,
// and some more, with the longest names.
func TestAllBucketsFitTheContainer(t *testing.T) {
	file, err := os.Open(sizing.Repository("k8s/settings.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	root, err := settings.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	most := parseStore(root.Object("limits", "provider", "store", "clientHeaders")["store"]).maxKeys
	if err := root.Err(); err != nil {
		t.Fatal(err)
	}
	client := 0
	l := limit{
		name:   strings.Repeat("n", 32),
		prefix: strings.Repeat("p", 32),
		policy: bucket.Policy{Quota: 100, Window: time.Hour},
		key:    []part{func(*exchange.Exchange) string { return strconv.Itoa(client) }},
	}
	sizing.Fits(t, func(grown func()) any {
		memory, err := bucket.NewMemory(most, time.Now, func() {})
		if err != nil {
			t.Fatal(err)
		}
		for client = range most + most/10 {
			key, _ := l.keyOf(nil)
			if _, granted, err := memory.Take(t.Context(), []bucket.Demand{{Key: key, Policy: l.policy, Units: 1}}); err != nil || !granted {
				t.Fatal(granted, err)
			}
			if client%2000 == 0 {
				grown()
			}
		}
		return memory
	})
}
