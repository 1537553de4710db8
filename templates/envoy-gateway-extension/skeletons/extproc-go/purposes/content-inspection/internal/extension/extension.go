// Package extension is this extension's logic: it finds what should not be in
// requests and responses, and blocks, masks or reports it. docs/purpose.md
// describes the settings.
//
// extension.go decides what is inspected and what follows from it, body.go what
// headers say of a body, config.go reads the settings, scanner.go goes through a
// body that comes in pieces, readings.go reads it as others would, detectors.go
// has the list of what is found, match.go what it is written with.
package extension

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"ext-proc-server/internal/environment"
	"ext-proc-server/internal/exchange"
)

// Extension is immutable: one value serves all exchanges at once.
type Extension struct {
	*config
	env        environment.Environment
	unreadable *prometheus.CounterVec
}

// Load reads the settings.
func Load(r io.Reader, env environment.Environment) (*Extension, error) {
	c, err := parseConfig(r)
	if err != nil {
		return nil, err
	}
	counter := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "content_inspection_unreadable_total", Help: "Bodies that could not be read, by direction and what became of them (block, pass).",
	}, []string{"direction", "action"})
	if err := env.Metrics.Register(counter); err != nil {
		return nil, err
	}
	return &Extension{c, env, counter}, nil
}

// inspection is one place of one exchange.
type inspection struct {
	direction, place string
	*inspector
}

// inspections are the State of an exchange, in the order in which they began.
type inspections struct{ all []*inspection }

func (e *Extension) inspect(x *exchange.Exchange, direction, place string, rules []rule) *inspection {
	i := &inspection{direction, place, newInspector(rules, e.with)}
	state, ok := x.State.(*inspections)
	if !ok {
		state = &inspections{}
		x.State = state
	}
	state.all = append(state.all, i)
	return i
}

// OnRequestHeaders inspects the path and the headers.
func (e *Extension) OnRequestHeaders(_ context.Context, x *exchange.Exchange) error {
	if len(e.response) > 0 {
		// What is encoded or only a part could not be inspected.
		x.Request.Set("accept-encoding", "identity")
		x.Request.Remove("range")
		x.Request.Remove("if-range")
	}
	if len(e.request) == 0 {
		return nil
	}
	if e.path {
		// Another path would be another resource: what would be masked is blocked.
		i := e.inspect(x, "request", "path", blocksInsteadOfMasks(e.request))
		if _, blocked := i.feed([]byte(x.Request.Get(":path")), true); blocked {
			return refuseRequest()
		}
	}
	for _, name := range e.headers {
		if err := e.inspectHeader(x, name); err != nil {
			return err
		}
	}
	return nil
}

func (e *Extension) inspectHeader(x *exchange.Exchange, name string) error {
	values := x.Request.Values(name)
	i := e.inspect(x, "request", "header "+name, e.request)
	refused := false
	for n, value := range values {
		out, blocked := i.feed([]byte(value), true)
		values[n], refused = string(out), refused || blocked
	}
	if refused {
		return refuseRequest()
	}
	if !slices.Equal(values, x.Request.Values(name)) {
		x.Request.Remove(name)
		for _, value := range values {
			x.Request.Append(name, value)
		}
	}
	return nil
}

// WantsRequestBody is false: request bodies are inspected while they pass.
func (e *Extension) WantsRequestBody(context.Context, *exchange.Exchange) bool { return false }

// OnRequestBody is not used.
func (e *Extension) OnRequestBody(_ context.Context, _ *exchange.Exchange, body []byte) ([]byte, bool, error) {
	return body, false, nil
}

// RequestBody inspects a body piece by piece. The upstream may have got its
// beginning when the rest is refused, but never its end.
func (e *Extension) RequestBody(x *exchange.Exchange) exchange.BodyTransform {
	types := mediaTypes(x.Request)
	if len(e.request) == 0 || !e.body || !e.isInspected(types) {
		return nil
	}
	if !isReadable(x.Request) {
		if e.rejectUnreadable {
			return refusal{e, x}
		}
		e.noteUnreadable(x, "request", pass)
		return nil
	}
	return inspectedBody{e, e.inspect(x, "request", "body", e.bodyRules(e.request, types)), refuseRequest(), refuseUnreadableRequest(), &lineEnds{}}
}

// bodyRules are the rules for a body of these types.
func (e *Extension) bodyRules(rules []rule, types []string) []rule {
	if isMultipart(types) {
		return append(slices.Clip(rules), rule{transferEncoded, e.unreadableAction()})
	}
	return rules
}

func (e *Extension) unreadableAction() action {
	if e.rejectUnreadable {
		return block
	}
	return pass
}

// noteUnreadable counts a body that cannot be read, and makes it an event.
func (e *Extension) noteUnreadable(x *exchange.Exchange, direction string, done action) {
	i := e.inspect(x, direction, "body", []rule{{transferEncoded, done}})
	i.counts[0] = 1
}

// OnResponseHeaders leaves the headers as they are.
func (e *Extension) OnResponseHeaders(context.Context, *exchange.Exchange) error { return nil }

