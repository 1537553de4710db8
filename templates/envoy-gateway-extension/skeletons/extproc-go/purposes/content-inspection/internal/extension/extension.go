// Package extension is this extension's logic: it finds what should not be in
// requests and responses, and blocks, masks or reports it. docs/purpose.md
// describes the settings.
//
// extension.go decides what is inspected and what follows from it, config.go
// reads the settings, scanner.go goes through a body that comes in pieces,
// detectors.go has the list of what is found, match.go what it is written with.
package extension

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"ext-proc-server/internal/environment"
	"ext-proc-server/internal/exchange"
)

// Extension is immutable: one value serves all exchanges at once.
type Extension struct {
	*config
	env environment.Environment
}

// Load reads the settings.
func Load(r io.Reader, env environment.Environment) (*Extension, error) {
	c, err := parseConfig(r)
	if err != nil {
		return nil, err
	}
	return &Extension{c, env}, nil
}

// inspection is one place of one exchange.
type inspection struct {
	direction, place string
	*scanner
}

// inspections are the State of an exchange, in the order in which they began.
type inspections struct{ all []*inspection }

func (e *Extension) inspect(x *exchange.Exchange, direction, place string, rules []rule) *inspection {
	i := &inspection{direction, place, newScanner(rules, e.with)}
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
		// An encoded response could not be inspected.
		x.Request.Set("accept-encoding", "identity")
	}
	if len(e.request) == 0 {
		return nil
	}
	if e.path {
		// Another path would be another resource: what would be masked is blocked.
		i := e.inspect(x, "request", "path", blocksInsteadOfMasks(e.request))
		if _, blocked := i.feed(decodePath(x.Request.Get(":path")), true); blocked {
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
	if len(e.request) == 0 || !e.body || !e.isInspected(x.Request) {
		return nil
	}
	if isEncoded(x.Request) {
		if e.refuseEncoded {
			return refusal{refuseEncodedRequest()}
		}
		return nil
	}
	return inspectedBody{e.inspect(x, "request", "body", e.request), refuseRequest()}
}

// OnResponseHeaders leaves the headers as they are.
func (e *Extension) OnResponseHeaders(context.Context, *exchange.Exchange) error { return nil }

// WantsResponseBody is true where the response may have to be replaced: that is
// possible only while its headers are held. All others pass piece by piece.
func (e *Extension) WantsResponseBody(_ context.Context, x *exchange.Exchange) bool {
	if len(e.response) == 0 || !e.isInspected(x.Response) {
		return false
	}
	if isEncoded(x.Response) {
		return e.refuseEncoded
	}
	return slices.ContainsFunc(e.response, func(r rule) bool { return r.action == block })
}

// OnResponseBody inspects a whole body.
func (e *Extension) OnResponseBody(_ context.Context, x *exchange.Exchange, body []byte) ([]byte, bool, error) {
	if isEncoded(x.Response) {
		return nil, false, refuseResponse()
	}
	out, blocked := e.inspect(x, "response", "body", e.response).feed(body, true)
	if blocked {
		return nil, false, refuseResponse()
	}
	return out, string(out) != string(body), nil
}

// ResponseBody inspects a body piece by piece.
func (e *Extension) ResponseBody(x *exchange.Exchange) exchange.BodyTransform {
	if len(e.response) == 0 || !e.isInspected(x.Response) || isEncoded(x.Response) {
		return nil
	}
	return inspectedBody{e.inspect(x, "response", "body", e.response), refuseResponse()}
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
		for n, count := range i.counts {
			if count == 0 {
				continue
			}
			r := i.rules[n]
			if err := e.env.Emit(event{"content_inspection", i.direction, i.place, r.name, r.action, count}); err != nil {
				e.env.Log.Error("an event is lost", "error", err)
			}
		}
	}
}

// inspectedBody is a body while it passes.
type inspectedBody struct {
	*inspection
	refused error
}

// Chunk returns what goes on.
func (b inspectedBody) Chunk(chunk []byte, end bool) ([]byte, error) {
	out, blocked := b.feed(chunk, end)
	if blocked {
		return nil, b.refused
	}
	return out, nil
}

// refusal refuses a body as soon as it comes.
type refusal struct{ err error }

// Chunk lets nothing pass.
func (r refusal) Chunk([]byte, bool) ([]byte, error) { return nil, r.err }

func blocksInsteadOfMasks(rules []rule) []rule {
	rules = slices.Clone(rules)
	for i := range rules {
		if rules[i].action == mask {
			rules[i].action = block
		}
	}
	return rules
}

// isInspected tells whether a body is of a type that is looked at. One without
// a type is, or leaving the type out would be a way around.
func (e *Extension) isInspected(h *exchange.Headers) bool {
	mediaType, _, _ := strings.Cut(h.Get("content-type"), ";")
	mediaType = strings.ToLower(strings.TrimSpace(mediaType))
	return mediaType == "" || slices.ContainsFunc(e.contentTypes, func(pattern string) bool {
		prefix, suffix, any := strings.Cut(pattern, "*")
		if !any {
			return mediaType == pattern
		}
		return len(mediaType) >= len(prefix)+len(suffix) && strings.HasPrefix(mediaType, prefix) && strings.HasSuffix(mediaType, suffix)
	})
}

func isEncoded(h *exchange.Headers) bool {
	for _, line := range h.Values("content-encoding") {
		for coding := range strings.SplitSeq(line, ",") {
			if coding = strings.TrimSpace(coding); coding != "" && !strings.EqualFold(coding, "identity") {
				return true
			}
		}
	}
	return false
}

// decodePath takes percent-encoding off once, and reads + as a blank. What is
// no valid encoding stays.
func decodePath(path string) []byte {
	out := make([]byte, 0, len(path))
	for i := 0; i < len(path); i++ {
		switch b := path[i]; {
		case b == '+':
			out = append(out, ' ')
		case b == '%' && i+2 < len(path) && isHex(path[i+1]) && isHex(path[i+2]):
			out = append(out, hexValue(path[i+1])<<4|hexValue(path[i+2]))
			i += 2
		default:
			out = append(out, b)
		}
	}
	return out
}

func isHex(b byte) bool {
	return '0' <= b && b <= '9' || 'a' <= b && b <= 'f' || 'A' <= b && b <= 'F'
}

func hexValue(b byte) byte {
	if b <= '9' {
		return b - '0'
	}
	return b&^0x20 - 'A' + 10
}

// The answers do not say what was found: that would help who looks for a way
// around. RFC 9457.

func refuseRequest() error {
	return refuse(403, "Forbidden", "The request contains something that is not let through.", "content_inspection_request")
}

func refuseEncodedRequest() error {
	return refuse(415, "Unsupported Media Type", "The body is encoded and cannot be inspected; send it without a content-encoding.", "content_inspection_encoded")
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
