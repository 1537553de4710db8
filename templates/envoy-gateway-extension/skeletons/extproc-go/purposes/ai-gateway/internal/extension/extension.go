// Package extension is this extension's logic: it stands before an
// OpenAI-compatible API. docs/purpose.md describes the settings.
//
// extension.go follows an exchange, request.go reads and changes what clients
// send, usage.go and events.go find the tokens in what the provider answers,
// estimate.go guesses them where it does not say, budget.go counts them, refusal.go holds the errors that clients get.
package extension

import (
	"context"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"ext-proc-server/internal/environment"
	"ext-proc-server/internal/exchange"
	"ext-proc-server/internal/settings"
)

// Extension serves all exchanges at once; only its budgets and metrics change.
type Extension struct {
	basePath     string
	passOthers   bool
	models       map[string]string // what clients say, what the provider is told; empty: every model is allowed
	tenantOf     func(*exchange.Exchange) string
	budgets      *budgets
	askForUsage  bool
	usageHeaders bool
	guard        []*regexp.Regexp
	metrics      *metrics
}

// call is what is known of one request to the API.
type call struct {
	held     bool // a part of the budget, by its reservation
	reserved reservation
	estimate estimate // of what went by

	completes bool // it can have stream_options
	tenant    string
	model     string // as the client says it
	hides     bool   // the client did not ask for the usage of its stream
	answered  bool   // the provider's headers are here
	failed    bool   // it said no, which costs nothing
	settled   bool   // counted and charged
}

// Load reads the settings.
func Load(r io.Reader, env environment.Environment) (*Extension, error) {
	root, err := settings.Parse(r)
	if err != nil {
		return nil, err
	}
	e := parse(root)
	if err := root.Err(); err != nil {
		return nil, err
	}
	e.metrics, err = newMetrics(env.Metrics, e.models)
	return e, err
}

// OnRequestHeaders refuses what can be refused without the body.
func (e *Extension) OnRequestHeaders(_ context.Context, x *exchange.Exchange) error {
	endpoint, ours := e.endpoint(x.Request)
	switch {
	case !ours && e.passOthers:
		return nil
	case !ours:
		return e.refuse(unknownURL)
	case !isIdentity(x.Request):
		return e.refuse(unsupportedEncoding)
	case !x.Request.CharsetsAre(isUTF8):
		return e.refuse(unsupportedCharset)
	}
	c := &call{completes: strings.HasSuffix(endpoint, "completions"), tenant: e.tenantOf(x)}
	if wait := e.budgets.wait(c.tenant, time.Now()); wait > 0 {
		return e.refuse(exhausted(wait))
	}
	x.State = c
	// A compressed answer cannot be read. Without the header, any coding would be
	// welcome (RFC 9110, section 12.5.3).
	x.Request.Set("accept-encoding", "identity")
	return nil
}

// isUTF8 tells whether a charset is UTF-8 or the part of it that is ASCII.
func isUTF8(charset string) bool {
	return charset == "utf-8" || charset == "utf8" || charset == "us-ascii" || charset == "ascii"
}

// endpoint tells what is asked for, and whether it is for us.
func (e *Extension) endpoint(h *exchange.Headers) (string, bool) {
	path, _, _ := strings.Cut(h.Get(":path"), "?")
	endpoint, found := strings.CutPrefix(path, e.basePath+"/")
	switch endpoint {
	case "chat/completions", "completions", "embeddings", "responses":
		return endpoint, found && h.Get(":method") == "POST"
	}
	return "", false
}

// WantsRequestBody is true for requests to the API.
func (e *Extension) WantsRequestBody(_ context.Context, x *exchange.Exchange) bool {
	return callOf(x) != nil
}

// OnRequestBody checks the model and the texts, and rewrites the model.
func (e *Extension) OnRequestBody(_ context.Context, x *exchange.Exchange, body []byte) ([]byte, bool, error) {
	c := callOf(x)
	r, refusal := readRequest(body)
	if refusal != nil {
		return nil, false, e.refuse(refusal)
	}
	upstream, allowed := e.models[r.model]
	if len(e.models) == 0 {
		upstream, allowed = r.model, true
	}
	switch {
	case !allowed:
		return nil, false, e.refuse(modelNotFound)
	case matches(body, e.guard):
		return nil, false, e.refuse(promptBlocked)
	}
	reserved, wait := e.budgets.hold(c.tenant, time.Now())
	if wait > 0 {
		return nil, false, e.refuse(exhausted(wait))
	}
	c.held, c.reserved = true, reserved
	c.estimate.request = len(body)
	c.model = r.model
	if upstream != r.model {
		r.setModel(upstream)
	}
	if e.askForUsage && c.completes && r.streams {
		c.hides = r.askForUsage()
	}
	return r.text(), len(r.edits) > 0, nil
}

