package processor

import (
	"bytes"
	"context"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	filterv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"

	"ext-proc-server/internal/exchange"
	"ext-proc-server/internal/telemetry"
)

// uploads are streams of one processor that bring bodies.
type uploads struct {
	t         *testing.T
	processor *Processor
	start     func(request bool, mode filterv3.ProcessingMode_BodySendMode) *envoy
}

func newUploads(t *testing.T, e Extension, maxCollected int) *uploads {
	p := New(e, Limits{MaxBodyBytes: maxBody, MaxCollectedBytes: maxCollected}, slog.New(slog.DiscardHandler), telemetry.New())
	return &uploads{t, p, func(request bool, mode filterv3.ProcessingMode_BodySendMode) *envoy {
		return openProcessor(t, p, &bytes.Buffer{}, request, mode)
	}}
}

// settled waits until the processor holds that many bytes.
func (u *uploads) settled(want int64) {
	u.t.Helper()
	var got int64
	for range 500 {
		if got = u.processor.budget.used.Load(); got == want {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	u.t.Fatalf("%d bytes are held, want %d", got, want)
}

func expectNoRoom(t *testing.T, e *envoy) {
	t.Helper()
	reply := e.receive().GetImmediateResponse()
	expect(t, "status", int(reply.GetStatus().GetCode()), 503)
	if got := text(reply.GetHeaders()); !strings.Contains(got, "retry-after=1") {
		t.Errorf("headers %q do not have retry-after", got)
	}
}

// Forty clients send all but the end of a body, which would be ten times what the
// budget allows.
func TestUnfinishedBodiesStayWithinTheBudget(t *testing.T) {
	bothDirections(t, func(t *testing.T, request bool) {
		u := newUploads(t, fake{}, 4*maxBody)
		almost := strings.Repeat("x", maxBody/4)
		held := int64(0)
		for i := range 40 {
			e := u.start(request, duplex)
			e.sendHeaders(false, "x-want-body", "upper")
			if i < 4 {
				for range 4 {
					e.sendBody(almost, false)
				}
				held += maxBody
				u.settled(held)
				continue
			}
			e.sendBody(almost, false)
			expectNoRoom(t, e)
			e.sendBody(almost, true) // on its way when Envoy hears of it
			e.closes()
			u.settled(held)
		}
	})
}

func TestTheEndOfABodyMakesRoom(t *testing.T) {
	body := strings.Repeat("x", maxBody)
	ends := map[string]func(e *envoy){
		"finished":     func(e *envoy) { e.sendBody("", true); e.headers(); e.streamed(maxBody + 1); e.closes() },
		"aborted":      func(e *envoy) { e.cancel() },
		"with trailer": func(e *envoy) { e.sendTrailers(); e.headers(); e.streamed(maxBody + 1); e.receive(); e.closes() },
		"too large": func(e *envoy) {
			e.sendBody("x", false)
			expect(e.t, "status", int(e.receive().GetImmediateResponse().GetStatus().GetCode()), tooLargeStatus(e.request))
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			bothDirections(t, func(t *testing.T, request bool) {
				u := newUploads(t, fake{}, maxBody)
				first := u.start(request, duplex)
				first.sendHeaders(false, "x-want-body", "upper")
				first.sendBody(body, false)
				u.settled(maxBody)
				end(first)
				u.settled(0)
				second := u.start(request, duplex)
				second.sendHeaders(false, "x-want-body", "upper")
				second.sendBody(body, true)
				second.headers()
				second.streamed(maxBody + 1)
				u.settled(0)
			})
		})
	}
}

// slow holds bodies until it is released.
type slow struct {
	fake
	entered atomic.Int32
	release chan struct{}
}

func (s *slow) OnRequestBody(ctx context.Context, x *exchange.Exchange, b []byte) ([]byte, bool, error) {
	s.entered.Add(1)
	<-s.release
	return s.fake.OnRequestBody(ctx, x, b)
}

func TestBufferedBodiesCountWhileTheyAreInWork(t *testing.T) {
	logic := &slow{release: make(chan struct{})}
	u := newUploads(t, logic, maxBody)
	body := strings.Repeat("x", maxBody)
	first := u.start(true, buffered)
	first.sendHeaders(false, "x-want-body", "upper")
	first.headers()
	first.sendBody(body, true)
	u.settled(maxBody)
	second := u.start(true, buffered)
	second.sendHeaders(false, "x-want-body", "upper")
	second.headers()
	second.sendBody("x", true)
	expectNoRoom(t, second)
	close(logic.release)
	expect(t, "first", len(first.body().GetBodyMutation().GetBody()), maxBody+1)
	u.settled(0)
	expect(t, "bodies seen", logic.entered.Load(), int32(1))
}

func TestABodyThatPanicsGivesItsMemoryBack(t *testing.T) {
	u := newUploads(t, fake{}, maxBody)
	e := u.start(true, duplex)
	e.sendHeaders(false, "x-want-body", "panic")
	e.sendBody(strings.Repeat("x", maxBody), true)
	if _, err := e.stream.Recv(); err == nil {
		t.Error("no error")
	}
	u.settled(0)
}

// Whatever the pieces, the body is theirs, and little more memory than it needs is
// held and asked for.
func TestCollectedBodies(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, largest := range []int{1, 100, 64 << 10, 1 << 20} {
		var c collected
		var want []byte
		asked := 0
		for range 200 {
			piece := make([]byte, random.IntN(largest+1))
			for i := range piece {
				piece[i] = byte(random.Uint32())
			}
			want = append(want, piece...)
			if !c.add(piece, func(n int) bool { asked += n; return true }) {
				t.Fatal("refused")
			}
			clear(piece) // its memory is the caller's
			expect(t, "size", c.size, len(want))
			expect(t, "held", c.held, asked)
			if c.held > 2*c.size+minBlockBytes {
				t.Fatalf("%d bytes held for a body of %d", c.held, c.size)
			}
		}
		if !bytes.Equal(c.bytes(), want) {
			t.Errorf("pieces of up to %d bytes came out changed", largest)
		}
	}
}
