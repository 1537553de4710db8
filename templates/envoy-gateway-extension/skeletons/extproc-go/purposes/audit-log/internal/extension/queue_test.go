package extension

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"ext-proc-server/internal/environment"
	"ext-proc-server/internal/exchange"
)

// blocked is a writer that nobody reads from, until it is opened.
type blocked struct {
	entered chan struct{} // gets one for each Write that has begun
	open    chan struct{}
	out     bytes.Buffer
}

func newBlocked() *blocked {
	return &blocked{entered: make(chan struct{}, mostEvents*2), open: make(chan struct{})}
}

func (b *blocked) Write(p []byte) (int, error) {
	b.entered <- struct{}{}
	<-b.open
	return b.out.Write(p)
}

func counted(t *testing.T, q *queue, want string) {
	t.Helper()
	got := fmt.Sprintf("written %v, full %v, failed %v",
		testutil.ToFloat64(q.events.WithLabelValues(written)),
		testutil.ToFloat64(q.events.WithLabelValues(queueFull)),
		testutil.ToFloat64(q.events.WithLabelValues(failed)))
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestAFullQueueDropsAndCounts: with a writer that takes nothing, the exchanges
// end all the same; were one of them to wait, this test would not end.
func TestAFullQueueDropsAndCounts(t *testing.T) {
	out, registry := newBlocked(), prometheus.NewRegistry()
	var log bytes.Buffer
	env := environment.Empty()
	env.Events, env.Metrics, env.Log = out, registry, slog.New(slog.NewJSONHandler(&log, nil))
	e, err := Load(strings.NewReader(settingsText(t, "")), env)
	if err != nil {
		t.Fatal(err)
	}
	x := exchange.New()
	e.OnEnd(x, exchange.End{})
	<-out.entered // the first is on its way, the queue is empty
	for range mostEvents + 3 {
		e.OnEnd(x, exchange.End{})
	}
	counted(t, e.queue, "written 0, full 3, failed 0")
	e.queue.report()
	if !strings.Contains(log.String(), `"lost":3,"waiting":8192`) {
		t.Errorf("report: %s", log.String())
	}

	close(out.open)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	counted(t, e.queue, fmt.Sprintf("written %d, full 3, failed 0", mostEvents+1))
	if lines := bytes.Count(out.out.Bytes(), []byte("\n")); lines != mostEvents+1 {
		t.Errorf("%d lines", lines)
	}
	if e.queue.bytes.Load() != 0 {
		t.Errorf("%d bytes are still waiting", e.queue.bytes.Load())
	}
	if n, err := testutil.GatherAndCount(registry, "audit_events_total"); n != 3 || err != nil {
		t.Errorf("metrics: %d, %v", n, err)
	}
}

func newTestQueue(t *testing.T, out sink) *queue {
	t.Helper()
	env := environment.Empty()
	q, err := newQueue(out, env.Log, env.Metrics)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestLargeEventsFillTheQueueToo(t *testing.T) {
	out := newBlocked()
	q := newTestQueue(t, lines{out})
	event := bytes.Repeat([]byte("a"), mostBytes/4)
	for range 6 {
		q.offer(event)
	}
	counted(t, q, "written 0, full 2, failed 0")
	close(out.open)
	if err := q.close(); err != nil {
		t.Fatal(err)
	}
	counted(t, q, "written 4, full 2, failed 0")
}

// failing is a sink that refuses each batch.
type failing struct{}

func (failing) write(context.Context, [][]byte) error { return errors.New("no place") }

func TestFailuresAreCountedAndReported(t *testing.T) {
	q := newTestQueue(t, failing{})
	var log bytes.Buffer
	q.log = slog.New(slog.NewJSONHandler(&log, nil))
	q.offer([]byte("one"))
	q.offer([]byte("two"))
	if err := q.close(); err != nil {
		t.Fatal(err)
	}
	counted(t, q, "written 0, full 0, failed 2")
	if !strings.Contains(log.String(), `"lost":2,"waiting":0,"error":"no place"`) {
		t.Errorf("report: %s", log.String())
	}
}

func TestCloseDoesNotWaitForEver(t *testing.T) {
	defer func(old time.Duration) { closeTimeout = old }(closeTimeout)
	closeTimeout = 0
	out := newBlocked()
	defer close(out.open)
	q := newTestQueue(t, lines{out})
	q.offer([]byte("one"))
	<-out.entered
	q.offer([]byte("two"))
	if err := q.close(); err == nil || !strings.Contains(err.Error(), "1 events") {
		t.Errorf("got %v", err)
	}
}
