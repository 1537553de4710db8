package extension

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// budgets count the tokens of tenants in this process.
type budgets struct {
	tokens       int64 // 0: nothing is limited
	window       time.Duration
	reserve      int64 // what each call under way holds
	withoutUsage int64

	mutex sync.Mutex
	// spent forgets the tenant that was seen longest ago when there are too many.
	spent *simplelru.LRU[string, spending]
}

// spending is what a tenant has used in its window, and what its calls under
// way may still use.
type spending struct {
	tokens, reserved int64
	ends             time.Time
}

// reservation is what a call holds until it is settled.
type reservation struct {
	tenant string
	ends   time.Time // of the window that it was made in
	tokens int64
}

func newBudgets(tokens int64, windowSeconds, maxTenants int, reserve, withoutUsage int64) *budgets {
	spent, err := simplelru.NewLRU[string, spending](maxTenants, nil)
	if err != nil {
		panic(err) // only for a size that settings cannot have
	}
	return &budgets{tokens: tokens, window: time.Duration(windowSeconds) * time.Second, reserve: reserve, withoutUsage: withoutUsage, spent: spent}
}

// untilSettled is how long a client waits whose other calls hold the rest of
// the budget.
const untilSettled = time.Second

// wait returns how long a tenant has no tokens; 0 if it has some.
func (b *budgets) wait(tenant string, now time.Time) time.Duration {
	if b.tokens == 0 {
		return 0
	}
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.waitOf(b.current(tenant, now), now)
}

func (b *budgets) waitOf(s spending, now time.Time) time.Duration {
	switch rest := s.ends.Sub(now); {
	case s.tokens >= b.tokens:
		return rest
	case s.tokens+s.reserved >= b.tokens:
		return min(rest, untilSettled)
	}
	return 0
}

// hold reserves tokens for a call, or returns how long its tenant has none.
func (b *budgets) hold(tenant string, now time.Time) (reservation, time.Duration) {
	if b.tokens == 0 {
		return reservation{tenant: tenant}, 0
	}
	b.mutex.Lock()
	defer b.mutex.Unlock()
	s := b.current(tenant, now)
	if wait := b.waitOf(s, now); wait > 0 {
		return reservation{}, wait
	}
	s.reserved += b.reserve
	b.spent.Add(tenant, s)
	return reservation{tenant: tenant, ends: s.ends, tokens: b.reserve}, 0
}

// settle gives back what a call held, and takes what it has used, even more
// than there is.
func (b *budgets) settle(r reservation, used int64, now time.Time) {
	if b.tokens == 0 || r.tokens == 0 && used == 0 {
		return
	}
	b.mutex.Lock()
	defer b.mutex.Unlock()
	s := b.current(r.tenant, now)
	if s.ends.Equal(r.ends) {
		s.reserved = max(s.reserved-r.tokens, 0)
	}
	// No sum of so many answers overflows within a window.
	s.tokens += used
	b.spent.Add(r.tenant, s)
}

// current is the tenant's window; a new one where there is none.
func (b *budgets) current(tenant string, now time.Time) spending {
	s, _ := b.spent.Get(tenant)
	if !now.Before(s.ends) {
		s = spending{ends: now.Add(b.window)}
	}
	return s
}
