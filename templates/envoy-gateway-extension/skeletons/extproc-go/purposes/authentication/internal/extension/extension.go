// Package extension is this extension's logic: it lets requests pass whose
// client has shown who it is, and tells the upstream. docs/purpose.md describes
// the settings.
//
// extension.go is what all methods have in common, problem.go how requests are
// refused, apikey.go, signature.go with replay.go, and introspection.go with
// client.go are the methods.
package extension

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"ext-proc-server/internal/environment"
	"ext-proc-server/internal/exchange"
	"ext-proc-server/internal/settings"
)

// Extension serves all exchanges at once.
type Extension struct {
	method           method
	identityHeader   string
	removeCredential bool
	passPreflights   bool
	realm            string
	outcomes         *prometheus.CounterVec
}

// method is one way to show who one is.
type method interface {
	// header carries the credential.
	header() string
	// scheme is what WWW-Authenticate names.
	scheme() string
	// authenticate returns who sent the request, or a *refusal. Any other error
	// means that it cannot be known.
	authenticate(ctx context.Context, x *exchange.Exchange) (identity string, err error)
	// checkBody gets the whole body of a request for which wantsBody is true.
	wantsBody(x *exchange.Exchange) bool
	checkBody(x *exchange.Exchange, body []byte) error
}

// headersOnly is part of methods that do not look at bodies.
type headersOnly struct{}

func (headersOnly) wantsBody(*exchange.Exchange) bool          { return false }
func (headersOnly) checkBody(*exchange.Exchange, []byte) error { return nil }

// Load reads the settings and the secrets that they need.
func Load(r io.Reader, env environment.Environment) (*Extension, error) {
	root, err := settings.Parse(r)
	if err != nil {
		return nil, err
	}
	members := root.Object("method", "identityHeader", "credential", "preflight", "realm")
	e := &Extension{
		identityHeader:   members["identityHeader"].HeaderName(),
		removeCredential: oneOf(members["credential"], "remove", "forward") == "remove",
		passPreflights:   oneOf(members["preflight"], "refuse", "pass") == "pass",
		realm:            realm(members["realm"]),
	}
	var start func(environment.Environment) (method, error)
	switch oneOf(members["method"].Member("kind"), "api-key", "hmac", "introspection") {
	case "api-key":
		start = apiKeySettings(members["method"])
	case "hmac":
		start = signatureSettings(members["method"])
	case "introspection":
		start = introspectionSettings(members["method"])
	}
	if err := root.Err(); err != nil {
		return nil, err
	}
	if e.method, err = start(env); err != nil {
		return nil, err
	}
	if e.method.header() == e.identityHeader {
		members["identityHeader"].Wrong("choose another header than the one that carries the credential")
		return nil, root.Err()
	}
	e.outcomes = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "authentication_requests_total",
		Help: "Requests by outcome: accepted, or why not.",
	}, []string{"outcome"})
	return e, env.Metrics.Register(e.outcomes)
}

func oneOf(v settings.Value, allowed ...string) string {
	text := v.Text()
	for _, a := range allowed {
		if text == a {
			return a
		}
	}
	v.Wrong("use " + strings.Join(allowed, " or "))
	return ""
}

func realm(v settings.Value) string {
	text := v.Text()
	if text == "" || strings.Trim(text, letters+"._/:-") != "" {
		v.Wrong("use letters, digits and . _ / : -")
	}
	return text
}

// between reads a whole number with limits.
func between(v settings.Value, least, most int, unit string) int {
	n := v.Count()
	if n < least || n > most {
		v.Wrong(fmt.Sprintf("use a whole number of %s from %d to %d", unit, least, most))
	}
	return n
}

// OnRequestHeaders decides. Whatever goes wrong, no identity that the client
// made up goes on.
func (e *Extension) OnRequestHeaders(ctx context.Context, x *exchange.Exchange) error {
	x.Request.Remove(e.identityHeader)
	if e.passPreflights && isPreflight(x.Request) {
		if e.removeCredential {
			x.Request.Remove(e.method.header())
		}
		e.outcomes.WithLabelValues("preflight").Inc()
		return nil
	}
	identity, err := e.method.authenticate(ctx, x)
	if err != nil {
		return e.refuse(err)
	}
	if e.removeCredential {
		x.Request.Remove(e.method.header())
	}
	x.Request.Set(e.identityHeader, identity)
	if !e.method.wantsBody(x) {
		e.outcomes.WithLabelValues("accepted").Inc()
	}
	return nil
}

// isPreflight tells whether a browser asks what it may send: without a
// credential, and without anything to do for the upstream but to answer (WHATWG
// Fetch, CORS-preflight request).
func isPreflight(h *exchange.Headers) bool {
	return h.Get(":method") == "OPTIONS" && h.Has("origin") && h.Has("access-control-request-method")
}

// WantsRequestBody is true where the signature covers a body.
func (e *Extension) WantsRequestBody(_ context.Context, x *exchange.Exchange) bool {
	return e.method.wantsBody(x)
}

// OnRequestBody never changes a body.
func (e *Extension) OnRequestBody(_ context.Context, x *exchange.Exchange, body []byte) ([]byte, bool, error) {
	if err := e.method.checkBody(x, body); err != nil {
		return nil, false, e.refuse(err)
	}
	e.outcomes.WithLabelValues("accepted").Inc()
	return body, false, nil
}

// refuse turns an error into the answer for the client. What cannot be known is
// refused as well.
func (e *Extension) refuse(err error) error {
	var r *refusal
	if !errors.As(err, &r) {
		r = unavailable
	}
	e.outcomes.WithLabelValues(r.reason).Inc()
	return r.rejection(e.method.scheme(), e.realm)
}

// OnResponseHeaders leaves responses as they are, as do the functions below.
func (e *Extension) OnResponseHeaders(context.Context, *exchange.Exchange) error { return nil }

// WantsResponseBody is never true.
func (e *Extension) WantsResponseBody(context.Context, *exchange.Exchange) bool { return false }

// OnResponseBody is never called.
func (e *Extension) OnResponseBody(_ context.Context, _ *exchange.Exchange, body []byte) ([]byte, bool, error) {
	return body, false, nil
}
