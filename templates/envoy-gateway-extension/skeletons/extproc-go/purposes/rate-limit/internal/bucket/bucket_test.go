package bucket

import (
	"math/rand/v2"
	"testing"
	"time"
)

// A bucket of 3 units that fills in 1 s: a unit in 333 1/3 ms.
var thirds = Policy{Quota: 3, Window: time.Second}

func TestArithmeticIsExact(t *testing.T) {
	level := thirds.Take(0, 3)
	if got := thirds.Available(level); got != 0 {
		t.Errorf("an empty bucket has %d", got)
	}
	for _, tt := range []struct {
		passed    time.Duration
		available int64
		fullIn    time.Duration
		oneIn     time.Duration
	}{
		{0, 0, time.Second, 334 * time.Millisecond},
		{333 * time.Millisecond, 0, 667 * time.Millisecond, time.Millisecond},
		{334 * time.Millisecond, 1, 666 * time.Millisecond, 0},
		{999 * time.Millisecond, 2, time.Millisecond, 0},
		{time.Second, 3, 0, 0},
		{time.Hour, 3, 0, 0},
		{-time.Hour, 0, time.Second, 334 * time.Millisecond}, // the clock was set back
		{time.Duration(1<<63 - 1), 3, 0, 0},
	} {
		l := thirds.After(level, tt.passed)
		if got := thirds.Available(l); got != tt.available {
			t.Errorf("after %s: %d available, want %d", tt.passed, got, tt.available)
		}
		if got := thirds.Grants(l, 1); got != (tt.available > 0) {
			t.Errorf("after %s: grants one: %t", tt.passed, got)
		}
		if got := thirds.FullIn(l); got != tt.fullIn {
			t.Errorf("after %s: full in %s, want %s", tt.passed, got, tt.fullIn)
		}
		if got := thirds.GrantsIn(l, 1); got != tt.oneIn {
			t.Errorf("after %s: one in %s, want %s", tt.passed, got, tt.oneIn)
		}
	}
}

func TestADebtEndsAtASecondFullBucket(t *testing.T) {
	level := thirds.Take(thirds.Take(0, 3), 1000)
	if got := thirds.FullIn(level); got != 2*time.Second {
		t.Errorf("paid in %s", got)
	}
	if got := thirds.Available(level); got != 0 {
		t.Errorf("%d available", got)
	}
}

// TestNoMoreThanTheRate: whatever comes when, a bucket never grants more than it
// holds plus what came back, counted apart in whole thirds.
func TestNoMoreThanTheRate(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 0))
		p := Policy{Quota: 1 + random.Int64N(1_000_000), Window: time.Duration(1+random.Int64N(2678400)) * time.Second}
		var level Level
		var granted, elapsed int64 // units, milliseconds
		for range 200 {
			ms := random.Int64N(p.Window.Milliseconds()/50 + 2)
			elapsed += ms
			level = p.After(level, time.Duration(ms)*time.Millisecond)
			units := 1 + random.Int64N(p.Quota)
			if p.Grants(level, units) {
				granted += units
				level = p.Take(level, units)
			}
			// As floating-point numbers: granted*window would not fit 64 bits.
			if most := float64(p.Quota) * (1 + float64(elapsed)/float64(p.Window.Milliseconds())); float64(granted) > most*(1+1e-12) {
				t.Fatalf("%+v granted %d in %d ms", p, granted, elapsed)
			}
			if level < 0 || level > 1<<53 {
				t.Fatalf("%+v: level %d is not exact in Redis", p, level)
			}
		}
	}
}
