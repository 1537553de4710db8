package processor

import (
	"sync/atomic"

	"ext-proc-server/internal/exchange"
)

// Limits bound the bytes of bodies that the processor holds.
type Limits struct {
	// MaxBodyBytes bounds one body.
	MaxBodyBytes int
	// MaxCollectedBytes bounds all bodies of all streams together.
	MaxCollectedBytes int
}

// budget counts the bytes that all streams hold at once.
type budget struct {
	limit int64
	used  atomic.Int64
}

// account is one stream's part of the budget. Only its stream uses it.
type account struct {
	budget *budget
	taken  int64
}

// take asks for n more bytes and tells whether the budget had them.
func (a *account) take(n int) bool {
	if a.budget.used.Add(int64(n)) > a.budget.limit {
		a.budget.used.Add(-int64(n))
		return false
	}
	a.taken += int64(n)
	return true
}

// keep gives back what the stream has taken beyond n bytes.
func (a *account) keep(n int) {
	if excess := a.taken - int64(n); excess > 0 {
		a.budget.used.Add(-excess)
		a.taken -= excess
	}
}

// noRoom refuses a body because others fill the budget. It answers the client
// rather than fail, because with failOpen a failure would let the body through.
func noRoom() error {
	return &exchange.Rejection{
		Status:  503,
		Headers: exchange.NewHeaders("retry-after", "1"),
		Body:    "too many bodies are being processed, try again\n",
		Reason:  "ext_proc_body_budget_exhausted",
	}
}

// Blocks of a collected body grow with it, between these sizes: small bodies
// waste little, and large ones are not copied again and again.
const (
	minBlockBytes = 4 << 10
	maxBlockBytes = 256 << 10
)

// collected is a body that is being collected. It holds blocks, because a slice
// that grows needs its old and its new memory at the same time.
type collected struct {
	blocks [][]byte
	size   int // of the body
	held   int // memory of the blocks
}

// add copies a piece. It returns false, and has added a part of the piece, if
// take refuses the memory of another block.
func (c *collected) add(piece []byte, take func(bytes int) bool) bool {
	for len(piece) > 0 {
		if len(c.blocks) == 0 || len(c.blocks[len(c.blocks)-1]) == cap(c.blocks[len(c.blocks)-1]) {
			n := max(len(piece), min(max(c.size, minBlockBytes), maxBlockBytes))
			if !take(n) {
				return false
			}
			c.blocks = append(c.blocks, make([]byte, 0, n))
			c.held += n
		}
		last := &c.blocks[len(c.blocks)-1]
		n := min(len(piece), cap(*last)-len(*last))
		*last = append(*last, piece[:n]...)
		piece = piece[n:]
		c.size += n
	}
	return true
}

// bytes returns the body in one piece.
func (c *collected) bytes() []byte {
	if len(c.blocks) == 1 {
		return c.blocks[0]
	}
	whole := make([]byte, 0, c.size)
	for _, block := range c.blocks {
		whole = append(whole, block...)
	}
	return whole
}
