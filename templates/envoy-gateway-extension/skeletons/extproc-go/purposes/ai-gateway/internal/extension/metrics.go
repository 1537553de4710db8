package extension

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"ext-proc-server/internal/exchange"
)

// maxTenantLabels bounds what clients can make of the metrics.
const maxTenantLabels = 100

// metrics count tokens and requests. Tenants are shown as hashes, models only if
// the settings name them.
type metrics struct {
	models   map[string]string
	tokens   *prometheus.CounterVec
	requests *prometheus.CounterVec

	mutex   sync.Mutex
	tenants map[string]bool
}

func newMetrics(registry prometheus.Registerer, models map[string]string) (*metrics, error) {
	m := &metrics{
		models:  models,
		tenants: map[string]bool{},
		tokens: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ext_proc_llm_tokens_total", Help: "Tokens by model, tenant (a hash) and kind: prompt and completion as answers said them, estimated where an answer did not.",
		}, []string{"model", "tenant", "kind"}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ext_proc_llm_requests_total", Help: "Requests by outcome: counted, estimated (an answer without usage, or one that broke off), failed, or the code of the refusal.",
		}, []string{"outcome"}),
	}
	for _, c := range []prometheus.Collector{m.tokens, m.requests} {
		if err := registry.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *metrics) counted(c *call, used *usage, charged int64) {
	model, tenant := m.modelLabel(c.model), m.tenantLabel(c.tenant)
	switch {
	case c.failed:
		m.requests.WithLabelValues("failed").Inc()
	case used == nil:
		m.requests.WithLabelValues("estimated").Inc()
		m.tokens.WithLabelValues(model, tenant, "estimated").Add(float64(charged))
	default:
		m.requests.WithLabelValues("counted").Inc()
		m.tokens.WithLabelValues(model, tenant, "prompt").Add(float64(used.prompt))
		m.tokens.WithLabelValues(model, tenant, "completion").Add(float64(used.completion))
	}
}

func (m *metrics) refused(r *exchange.Rejection) {
	m.requests.WithLabelValues(strings.TrimPrefix(r.Reason, "llm_")).Inc()
}

func (m *metrics) modelLabel(model string) string {
	if _, named := m.models[model]; named {
		return model
	}
	return "other"
}

func (m *metrics) tenantLabel(tenant string) string {
	if tenant == "" {
		return "none"
	}
	hash := sha256.Sum256([]byte(tenant))
	label := hex.EncodeToString(hash[:6])
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if !m.tenants[label] && len(m.tenants) == maxTenantLabels {
		return "other"
	}
	m.tenants[label] = true
	return label
}
