package bucket

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Memory keeps the buckets of this process.
type Memory struct {
	mutex   sync.Mutex
	buckets *simplelru.LRU[string, entry]
	now     func() time.Time
	evicted func()
}

type entry struct {
	level Level
	at    time.Time
}

// NewMemory returns a store that holds maxKeys buckets. If there are more, the
// one that was used longest ago is forgotten, which makes it full; evicted is
// then called.
func NewMemory(maxKeys int, now func() time.Time, evicted func()) (*Memory, error) {
	buckets, err := simplelru.NewLRU[string, entry](maxKeys, nil)
	if err != nil {
		return nil, fmt.Errorf("cannot keep %d buckets: %w", maxKeys, err)
	}
	return &Memory{buckets: buckets, now: now, evicted: evicted}, nil
}

// Take takes all demands or none.
func (m *Memory) Take(_ context.Context, demands []Demand) ([]Level, bool, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	now, levels, granted := m.now(), make([]Level, len(demands)), true
	for i, d := range demands {
		levels[i] = m.level(d, now)
		granted = granted && d.Policy.Grants(levels[i], d.Units)
	}
	if granted {
		m.take(demands, levels, now)
	}
	return levels, granted, nil
}

// Charge takes all demands.
func (m *Memory) Charge(_ context.Context, demands []Demand) ([]Level, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	now, levels := m.now(), make([]Level, len(demands))
	for i, d := range demands {
		levels[i] = m.level(d, now)
	}
	m.take(demands, levels, now)
	return levels, nil
}

// Close does nothing.
func (m *Memory) Close() error { return nil }

func (m *Memory) level(d Demand, now time.Time) Level {
	e, _ := m.buckets.Get(d.Key) // also marks it as used
	return d.Policy.After(e.level, now.Sub(e.at))
}

func (m *Memory) take(demands []Demand, levels []Level, now time.Time) {
	for i, d := range demands {
		levels[i] = d.Policy.Take(levels[i], d.Units)
		if m.buckets.Add(d.Key, entry{levels[i], now}) {
			m.evicted()
		}
	}
}
