package extension

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/sony/gobreaker/v2"
	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"

	"ext-proc-server/internal/environment"
	"ext-proc-server/internal/exchange"
	"ext-proc-server/internal/settings"
)

const (
	maxTokenLength    = 8192
	maxIdentityLength = 1024

	// maxQuestions bounds what unknown tokens can make of the server's work.
	maxQuestions = 64
	// maxNegativeTime keeps what a server may soon think otherwise about.
	maxNegativeTime = 10 * time.Second
)

var (
	errNoToken    = unauthorized("missing", "The token is missing.")
	errWrongToken = &refusal{
		status: 401, detail: "The token is not valid.", reason: "invalid",
		parameters: `, error="invalid_token"`,
	}
)

// introspection asks a server what an opaque token is worth (RFC 7662), and
// remembers the answers for a while.
type introspection struct {
	headersOnly
	identityFrom, audience string
	cacheTime              time.Duration
	client                 *client
	log                    *slog.Logger
	now                    func() time.Time

	cache     *lru.Cache[[sha256.Size]byte, answer] // by hash: tokens are not kept
	worthless *lru.Cache[[sha256.Size]byte, answer] // apart: made-up tokens must not drive out good ones
	inFlight  singleflight.Group                    // one question for requests with the same token
	questions *semaphore.Weighted
	breaker   *gobreaker.CircuitBreaker[answer]
}

// answer is what a token is worth until then. No identity: it is not valid.
type answer struct {
	identity string
	until    time.Time
}

func introspectionSettings(v settings.Value) func(environment.Environment) (method, error) {
	members := v.Object("kind", "identityFrom", "audience", "cacheSeconds", "cacheEntries", "timeoutMilliseconds", "failures", "openSeconds")
	m := &introspection{
		identityFrom: oneOf(members["identityFrom"], "sub", "username", "client_id"),
		audience:     members["audience"].Text(),
		cacheTime:    time.Duration(between(members["cacheSeconds"], 0, 3600, "seconds")) * time.Second,
		now:          time.Now,
	}
	entries := between(members["cacheEntries"], 100, 1_000_000, "answers")
	timeout := time.Duration(between(members["timeoutMilliseconds"], 10, 10_000, "milliseconds")) * time.Millisecond
	failures := between(members["failures"], 1, 20, "failures")
	open := time.Duration(between(members["openSeconds"], 1, 300, "seconds")) * time.Second
	return func(env environment.Environment) (_ method, err error) {
		m.log = env.Log
		if m.client, err = newClient(env, timeout); err != nil {
			return nil, err
		}
		if m.cache, err = lru.New[[sha256.Size]byte, answer](entries); err != nil {
			return nil, err
		}
		if m.worthless, err = lru.New[[sha256.Size]byte, answer](entries); err != nil {
			return nil, err
		}
		m.questions = semaphore.NewWeighted(maxQuestions)
		m.breaker = gobreaker.NewCircuitBreaker[answer](gobreaker.Settings{
			Timeout:      open,
			IsSuccessful: func(err error) bool { return !isOutage(err) },
			ReadyToTrip:  func(c gobreaker.Counts) bool { return int(c.ConsecutiveFailures) >= failures },
			OnStateChange: func(_ string, from, to gobreaker.State) {
				env.Log.Warn("introspection", "was", from.String(), "is", to.String())
			},
		})
		return m, nil
	}
}

func (m *introspection) header() string { return "authorization" }
func (m *introspection) scheme() string { return "Bearer" }

func (m *introspection) authenticate(ctx context.Context, x *exchange.Exchange) (string, error) {
	values := x.Request.Values("authorization")
	if len(values) > 1 {
		return "", errWrongToken
	}
	token := bearer(x.Request.Get("authorization"))
	if token == "" {
		return "", errNoToken
	}
	if !isToken(token) {
		return "", errWrongToken
	}
	a, err := m.lookUp(ctx, token)
	switch {
	case err != nil:
		return "", err
	case a.identity == "":
		return "", errWrongToken
	}
	return a.identity, nil
}

// bearer returns what follows the scheme Bearer.
func bearer(value string) string {
	scheme, token, _ := strings.Cut(value, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.Trim(token, " ")
}

// isToken tells whether it is a b64token as in RFC 6750, section 2.1.
func isToken(text string) bool {
	return len(text) <= maxTokenLength && strings.Trim(strings.TrimRight(text, "="), letters+"-._~+/") == ""
}

// lookUp takes the answer from the cache, or asks.
func (m *introspection) lookUp(ctx context.Context, token string) (answer, error) {
	id := sha256.Sum256([]byte(token))
	for _, cache := range []*lru.Cache[[sha256.Size]byte, answer]{m.cache, m.worthless} {
		if a, ok := cache.Get(id); ok && m.now().Before(a.until) {
			return a, nil
		}
	}
	asked := m.inFlight.DoChan(string(id[:]), func() (any, error) {
		// Others may wait for the same answer: it does not end with this request,
		// but with the time limit.
		if !m.questions.TryAcquire(1) {
			m.log.Warn("too many questions about tokens at once; this one is not asked", "most", maxQuestions)
			return answer{}, unavailable
		}
		defer m.questions.Release(1)
		a, err := m.breaker.Execute(func() (answer, error) { return m.ask(context.WithoutCancel(ctx), token) })
		var status statusError
		if errors.As(err, &status) && status.refusesToken() {
			m.log.Warn("the introspection server refuses a question; the token counts as not valid. If it refuses all of them, check the Secret's introspection-client-id and introspection-client-secret", "status", int(status))
			a, err = answer{until: m.now().Add(min(m.cacheTime, maxNegativeTime))}, nil
		}
		if err != nil {
			m.log.Warn("cannot introspect", "error", err.Error())
			return a, err
		}
		switch {
		case !a.until.After(m.now()):
		case a.identity == "":
			m.worthless.Add(id, a)
		default:
			m.cache.Add(id, a)
		}
		return a, nil
	})
	select {
	case <-ctx.Done():
		return answer{}, ctx.Err()
	case result := <-asked:
		if result.Err != nil {
			return answer{}, result.Err
		}
		return result.Val.(answer), nil
	}
}

// ask judges what the server says. An error means that it has not said it.
func (m *introspection) ask(ctx context.Context, token string) (answer, error) {
	r, err := m.client.introspect(ctx, token)
	if err != nil {
		return answer{}, err
	}
	now := m.now()
	a := answer{until: now.Add(m.cacheTime)}
	worthless := answer{until: now.Add(min(m.cacheTime, maxNegativeTime))}
	if !r.Active || !r.Audience.allows(m.audience) {
		return worthless, nil
	}
	if r.Expires != nil {
		expires := unixTime(*r.Expires)
		if !expires.After(now) {
			return worthless, nil
		}
		if expires.Before(a.until) {
			a.until = expires
		}
	}
	if r.NotBefore != nil && unixTime(*r.NotBefore).After(now) {
		return answer{until: now}, nil // it may be valid soon: not for the cache
	}
	identity := r.identity(m.identityFrom)
	if identity == "" || !isIdentityValue(identity) {
		return worthless, nil
	}
	a.identity = identity
	return a, nil
}

// isIdentityValue tells whether the text can be a header value as it is.
func isIdentityValue(text string) bool {
	return len(text) <= maxIdentityLength && text == strings.TrimSpace(text) &&
		!strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}

func unixTime(seconds float64) time.Time {
	// Beyond these, a time does not fit what it is compared with.
	return time.Unix(int64(min(max(seconds, 0), 1<<40)), 0)
}
