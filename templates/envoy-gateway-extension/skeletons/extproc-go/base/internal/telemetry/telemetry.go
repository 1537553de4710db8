// Package telemetry holds the Prometheus metrics.
package telemetry

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are what the stream loop counts.
type Metrics struct {
	registry *prometheus.Registry
	active   prometheus.Gauge
	streams  *prometheus.CounterVec
	messages *prometheus.CounterVec
	latency  *prometheus.HistogramVec
	panics   prometheus.Counter
}

// New registers all metrics in a registry of their own.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		active: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "ext_proc_streams_active", Help: "Streams (HTTP exchanges) open now.",
		}),
		streams: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ext_proc_streams_total", Help: "Streams ended, by gRPC status code.",
		}, []string{"code"}),
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ext_proc_messages_total", Help: "Messages handled, by phase and outcome (unchanged, changed, held, rejected, error).",
		}, []string{"phase", "outcome"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "ext_proc_message_duration_seconds", Help: "Time from a message to its reply, by phase; compare with the policy's messageTimeout.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1},
		}, []string{"phase"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ext_proc_panics_total", Help: "Panics recovered in the extension's logic.",
		}),
	}
	m.registry.MustRegister(m.active, m.streams, m.messages, m.latency, m.panics,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler serves the metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Registerer takes the logic's own metrics.
func (m *Metrics) Registerer() prometheus.Registerer { return m.registry }

// Collected shows the bytes of bodies that are held, as held returns them.
func (m *Metrics) Collected(held func() int64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "ext_proc_collected_bytes", Help: "Bytes of bodies that are held now; compare with -max-collected-bytes.",
	}, func() float64 { return float64(held()) }))
}

// StreamStarted counts an open stream.
func (m *Metrics) StreamStarted() { m.active.Inc() }

// StreamEnded counts a stream's end.
func (m *Metrics) StreamEnded(code string) {
	m.active.Dec()
	m.streams.WithLabelValues(code).Inc()
}

// Message counts one handled message.
func (m *Metrics) Message(phase, outcome string, took time.Duration) {
	m.messages.WithLabelValues(phase, outcome).Inc()
	m.latency.WithLabelValues(phase).Observe(took.Seconds())
}

// Panicked counts a recovered panic.
func (m *Metrics) Panicked() { m.panics.Inc() }
