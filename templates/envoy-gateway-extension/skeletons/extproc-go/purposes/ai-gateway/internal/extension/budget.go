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
	withoutUsage int64

	mutex sync.Mutex
	// spent forgets the tenant that was seen longest ago when there are too many.
	spent *simplelru.LRU[string, spending]
}

// spending is what a tenant has used in its window.
type spending struct {
	tokens int64
	ends   time.Time
}

func newBudgets(tokens int64, windowSeconds, maxTenants int, withoutUsage int64) *budgets {
	spent, err := simplelru.NewLRU[string, spending](maxTenants, nil)
	if err != nil {
		panic(err) // only for a size that settings cannot have
	}
	return &budgets{tokens: tokens, window: time.Duration(windowSeconds) * time.Second, withoutUsage: withoutUsage, spent: spent}
}

// wait returns how long a tenant has no tokens; 0 if it has some.
func (b *budgets) wait(tenant string, now time.Time) time.Duration {
	if b.tokens == 0 {
		return 0
	}
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if s, _ := b.spent.Get(tenant); s.tokens >= b.tokens {
		return max(s.ends.Sub(now), 0)
	}
	return 0
}

// charge takes tokens after they were used, even more than there are.
func (b *budgets) charge(tenant string, tokens int64, now time.Time) {
	if b.tokens == 0 || tokens == 0 {
		return
	}
	b.mutex.Lock()
	defer b.mutex.Unlock()
	s, _ := b.spent.Get(tenant)
	if !now.Before(s.ends) {
		s = spending{ends: now.Add(b.window)}
	}
	// No sum of so many answers overflows within a window.
	s.tokens += tokens
	b.spent.Add(tenant, s)
}
