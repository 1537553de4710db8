// Package extension is this extension's logic: it limits how much each client
// may ask for. docs/purpose.md describes the settings.
//
// extension.go decides about requests, limit.go reads the settings, key.go says
// whose bucket it is, answer.go what the client is told. The buckets themselves
// are in internal/bucket.
package extension

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"

	"ext-proc-server/internal/bucket"
	"ext-proc-server/internal/environment"
	"ext-proc-server/internal/exchange"
	"ext-proc-server/internal/settings"
)

// Extension serves all exchanges at once; only the stores change, and they are
// safe for that.
type Extension struct {
	limits     []limit
	tellClient bool

	store    bucket.Store
	fallback bucket.Store // nil: none
	failOpen bool         // without a store requests pass

	log         *slog.Logger
	requests    *prometheus.CounterVec
	storeErrors *prometheus.CounterVec
	tellsCause  rate.Sometimes // whoever operates it needs one line, not one for each request
	evicted     prometheus.Counter
}

// Load reads the settings. A Redis need not be there yet.
func Load(r io.Reader, env environment.Environment) (*Extension, error) {
	root, err := settings.Parse(r)
	if err != nil {
		return nil, err
	}
	e := &Extension{
		log: env.Log,
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rate_limit_requests_total", Help: "Requests to which a limit applied, by limit and outcome (granted, refused).",
		}, []string{"limit", "outcome"}),
		tellsCause: rate.Sometimes{First: 1, Interval: 10 * time.Second},
		storeErrors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rate_limit_store_errors_total", Help: "Requests and charges for which the store failed, by reason (authentication, connection, timeout, away, other).",
		}, []string{"reason"}),
		evicted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "rate_limit_evicted_buckets_total", Help: "Buckets in memory that were forgotten because there were too many.",
		}),
	}
	members := root.Object("limits", "provider", "store", "clientHeaders")
	config := parseStore(members["store"])
	e.limits = parseLimits(members["limits"], members["provider"].Text(), config.prefix)
	e.tellClient = oneOf(members["clientHeaders"], "ratelimit", "none") == "ratelimit"
	if err := root.Err(); err != nil {
		return nil, err
	}
	if err := e.openStore(config, env); err != nil {
		return nil, err
	}
	return e, registerAll(env.Metrics, e.requests, e.storeErrors, e.evicted)
}

func registerAll(registry prometheus.Registerer, collectors ...prometheus.Collector) error {
	var errs []error
	for _, c := range collectors {
		errs = append(errs, registry.Register(c))
	}
	return errors.Join(errs...)
}

func (e *Extension) openStore(c storeConfig, env environment.Environment) error {
	memory, err := bucket.NewMemory(c.maxKeys, time.Now, e.evicted.Inc)
	if err != nil {
		return err
	}
	if c.kind == "memory" {
		e.store = memory
		return nil
	}
	bucket.LogClient(env.Log)
	url, password, err := redisAddress(c, env)
	if err != nil {
		return err
	}
	store, err := bucket.NewRedis(url, password, c.timeout, func(away bool) {
		e.log.Warn("the state of Redis changed", "away", away, "when_away", c.whenAway)
	})
	if err != nil {
		// The library's own words could show the address with its user.
		return errors.New("REDIS_URL: this is no address of a Redis; write redis://host:6379/0, or rediss:// for TLS")
	}
	e.store, e.failOpen = store, c.whenAway == "allow"
	if c.whenAway == "local" {
		e.fallback = memory
	}
	return nil
}

// Close ends the connections of the store.
func (e *Extension) Close() error { return e.store.Close() }

// visit is what is remembered of a request until its response.
type visit struct {
	store   bucket.Store // in which it was counted
	entries []entry
}

// entry is one limit that applies to the request.
type entry struct {
	limit  *limit
	demand bucket.Demand
	level  bucket.Level
}

func demandsOf(entries []entry) []bucket.Demand {
	demands := make([]bucket.Demand, len(entries))
	for i, e := range entries {
		demands[i] = e.demand
	}
	return demands
}

