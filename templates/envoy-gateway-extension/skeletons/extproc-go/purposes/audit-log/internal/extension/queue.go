package extension

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Limits of what waits to be sent. Both hold: many small events, or few large ones.
const (
	mostEvents = 8192
	mostBytes  = 16 << 20
	batchSize  = 512
)

// How long the end of the process waits for what is in the queue, and how often
// losses are reported.
var (
	closeTimeout = 5 * time.Second
	reportEvery  = time.Minute
)

// What became of an event.
const (
	written   = "written"
	queueFull = "queue_full"
	failed    = "failed"
)

// sink is where events go. write may take its time, and may be given several
// lines at once; it is called by one goroutine.
type sink interface {
	write(ctx context.Context, events [][]byte) error
}

// lines writes events to a stream, one in each Write.
type lines struct{ out io.Writer }

func (l lines) write(_ context.Context, events [][]byte) error {
	for _, event := range events {
		if _, err := l.out.Write(event); err != nil {
			return err
		}
	}
	return nil
}

// queue takes events without waiting and hands them to a sink. What the sink
// does not take in time is lost, counted and reported.
type queue struct {
	waiting chan []byte
	bytes   atomic.Int64 // of what waits, and of what is being sent
	sink    sink
	log     *slog.Logger
	events  *prometheus.CounterVec

	mutex  sync.Mutex
	lost   int   // since the last report
	reason error // of the last failure

	closing chan struct{}      // closed: nothing comes any more
	done    chan struct{}      // closed: nothing waits any more
	cancel  context.CancelFunc // ends the sink's work
}

func newQueue(out sink, log *slog.Logger, metrics prometheus.Registerer) (*queue, error) {
	q := &queue{
		waiting: make(chan []byte, mostEvents),
		sink:    out,
		log:     log,
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "audit_events_total", Help: "Events by what became of them: written, queue_full (lost), failed (lost).",
		}, []string{"result"}),
		closing: make(chan struct{}),
		done:    make(chan struct{}),
	}
	for _, result := range []string{written, queueFull, failed} {
		q.events.WithLabelValues(result) // 0 is a value too
	}
	if err := metrics.Register(q.events); err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	var ctx context.Context
	ctx, q.cancel = context.WithCancel(context.Background())
	go q.run(ctx)
	go q.reports()
	return q, nil
}

// offer never waits.
func (q *queue) offer(event []byte) {
	size := int64(len(event))
	if q.bytes.Add(size) <= mostBytes {
		select {
		case q.waiting <- event:
			return
		default:
		}
	}
	q.bytes.Add(-size)
	q.count(queueFull, 1, nil)
}

func (q *queue) run(ctx context.Context) {
	defer close(q.done)
	for {
		select {
		case event := <-q.waiting:
			q.send(ctx, q.batch(event))
		case <-q.closing:
			for {
				select {
				case event := <-q.waiting:
					q.send(ctx, q.batch(event))
				default:
					return
				}
			}
		}
	}
}

// batch takes along what has gathered while the last batch was on its way.
func (q *queue) batch(first []byte) [][]byte {
	events := [][]byte{first}
	for len(events) < batchSize {
		select {
		case event := <-q.waiting:
			events = append(events, event)
		default:
			return events
		}
	}
	return events
}

func (q *queue) send(ctx context.Context, events [][]byte) {
	result := written
	err := q.sink.write(ctx, events)
	if err != nil {
		result = failed
	}
	for _, event := range events {
		q.bytes.Add(-int64(len(event)))
	}
	q.count(result, len(events), err)
}

func (q *queue) count(result string, n int, err error) {
	q.events.WithLabelValues(result).Add(float64(n))
	if result == written {
		return
	}
	q.mutex.Lock()
	defer q.mutex.Unlock()
	q.lost += n
	if err != nil {
		q.reason = err
	}
}

// reports is apart from run, which may be waiting for the sink.
func (q *queue) reports() {
	ticker := time.NewTicker(reportEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			q.report()
		case <-q.closing:
			return
		}
	}
}

func (q *queue) report() {
	q.mutex.Lock()
	lost, reason := q.lost, q.reason
	q.lost, q.reason = 0, nil
	q.mutex.Unlock()
	if lost == 0 {
		return
	}
	attrs := []any{"lost", lost, "waiting", len(q.waiting)}
	if reason != nil {
		attrs = append(attrs, "error", reason.Error())
	}
	q.log.Warn("events were lost; look at what reads them, and at audit_events_total", attrs...)
}

// close sends what waits, but not for ever. Nothing may be offered any more.
func (q *queue) close() error {
	defer q.report()
	defer q.cancel()
	close(q.closing)
	select {
	case <-q.done:
		return nil
	case <-time.After(closeTimeout):
		return fmt.Errorf("%d events and those on their way were not written within %s", len(q.waiting), closeTimeout)
	}
}
