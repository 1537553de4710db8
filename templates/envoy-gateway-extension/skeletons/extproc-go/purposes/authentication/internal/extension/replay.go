package extension

import (
	"container/heap"
	"crypto/sha256"
	"sync"
	"time"
)

// replays remembers requests until their timestamp is out of the window. It
// never holds more than most of them: then it refuses instead of forgetting.
type replays struct {
	most int

	mu       sync.Mutex
	seen     map[digest]struct{}
	expiries expiries
}

// digest keeps an entry small, whatever the nonce.
type digest [16]byte

type expiry struct {
	at    int64 // Unix seconds
	entry digest
}

func newReplays(most int) *replays { return &replays{most: most, seen: map[digest]struct{}{}} }

// add remembers a request; errReplayed if it is remembered already.
func (r *replays) add(id string, now, until time.Time) error {
	hash := sha256.Sum256([]byte(id))
	entry := digest(hash[:])
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.expiries) > 0 && r.expiries[0].at < now.Unix() {
		delete(r.seen, heap.Pop(&r.expiries).(expiry).entry)
	}
	if _, ok := r.seen[entry]; ok {
		return errReplayed
	}
	if len(r.seen) >= r.most {
		return unavailable
	}
	r.seen[entry] = struct{}{}
	heap.Push(&r.expiries, expiry{until.Unix(), entry})
	return nil
}

// expiries is a heap: the first to expire comes first.
type expiries []expiry

func (e expiries) Len() int           { return len(e) }
func (e expiries) Less(i, j int) bool { return e[i].at < e[j].at }
func (e expiries) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *expiries) Push(x any)        { *e = append(*e, x.(expiry)) }
func (e *expiries) Pop() any {
	last := len(*e) - 1
	x := (*e)[last]
	*e = (*e)[:last]
	return x
}