// OnResponseHeaders settles what will not be read.
func (e *Extension) OnResponseHeaders(_ context.Context, x *exchange.Exchange) error {
	c := callOf(x)
	if c == nil {
		return nil
	}
	c.answered = true
	c.failed = !strings.HasPrefix(x.Response.Get(":status"), "2")
	if e.usageHeaders && isHeaderText(c.model) {
		x.Response.Set("x-llm-model", c.model)
	}
	if kindOf(c, x.Response) == unread {
		e.settle(c, nil)
	}
	return nil
}

// WantsResponseBody is true for JSON if headers are to say its tokens.
func (e *Extension) WantsResponseBody(_ context.Context, x *exchange.Exchange) bool {
	c := callOf(x)
	return c != nil && e.usageHeaders && kindOf(c, x.Response) == document
}

// OnResponseBody says the tokens in headers.
func (e *Extension) OnResponseBody(_ context.Context, x *exchange.Exchange, body []byte) ([]byte, bool, error) {
	reader := &usageReader{}
	reader.write(body)
	used := reader.usage()
	c := callOf(x)
	c.estimate.answer += len(body)
	e.settle(c, used)
	if used != nil {
		for name, tokens := range map[string]int64{"prompt": used.prompt, "completion": used.completion, "total": used.total} {
			x.Response.Set("x-llm-"+name+"-tokens", strconv.FormatInt(tokens, 10))
		}
	}
	return body, false, nil
}

// ResponseBody reads a body while it goes by.
func (e *Extension) ResponseBody(x *exchange.Exchange) exchange.BodyTransform {
	c := callOf(x)
	if c == nil {
		return nil
	}
	switch kindOf(c, x.Response) {
	case document:
		return &documentTransform{estimate: &c.estimate, done: func(u *usage) { e.settle(c, u) }}
	case eventStream:
		return &streamTransform{reader: eventReader{hides: c.hides, estimate: &c.estimate}, done: func(u *usage) { e.settle(c, u) }}
	}
	return nil
}

// OnEnd settles what broke off. The provider has worked for whoever hung up.
func (e *Extension) OnEnd(x *exchange.Exchange, end exchange.End) {
	switch c := callOf(x); {
	case c == nil:
	case c.answered || c.held && end.Rejected == nil:
		e.settle(c, nil)
	case c.held && !c.settled:
		c.settled = true
		e.budgets.settle(c.reserved, 0, time.Now())
	}
}

// settle counts and charges once. Where the answer does not say its usage, what
// went by is estimated.
func (e *Extension) settle(c *call, used *usage) {
	if c.settled {
		return
	}
	c.settled = true
	c.reserved.tenant = c.tenant
	var tokens int64
	switch {
	case c.failed:
	case used != nil:
		tokens = used.total
	default:
		tokens = max(c.estimate.tokens(), e.budgets.withoutUsage)
	}
	e.metrics.counted(c, used, tokens)
	e.budgets.settle(c.reserved, tokens, time.Now())
}

func (e *Extension) refuse(r *exchange.Rejection) error {
	e.metrics.refused(r)
	return r
}

// callOf returns nil for what is not for us.
func callOf(x *exchange.Exchange) *call {
	c, _ := x.State.(*call)
	return c
}

type kind int

const (
	unread kind = iota
	document
	eventStream
)

// kindOf tells how an answer is read.
func kindOf(c *call, h *exchange.Headers) kind {
	if c.failed || !isIdentity(h) {
		return unread
	}
	mediaType, _, _ := strings.Cut(h.Get("content-type"), ";")
	switch strings.ToLower(strings.TrimSpace(mediaType)) {
	case "application/json":
		return document
	case "text/event-stream":
		return eventStream
	}
	return unread
}

func isIdentity(h *exchange.Headers) bool {
	for _, coding := range h.Values("content-encoding") {
		if !strings.EqualFold(strings.TrimSpace(coding), "identity") {
			return false
		}
	}
	return true
}

// isHeaderText tells whether a client's text can stand in a header.
func isHeaderText(text string) bool {
	return modelName.MatchString(text)
}
