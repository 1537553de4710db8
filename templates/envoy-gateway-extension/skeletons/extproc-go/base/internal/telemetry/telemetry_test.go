package telemetry

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func TestMetrics(t *testing.T) {
	m := New()
	m.StreamStarted()
	m.StreamStarted()
	m.StreamEnded("OK")
	m.Message("request_headers", "changed", time.Millisecond)
	m.Panicked()
	own := prometheus.NewCounter(prometheus.CounterOpts{Name: "own_total", Help: "The logic's."})
	m.Registerer().MustRegister(own)
	own.Inc()

	response := httptest.NewRecorder()
	m.Handler().ServeHTTP(response, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{
		"ext_proc_streams_active 1",
		`ext_proc_streams_total{code="OK"} 1`,
		`ext_proc_messages_total{outcome="changed",phase="request_headers"} 1`,
		`ext_proc_message_duration_seconds_count{phase="request_headers"} 1`,
		"ext_proc_panics_total 1",
		"go_goroutines",
		"own_total 1",
	} {
		if !strings.Contains(response.Body.String(), want) {
			t.Errorf("no %s", want)
		}
	}
}
