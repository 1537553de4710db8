// Package extension is this extension's logic: it edits JSON bodies as the
// settings say. docs/purpose.md describes them.
//
// extension.go decides what becomes of a message, media.go which bodies can be
// read, operation.go reads the settings, edit.go carries the operations out, and
// document.go walks through JSON text.
package extension

import (
	"bytes"
	"context"
	"io"

	"github.com/prometheus/client_golang/prometheus"

	"ext-proc-server/internal/environment"
	"ext-proc-server/internal/exchange"
	"ext-proc-server/internal/settings"
)

// Extension is immutable: one value serves all exchanges at once.
type Extension struct {
	request, response direction
	rejects           bool // what cannot be read, rather than let it pass
	unreadable        *prometheus.CounterVec
}

type direction struct {
	name string
	ops  []operation
}

// Load reads the settings.
func Load(r io.Reader, env environment.Environment) (*Extension, error) {
	root, err := settings.Parse(r)
	if err != nil {
		return nil, err
	}
	members := root.Object("request", "response", "unreadable")
	e := &Extension{
		request:  direction{"request", parseOperations(members["request"])},
		response: direction{"response", parseOperations(members["response"])},
		unreadable: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "body_transform_unreadable_total",
			Help: "Bodies that could not be read, by direction, reason and outcome: passed unedited, or refused.",
		}, []string{"direction", "reason", "outcome"}),
	}
	switch unreadable := members["unreadable"]; unreadable.Text() {
	case "pass":
	case "reject":
		e.rejects = true
	default:
		unreadable.Wrong("use pass or reject")
	}
	if err := root.Err(); err != nil {
		return nil, err
	}
	return e, env.Metrics.Register(e.unreadable)
}

// OnRequestHeaders asks the upstream for responses that can be read, and refuses
// a request that cannot.
func (e *Extension) OnRequestHeaders(_ context.Context, x *exchange.Exchange) error {
	if len(e.response.ops) > 0 {
		// A server may ignore a range, and must not compress what is to be sent as it
		// is: RFC 9110, sections 14.2 and 12.5.3. a-im asks for differences: RFC 3229.
		x.Request.Set("accept-encoding", "identity")
		for _, name := range []string{"range", "if-range", "a-im"} {
			x.Request.Remove(name)
		}
	}
	return e.onHeaders(e.request, x.Request, x.HasRequestBody)
}

// WantsRequestBody is true for JSON requests if there is something to do.
func (e *Extension) WantsRequestBody(_ context.Context, x *exchange.Exchange) bool {
	return wants(e.request, x.Request)
}

// RequestBody looks how other bodies begin.
func (e *Extension) RequestBody(x *exchange.Exchange) exchange.BodyTransform {
	return e.sniff(e.request, x.Request)
}

// OnRequestBody applies the request operations in their order.
func (e *Extension) OnRequestBody(_ context.Context, _ *exchange.Exchange, body []byte) ([]byte, bool, error) {
	return e.onBody(e.request, body)
}

// OnResponseHeaders refuses a response that cannot be read.
func (e *Extension) OnResponseHeaders(_ context.Context, x *exchange.Exchange) error {
	if wants(e.response, x.Response) && !x.HasResponseBody && describesOther(x) {
		// The length is that of the body before it is edited.
		x.Response.Remove("content-length")
	}
	return e.onHeaders(e.response, x.Response, x.HasResponseBody)
}

// WantsResponseBody is true for JSON responses if there is something to do.
func (e *Extension) WantsResponseBody(_ context.Context, x *exchange.Exchange) bool {
	return wants(e.response, x.Response)
}

// ResponseBody looks how other bodies begin.
func (e *Extension) ResponseBody(x *exchange.Exchange) exchange.BodyTransform {
	return e.sniff(e.response, x.Response)
}

// OnResponseBody applies the response operations in their order.
func (e *Extension) OnResponseBody(_ context.Context, _ *exchange.Exchange, body []byte) ([]byte, bool, error) {
	return e.onBody(e.response, body)
}

// describesOther tells whether a response without a body has the headers of one
// that is sent for GET.
func describesOther(x *exchange.Exchange) bool {
	return x.Request.Get(":method") == "HEAD" || hasNoContent(x.Response.Get(":status"))
}

func (e *Extension) onHeaders(d direction, h *exchange.Headers, hasBody bool) error {
	if len(d.ops) == 0 || !hasBody {
		return nil
	}
	if _, why := examine(h); why != readable {
		return e.unread(d, why)
	}
	return nil
}

func wants(d direction, h *exchange.Headers) bool {
	kind, why := examine(h)
	return len(d.ops) > 0 && kind == contentJSON && why == readable
}

func (e *Extension) sniff(d direction, h *exchange.Headers) exchange.BodyTransform {
	if kind, why := examine(h); !e.rejects || len(d.ops) == 0 || kind != contentOther || why != readable {
		return nil
	}
	return &sniffer{
		arrays: beginsWithIndex(d.ops),
		framed: isGRPC(h),
		refuse: func() error { return e.unread(d, labelledOther) },
	}
}

func (e *Extension) onBody(d direction, body []byte) ([]byte, bool, error) {
	if len(bytes.Trim(body, " \t\r\n")) == 0 {
		return body, false, nil
	}
	// RFC 8259, section 8.1: parsers may ignore a byte order mark.
	text := bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if !isDocument(text) {
		return body, false, e.unread(d, notJSON)
	}
	edited, changed := edit(text, d.ops)
	if !changed {
		return body, false, nil
	}
	return edited, true, nil
}

// unread counts a body that cannot be read, and is the rejection if it must not
// pass.
func (e *Extension) unread(d direction, why reason) error {
	if !e.rejects {
		e.unreadable.WithLabelValues(d.name, string(why), "passed").Inc()
		return nil
	}
	e.unreadable.WithLabelValues(d.name, string(why), "refused").Inc()
	return rejection(d.name, why)
}
