// Package extension is this extension's logic: it writes one event about each
// exchange, or about a sample of them. docs/purpose.md describes the settings
// and the event.
//
// event.go says what an event has, queue.go how it leaves the process without
// holding a request back, otlp.go how a collector gets it.
package extension

import (
	"context"
	"io"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"

	"ext-proc-server/internal/environment"
	"ext-proc-server/internal/exchange"
	"ext-proc-server/internal/settings"
)

// Extension is immutable but for its queue: one value serves all exchanges at once.
type Extension struct {
	fields                                           []string
	requestHeaders, responseHeaders, redactedHeaders []string
	keptParameters                                   []string
	claims                                           []claim
	provider                                         string
	sampling                                         sampling
	output                                           string

	queue *queue
}

// claim is a claim of a verified token, found by the names from the outside in.
type claim struct {
	name string
	path []string
}

// sampling says which exchanges have an event.
type sampling struct {
	perTenThousand int
	header         string // whose value decides; "": chance does
	leastError     int    // the status from which on there is always an event; 0: none
	chance         func(n int) int
}

// Load reads the settings and begins to take events.
func Load(r io.Reader, env environment.Environment) (*Extension, error) {
	e, err := parse(r)
	if err != nil {
		return nil, err
	}
	out := sink(lines{env.Events})
	if e.output == "otlp" {
		if out, err = newCollector(env.Getenv); err != nil {
			return nil, err
		}
	}
	e.queue, err = newQueue(out, env.Log, env.Metrics)
	return e, err
}

func parse(r io.Reader) (*Extension, error) {
	root, err := settings.Parse(r)
	if err != nil {
		return nil, err
	}
	m := root.Object("fields", "requestHeaders", "responseHeaders", "redactedHeaders",
		"keptQueryParameters", "claims", "provider", "sampling", "output")
	e := &Extension{
		requestHeaders:  headerNames(m["requestHeaders"]),
		responseHeaders: headerNames(m["responseHeaders"]),
		redactedHeaders: headerNames(m["redactedHeaders"]),
		provider:        m["provider"].Text(),
		output:          oneOf(m["output"], "stdout", "otlp"),
	}
	var known []string
	for _, f := range fields {
		known = append(known, f.name)
	}
	for _, v := range m["fields"].Array() {
		e.fields = append(e.fields, oneOf(v, known...))
	}
	for _, v := range m["keptQueryParameters"].Array() {
		name := v.Text()
		if strings.ContainsAny(name, "=&;") {
			v.Wrong("write the name of a parameter as it is in URLs, without = & and ;")
		}
		e.keptParameters = append(e.keptParameters, name)
	}
	for _, v := range m["claims"].Array() {
		e.claims = append(e.claims, parseClaim(v))
	}
	if len(e.claims) > 0 && e.provider == "" {
		m["provider"].Wrong("name the provider in SecurityPolicy spec.jwt.providers[] whose claims are logged")
	}

	s := m["sampling"].Object("perTenThousand", "header", "always")
	e.sampling = sampling{
		perTenThousand: s["perTenThousand"].Count(),
		header:         s["header"].Text(),
		leastError:     map[string]int{"errors": 400, "server-errors": 500}[oneOf(s["always"], "none", "server-errors", "errors")],
		chance:         rand.IntN,
	}
	if e.sampling.perTenThousand > 10000 {
		s["perTenThousand"].Wrong("write an integer from 0 to 10000")
	}
	if e.sampling.header != "" {
		headerName(s["header"])
	}
	return e, root.Err()
}

func parseClaim(v settings.Value) claim {
	m := v.Object("name", "claim")
	c := claim{name: m["name"].Text()}
	path := m["claim"].Array()
	for _, name := range path {
		c.path = append(c.path, name.Text())
	}
	if len(path) == 0 {
		m["claim"].Wrong(`write the names that lead to the claim, for example ["sub"]`)
	}
	return c
}

// oneOf returns "" for anything that is not among these.
func oneOf(v settings.Value, allowed ...string) string {
	text := v.Text()
	if !slices.Contains(allowed, text) {
		v.Wrong("use " + strings.Join(allowed, ", "))
		return ""
	}
	return text
}

func headerNames(list settings.Value) []string {
	var names []string
	for _, v := range list.Array() {
		names = append(names, headerName(v))
	}
	return names
}

var isHeaderName = regexp.MustCompile("^[a-z0-9!#$%&'*+.^_`|~-]+$").MatchString

// headerName returns the name of a header that is only read, so it can be any.
func headerName(v settings.Value) string {
	name := v.Text()
	if !isHeaderName(name) {
		v.Wrong("write a header name in lower case, for example x-tenant")
	}
	return name
}

// wants tells whether an exchange has an event.
func (s sampling) wants(x *exchange.Exchange, status int) bool {
	switch {
	case s.leastError > 0 && (status == 0 || status >= s.leastError):
		return true
	case s.header == "":
		return s.chance(10000) < s.perTenThousand
	default:
		return inSample(x.Request.Get(s.header), s.perTenThousand)
	}
}

// OnEnd hands the event of an exchange over. It does not wait for anything.
func (e *Extension) OnEnd(x *exchange.Exchange, end exchange.End) {
	if e.sampling.wants(x, statusOf(x, end)) {
		e.queue.offer(e.event(x, end))
	}
}

// Close sends what still waits.
func (e *Extension) Close() error { return e.queue.close() }

// OnRequestHeaders lets the request pass: what is logged of it is read at the end.
func (e *Extension) OnRequestHeaders(context.Context, *exchange.Exchange) error { return nil }

// OnResponseHeaders lets the response pass.
func (e *Extension) OnResponseHeaders(context.Context, *exchange.Exchange) error { return nil }

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