// WantsResponseBody is true where the response may have to be replaced: that is
// possible only while its headers are held. All others pass piece by piece.
func (e *Extension) WantsResponseBody(_ context.Context, x *exchange.Exchange) bool {
	if !e.inspectsResponse(x) {
		return false
	}
	if !isReadable(x.Response) {
		return e.rejectUnreadable
	}
	rules := e.bodyRules(e.response, mediaTypes(x.Response))
	return slices.ContainsFunc(rules, func(r rule) bool { return r.action == block })
}

// inspectsResponse is true for a part of a body, too, whatever its type: with
// several parts, the type is multipart/byteranges.
func (e *Extension) inspectsResponse(x *exchange.Exchange) bool {
	return len(e.response) > 0 && (x.Response.Get(":status") == "206" || e.isInspected(mediaTypes(x.Response)))
}

// OnResponseBody inspects a whole body.
func (e *Extension) OnResponseBody(_ context.Context, x *exchange.Exchange, body []byte) ([]byte, bool, error) {
	if !isReadable(x.Response) {
		e.noteUnreadable(x, "response", block)
		return nil, false, refuseResponse()
	}
	out, blocked := e.inspect(x, "response", "body", e.bodyRules(e.response, mediaTypes(x.Response))).feed(body, true)
	if blocked {
		return nil, false, refuseResponse()
	}
	return out, string(out) != string(body), nil
}

// ResponseBody inspects a body piece by piece.
func (e *Extension) ResponseBody(x *exchange.Exchange) exchange.BodyTransform {
	if !e.inspectsResponse(x) {
		return nil
	}
	if !isReadable(x.Response) {
		e.noteUnreadable(x, "response", pass)
		return nil
	}
	types, ends := mediaTypes(x.Response), &lineEnds{}
	if len(types) == 1 {
		ends.wanted = separators[types[0]]
	}
	return inspectedBody{e, e.inspect(x, "response", "body", e.bodyRules(e.response, types)), refuseResponse(), refuseResponse(), ends}
}

// event is one line on stdout. It has nothing of what was found.
type event struct {
	Event     string `json:"event"`
	Direction string `json:"direction"`
	Place     string `json:"place"`
	Detector  string `json:"detector"`
	Action    action `json:"action"`
	Count     int    `json:"count"`
}

// OnEnd writes what was found, one event per place and detector.
func (e *Extension) OnEnd(x *exchange.Exchange, _ exchange.End) {
	state, ok := x.State.(*inspections)
	if !ok {
		return
	}
	for _, i := range state.all {
		for n, count := range i.found() {
			if count == 0 {
				continue
			}
			r := i.rules[n]
			if r.name == unreadable {
				e.unreadable.WithLabelValues(i.direction, string(r.action)).Inc()
			}
			if err := e.env.Emit(event{"content_inspection", i.direction, i.place, r.name, r.action, count}); err != nil {
				e.env.Log.Error("an event is lost", "error", err)
			}
		}
	}
}

// inspectedBody is a body while it passes.
type inspectedBody struct {
	e *Extension
	*inspection
	// refused answers what was found, and unreadable what could not be read.
	refused, unreadable error
	ends                *lineEnds
}

// Chunk returns what goes on. What ends an event goes on at once.
func (b inspectedBody) Chunk(chunk []byte, end bool) ([]byte, error) {
	var out []byte
	for {
		length, complete := b.ends.next(chunk)
		part, last := chunk[:length], end && length == len(chunk)
		chunk = chunk[length:]
		went, blocked := b.settle(part, complete || last)
		if blocked {
			return nil, b.refusal()
		}
		if out = append(out, went...); len(chunk) == 0 {
			return out, nil
		}
	}
}

// refusal says that a part could not be read, or nothing of what was found.
func (b inspectedBody) refusal() error {
	for n, count := range b.found() {
		if count > 0 && b.rules[n].name == unreadable {
			return b.unreadable
		}
	}
	return b.refused
}

// refusal refuses a body that cannot be read as soon as it comes.
type refusal struct {
	e *Extension
	x *exchange.Exchange
}

// Chunk lets nothing pass.
func (r refusal) Chunk([]byte, bool) ([]byte, error) {
	r.e.noteUnreadable(r.x, "request", block)
	return nil, refuseUnreadableRequest()
}

func blocksInsteadOfMasks(rules []rule) []rule {
	rules = slices.Clone(rules)
	for i := range rules {
		if rules[i].action == mask {
			rules[i].action = block
		}
	}
	return rules
}

// The answers do not say what was found: that would help who looks for a way
// around. RFC 9457.

func refuseRequest() error {
	return refuse(403, "Forbidden", "The request contains something that is not let through.", "content_inspection_request")
}

func refuseUnreadableRequest() error {
	return refuse(415, "Unsupported Media Type", "The body cannot be read for inspection; send it as UTF-8 and without a content-encoding.", "content_inspection_unreadable")
}

func refuseResponse() error {
	return refuse(502, "Bad Gateway", "The response cannot be let through.", "content_inspection_response")
}

func refuse(status int, title, detail, reason string) error {
	return &exchange.Rejection{
		Status:  status,
		Headers: exchange.NewHeaders("content-type", "application/problem+json"),
		Body:    problem(status, title, detail),
		Reason:  reason,
	}
}

func problem(status int, title, detail string) string {
	return fmt.Sprintf(`{"type":"about:blank","title":%q,"status":%d,"detail":%q}`+"\n", title, status, detail)
}
