package bucket

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const redisPassword = "test-password"

// startRedis runs a real Redis, or skips the test where there is none.
func startRedis(t *testing.T) (address string, stop func()) {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("needs redis-server on the path")
	}
	probe, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = probe.Addr().String()
	probe.Close()
	_, port, _ := net.SplitHostPort(address)
	config := filepath.Join(t.TempDir(), "redis.conf")
	text := fmt.Sprintf("port %s\nbind 127.0.0.1\nsave \"\"\nappendonly no\nrequirepass %s\n", port, redisPassword)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(binary, config)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		command.Process.Kill()
		command.Wait()
	})
	t.Cleanup(stop)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			return address, stop
		}
		if time.Now().After(deadline) {
			t.Fatal("redis-server does not start")
		}
	}
}

func newRedis(t *testing.T, address, password string) *Redis {
	t.Helper()
	r, err := NewRedis("redis://"+address+"/0", password, 5*time.Second, func(bool) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func newMemory(t *testing.T, maxKeys int, now func() time.Time, evicted func()) *Memory {
	t.Helper()
	m, err := NewMemory(maxKeys, now, evicted)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// eachStore runs a test with memory and, if there is one, with a real Redis.
func eachStore(t *testing.T, test func(t *testing.T, store Store)) {
	t.Run("memory", func(t *testing.T) { test(t, newMemory(t, 1000, time.Now, func() {})) })
	t.Run("Redis", func(t *testing.T) {
		address, _ := startRedis(t)
		test(t, newRedis(t, address, redisPassword))
	})
}

// Slow enough that nothing comes back during a test.
var slow = Policy{Quota: 5, Window: 31 * 24 * time.Hour}

func TestAllOrNone(t *testing.T) {
	eachStore(t, func(t *testing.T, store Store) {
		small := Policy{Quota: 1, Window: slow.Window}
		both := []Demand{{"a", slow, 2}, {"b", small, 1}}
		take := func(demands ...Demand) ([]int64, bool) {
			t.Helper()
			levels, granted, err := store.Take(t.Context(), demands)
			if err != nil {
				t.Fatal(err)
			}
			var left []int64
			for i, d := range demands {
				left = append(left, d.Policy.Available(levels[i]))
			}
			return left, granted
		}
		for i, want := range []struct {
			demands []Demand
			left    []int64
			granted bool
		}{
			{both, []int64{3, 0}, true},
			{both, []int64{3, 0}, false}, // b is empty, so a keeps its three
			{[]Demand{{"a", slow, 3}}, []int64{0}, true},
			{[]Demand{{"a", slow, 1}}, []int64{0}, false},
			{[]Demand{{"c", slow, 5}}, []int64{0}, true},
		} {
			if left, granted := take(want.demands...); !slices.Equal(left, want.left) || granted != want.granted {
				t.Errorf("%d: left %v, granted %t", i, left, granted)
			}
		}
	})
}

func TestChargeGoesBelowZero(t *testing.T) {
	eachStore(t, func(t *testing.T, store Store) {
		levels, err := store.Charge(t.Context(), []Demand{{"a", slow, 5}, {"b", slow, 5}})
		if err == nil {
			levels, err = store.Charge(t.Context(), []Demand{{"a", slow, 2}})
		}
		if err != nil || len(levels) != 1 {
			t.Fatal(levels, err)
		}
		// Seven of five units: one is there again after three fifths of a window.
		want := slow.Window * 3 / 5
		if got := slow.GrantsIn(levels[0], 1); got > want || got < want-time.Minute {
			t.Errorf("the debt is paid in %s, want %s", got, want)
		}
	})
}

func TestRefill(t *testing.T) {
	eachStore(t, func(t *testing.T, store Store) {
		fast := Policy{Quota: 2, Window: time.Second} // one in 500 ms
		for i, want := range []bool{true, true} {
			if _, granted, err := store.Take(t.Context(), []Demand{{"a", fast, 1}}); err != nil || granted != want {
				t.Fatal(i, granted, err)
			}
		}
		time.Sleep(600 * time.Millisecond)
		if _, granted, err := store.Take(t.Context(), []Demand{{"a", fast, 1}}); err != nil || !granted {
			t.Error("nothing came back", err)
		}
	})
}

// TestExactlyTheQuota: of many requests at once exactly the quota passes.
func TestExactlyTheQuota(t *testing.T) {
	eachStore(t, func(t *testing.T, store Store) {
		policy := Policy{Quota: 100, Window: slow.Window}
		var granted atomic.Int64
		var wait sync.WaitGroup
		for range 400 {
			wait.Go(func() {
				_, ok, err := store.Take(context.Background(), []Demand{{"x", policy, 1}, {"y", slow.with(1000), 1}})
				if err != nil {
					t.Error(err)
				}
				if ok {
					granted.Add(1)
				}
			})
		}
		wait.Wait()
		if got := granted.Load(); got != 100 {
			t.Errorf("%d were granted", got)
		}
	})
}

func (p Policy) with(quota int64) Policy { return Policy{Quota: quota, Window: p.Window} }

// TestTwoProcessors: exactly the quota passes, however many processors there are.
func TestTwoProcessors(t *testing.T) {
	address, _ := startRedis(t)
	processors := []*Redis{newRedis(t, address, redisPassword), newRedis(t, address, redisPassword)}
	var granted atomic.Int64
	var wait sync.WaitGroup
	for i := range 200 {
		wait.Go(func() {
			_, ok, err := processors[i%2].Take(context.Background(), []Demand{{"x", slow.with(50), 1}})
			if err != nil {
				t.Error(err)
			}
			if ok {
				granted.Add(1)
			}
		})
	}
	wait.Wait()
	if got := granted.Load(); got != 50 {
		t.Errorf("%d were granted", got)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	evicted := 0
	m := newMemory(t, 2, time.Now, func() { evicted++ })
	one := func(key string) bool {
		_, granted, _ := m.Take(t.Context(), []Demand{{key, Policy{Quota: 1, Window: time.Hour}, 1}})
		return granted
	}
	one("a")
	one("b")
	one("a") // refused, but used
	if !one("c") || m.buckets.Len() != 2 || evicted != 1 {
		t.Errorf("%d buckets, %d evicted", m.buckets.Len(), evicted)
	}
	if one("a") {
		t.Error("the bucket that was used last is forgotten")
	}
	if !one("b") {
		t.Error("the bucket that was used longest ago is kept")
	}
}

// TestRedisCountsAsMemory: the script agrees with the Go code.
func TestRedisCountsAsMemory(t *testing.T) {
	address, _ := startRedis(t)
	r, m := newRedis(t, address, redisPassword), newMemory(t, 10, time.Now, func() {})
	policy := Policy{Quota: 1_000_000, Window: 31 * 24 * time.Hour}
	for i, units := range []int64{1, 999, 250_000, 1_000_000, 749_000, 1} {
		levels, granted, err := r.Take(t.Context(), []Demand{{"k", policy, units}})
		if err != nil {
			t.Fatal(err)
		}
		wantLevels, want, _ := m.Take(t.Context(), []Demand{{"k", policy, units}})
		// What comes back within ten seconds may differ.
		if diff := levels[0] - wantLevels[0]; granted != want || diff > 1e10 || diff < -1e10 {
			t.Errorf("%d: level %d, granted %t; want %d, %t", i, levels[0], granted, wantLevels[0], want)
		}
	}
}

func TestFullBucketsExpireInRedis(t *testing.T) {
	address, _ := startRedis(t)
	r := newRedis(t, address, redisPassword)
	if _, err := r.Charge(t.Context(), []Demand{{"k", Policy{Quota: 10, Window: time.Minute}, 5}}); err != nil {
		t.Fatal(err)
	}
	if ttl := r.client.PTTL(t.Context(), "k").Val(); ttl > 30*time.Second+time.Millisecond || ttl < 20*time.Second {
		t.Errorf("expires in %s, want the 30 s until it is full", ttl)
	}
}

func TestRedisAway(t *testing.T) {
	address, stop := startRedis(t)
	demand := []Demand{{"a", slow, 1}}

	for password, want := range map[string]string{"wrong": ReasonAuthentication, "": ReasonAuthentication} {
		_, _, err := newRedis(t, address, password).Take(t.Context(), demand)
		if err == nil || Reason(err) != want {
			t.Errorf("password %q: %v is %s", password, err, Reason(err))
		}
	}

	var states []bool
	r, err := NewRedis("redis://"+address, redisPassword, 200*time.Millisecond, func(away bool) { states = append(states, away) })
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, _, err := r.Take(t.Context(), demand); err != nil {
		t.Fatal(err)
	}
	stop()
	for range failuresToOpen {
		if _, _, err := r.Take(t.Context(), demand); err == nil || Reason(err) != ReasonConnection {
			t.Fatalf("Redis has gone, and that is %v", err)
		}
	}
	begin := time.Now()
	for range 1000 {
		if _, _, err := r.Take(t.Context(), demand); err == nil || Reason(err) != ReasonAway {
			t.Fatalf("without Redis: %v", err)
		}
	}
	if took := time.Since(begin); took > 500*time.Millisecond {
		t.Errorf("1000 requests waited %s for a Redis that is known to be away", took)
	}
	if !slices.Equal(states, []bool{true}) {
		t.Errorf("told %v", states)
	}
}

// TestRedisThatDoesNotAnswer: the time limit holds.
func TestRedisThatDoesNotAnswer(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	r, err := NewRedis("redis://"+silent.Addr().String(), "", 50*time.Millisecond, func(bool) {})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	begin := time.Now()
	if _, _, err := r.Take(t.Context(), []Demand{{"a", slow, 1}}); err == nil || Reason(err) != ReasonTimeout || time.Since(begin) > 2*time.Second {
		t.Errorf("%v after %s", err, time.Since(begin))
	}
}

func TestErrorsDoNotShowThePassword(t *testing.T) {
	r := newRedis(t, "127.0.0.1:1", "s3cret-value")
	_, _, err := r.Take(t.Context(), []Demand{{"a", slow, 1}})
	if err == nil || strings.Contains(err.Error(), "s3cret-value") {
		t.Errorf("%v", err)
	}
}

// The client's own log goes through ours, and no line to standard error.
func TestTheClientsLogIsOurs(t *testing.T) {
	var text strings.Builder
	LogClient(slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug})))
	clientLog{slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug}))}.Printf(t.Context(), "pool of %d", 3)
	if !strings.Contains(text.String(), `level=DEBUG msg="redis client: pool of 3"`) {
		t.Error(text.String())
	}
}