// OnRequestHeaders takes what the request costs, or refuses it.
func (e *Extension) OnRequestHeaders(ctx context.Context, x *exchange.Exchange) error {
	entries, err := e.entries(x)
	if err != nil || len(entries) == 0 {
		return err
	}
	demands, store := demandsOf(entries), e.store
	levels, granted, err := store.Take(ctx, demands)
	if err != nil {
		e.storeFailed(err)
		switch {
		case e.fallback != nil:
			store = e.fallback
			if levels, granted, err = store.Take(ctx, demands); err != nil {
				return err
			}
		case e.failOpen:
			return nil
		default:
			return unavailable()
		}
	}
	for i := range entries {
		entries[i].level = levels[i]
	}
	if !granted {
		e.count(entries, "refused", func(e entry) bool { return !e.granted() })
		return tooMany(entries, e.tellClient)
	}
	e.count(entries, "granted", func(entry) bool { return true })
	x.State = &visit{store: store, entries: entries}
	return nil
}

// storeFailed counts a failure and says its cause. What is left alone has been
// said already.
func (e *Extension) storeFailed(err error) {
	reason := bucket.Reason(err)
	e.storeErrors.WithLabelValues(reason).Inc()
	if reason != bucket.ReasonAway {
		e.tellsCause.Do(func() {
			e.log.Error("the store of the limits fails", "reason", reason, "error", err.Error())
		})
	}
}

// entries returns the limits that apply, with what the request wants of each.
func (e *Extension) entries(x *exchange.Exchange) ([]entry, error) {
	var entries []entry
	for i := range e.limits {
		l := &e.limits[i]
		key, ok := l.keyOf(x)
		if !ok {
			continue
		}
		units, err := l.cost.ofRequest(x, l.policy.Quota)
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry{limit: l, demand: bucket.Demand{Key: key, Policy: l.policy, Units: units}})
	}
	return entries, nil
}

func (e *Extension) count(entries []entry, outcome string, counts func(entry) bool) {
	for _, entry := range entries {
		if counts(entry) {
			e.requests.WithLabelValues(entry.limit.name, outcome).Inc()
		}
	}
}

// OnResponseHeaders charges what the response says that it cost, and tells the
// client what is left.
func (e *Extension) OnResponseHeaders(ctx context.Context, x *exchange.Exchange) error {
	v, ok := x.State.(*visit)
	if !ok {
		return nil
	}
	e.charge(ctx, x, v)
	if e.tellClient {
		tell(v.entries, x.Response)
	}
	return nil
}

// charge takes what the response cost beyond the unit that the request did. If
// that fails, the response goes on all the same: the work has been done.
func (e *Extension) charge(ctx context.Context, x *exchange.Exchange, v *visit) {
	var later []*entry
	var demands []bucket.Demand
	for i := range v.entries {
		entry := &v.entries[i]
		if more := entry.limit.cost.ofResponse(x, entry.limit.policy.Quota) - 1; more > 0 {
			demand := entry.demand
			demand.Units = more
			later, demands = append(later, entry), append(demands, demand)
		}
	}
	if len(later) == 0 {
		return
	}
	levels, err := v.store.Charge(ctx, demands)
	if err != nil {
		e.storeFailed(err)
		return
	}
	for i, entry := range later {
		entry.level = levels[i]
	}
}

// WantsRequestBody is false: bodies pass unread.
func (e *Extension) WantsRequestBody(context.Context, *exchange.Exchange) bool { return false }

// OnRequestBody is never called.
func (e *Extension) OnRequestBody(_ context.Context, _ *exchange.Exchange, body []byte) ([]byte, bool, error) {
	return body, false, nil
}

// WantsResponseBody is false: bodies pass unread.
func (e *Extension) WantsResponseBody(context.Context, *exchange.Exchange) bool { return false }

// OnResponseBody is never called.
func (e *Extension) OnResponseBody(_ context.Context, _ *exchange.Exchange, body []byte) ([]byte, bool, error) {
	return body, false, nil
}
