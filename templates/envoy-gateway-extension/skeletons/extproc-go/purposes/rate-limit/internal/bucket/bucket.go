// Package bucket counts in token buckets, in memory or in Redis.
//
// bucket.go holds the arithmetic, memory.go and redis.go keep the buckets.
package bucket

import (
	"context"
	"time"
)

// Policy is the shape of a bucket: it holds Quota units, and an empty one is
// full again after Window.
type Policy struct {
	Quota  int64
	Window time.Duration // whole milliseconds
}

// Level is what is missing in a bucket. It is counted in parts of a unit, of
// which a unit has as many as Window has milliseconds: so Quota of them come
// back in each millisecond, and no division ever rounds.
type Level int64

func (p Policy) parts(units int64) Level { return Level(units * p.Window.Milliseconds()) }

// After returns the level when this much time has passed.
func (p Policy) After(level Level, passed time.Duration) Level {
	// A clock that was set back gives nothing.
	ms := min(max(passed.Milliseconds(), 0), 2*p.Window.Milliseconds())
	return max(level-Level(ms*p.Quota), 0)
}

// Grants tells whether this many units can be taken.
func (p Policy) Grants(level Level, units int64) bool {
	return level+p.parts(units) <= p.parts(p.Quota)
}

// Take returns the level without this many units, whether or not they are
// there. A debt ends at a second full bucket, so that it is paid after two
// windows at most.
func (p Policy) Take(level Level, units int64) Level {
	return min(level+p.parts(units), 2*p.parts(p.Quota))
}

// Available returns how many whole units are there.
func (p Policy) Available(level Level) int64 {
	return max(int64(p.parts(p.Quota)-level)/p.Window.Milliseconds(), 0)
}

// FullIn returns the time until nothing is missing.
func (p Policy) FullIn(level Level) time.Duration { return p.until(level) }

// GrantsIn returns the time until this many units can be taken.
func (p Policy) GrantsIn(level Level, units int64) time.Duration {
	return p.until(level + p.parts(units) - p.parts(p.Quota))
}

// until returns the time in which this much comes back, rounded up to a whole
// millisecond.
func (p Policy) until(level Level) time.Duration {
	ms := (max(int64(level), 0) + p.Quota - 1) / p.Quota
	return time.Duration(ms) * time.Millisecond
}

// Demand is what one request wants of one bucket.
type Demand struct {
	Key    string
	Policy Policy
	Units  int64
}

// Store keeps buckets. A key that it does not know has a full bucket.
type Store interface {
	// Take takes all demands or, if a bucket does not grant its own, none. It
	// returns the levels afterwards, in the order of the demands.
	Take(ctx context.Context, demands []Demand) (levels []Level, granted bool, err error)
	// Charge takes all demands even if a bucket has not so much.
	Charge(ctx context.Context, demands []Demand) (levels []Level, err error)
	Close() error
}
