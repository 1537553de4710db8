// Package extension is this extension's logic: it allows or denies requests by
// ordered rules. docs/purpose.md describes them.
//
// extension.go answers and logs, rules.go reads the rules and decides, path.go
// and claims.go hold what paths and claims are compared by.
package extension

import (
	"context"
	"fmt"
	"io"
	"strings"

	"ext-proc-server/internal/environment"
	"ext-proc-server/internal/exchange"
	"ext-proc-server/internal/settings"
)

// claimsNamespace is where Envoy's jwt_authn filter puts the claims that it has
// verified, each provider's under its name.
const claimsNamespace = "envoy.filters.http.jwt_authn"

// Extension is immutable: one value serves all exchanges at once.
type Extension struct {
	policy     policy
	provider   string
	subject    []string // the claim that the log names
	logAllowed bool
	logDenied  bool
	mode       string
	env        environment.Environment
}

// Load reads the settings.
func Load(r io.Reader, env environment.Environment) (*Extension, error) {
	root, err := settings.Parse(r)
	if err != nil {
		return nil, err
	}
	m := root.Object("rules", "provider", "pathCase", "decisionLog", "subject", "mode")
	e := &Extension{
		policy:   policy{ignoreCase: oneOf(m["pathCase"], "sensitive", "ignored") == "ignored"},
		provider: m["provider"].Text(),
		subject:  texts(m["subject"]),
		mode:     oneOf(m["mode"], enforce, reportOnly),
		env:      env,
	}
	e.policy.rules = parseRules(m["rules"], e.policy.ignoreCase)
	log := oneOf(m["decisionLog"], "all", "denied", "none")
	e.logAllowed, e.logDenied = log == "all", log != "none"
	if e.provider == "" && (len(e.subject) > 0 || e.policy.needsClaims()) {
		m["provider"].Wrong("write the name in SecurityPolicy spec.jwt.providers[] that verifies the claims")
	}
	return e, root.Err()
}

const (
	enforce    = "enforce"
	reportOnly = "report-only"
)

// OnRequestHeaders decides about the request.
func (e *Extension) OnRequestHeaders(_ context.Context, x *exchange.Exchange) error {
	claims, verified := x.Metadata(claimsNamespace)[e.provider].(map[string]any)
	q := request{
		method:   x.Request.Get(":method"),
		path:     x.Request.Get(":path"),
		headers:  x.Request,
		claims:   claims,
		verified: verified,
	}
	d := e.policy.decide(q)
	if d.allowed && e.logAllowed || !d.allowed && e.logDenied {
		// Whether somebody reads the log decides about no request.
		if err := e.env.Emit(e.event(q, d)); err != nil {
			e.env.Log.Error("cannot write the decision log", "error", err)
		}
	}
	if d.allowed || e.mode == reportOnly {
		return nil
	}
	return refusal(d)
}

// refusal tells the client what to do about it, and nothing about the rules.
func refusal(d decision) *exchange.Rejection {
	status, title := 403, "Forbidden"
	headers := exchange.NewHeaders("content-type", "application/problem+json")
	if d.reason == claimsMissing {
		status, title = 401, "Unauthorized"
		headers.Set("www-authenticate", "Bearer")
	}
	return &exchange.Rejection{
		Status:  status,
		Headers: headers,
		Body:    fmt.Sprintf(`{"type":"about:blank","title":%q,"status":%d}`, title, status),
		Reason:  "authorization_" + string(d.reason),
	}
}

// event is a line of the decision log. Tokens are in headers and queries, so
// neither is part of it.
type event struct {
	Event    string `json:"event"`
	Decision string `json:"decision"`
	Reason   reason `json:"reason"`
	Rule     string `json:"rule"`
	Method   string `json:"method"`
	Path     string `json:"path"`
	Subject  string `json:"subject,omitempty"`
	Mode     string `json:"mode"`
}

func (e *Extension) event(q request, d decision) event {
	v := event{
		Event: "authorization", Decision: "deny", Reason: d.reason, Rule: d.rule,
		Method: printable(q.method), Path: printable(q.path), Mode: e.mode,
	}
	if d.allowed {
		v.Decision = "allow"
	}
	if len(e.subject) > 0 {
		v.Subject, _ = textOf(claimAt(q.claims, e.subject))
	}
	return v
}

// printable is the path without the query, of bounded length, with everything
// but visible ASCII percent-encoded.
func printable(target string) string {
	const maxBytes = 1024
	path, _, _ := strings.Cut(target, "?")
	var b strings.Builder
	for i := 0; i < len(path) && b.Len() < maxBytes; i++ {
		if c := path[i]; c > ' ' && c < 0x7f {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()[:min(b.Len(), maxBytes)]
}

// WantsRequestBody is false: bodies have no part in the decision.
func (e *Extension) WantsRequestBody(context.Context, *exchange.Exchange) bool { return false }

// OnRequestBody is never called.
func (e *Extension) OnRequestBody(_ context.Context, _ *exchange.Exchange, body []byte) ([]byte, bool, error) {
	return body, false, nil
}

// OnResponseHeaders leaves the headers as they are.
func (e *Extension) OnResponseHeaders(context.Context, *exchange.Exchange) error { return nil }

// WantsResponseBody is false.
func (e *Extension) WantsResponseBody(context.Context, *exchange.Exchange) bool { return false }

// OnResponseBody is never called.
func (e *Extension) OnResponseBody(_ context.Context, _ *exchange.Exchange, body []byte) ([]byte, bool, error) {
	return body, false, nil
}
