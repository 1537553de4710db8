// Package extension is this extension's logic: it changes headers as the
// settings say. docs/purpose.md describes them.
//
// extension.go holds the operations, source.go where their values come from,
// derive.go what becomes of them.
package extension

import (
	"context"
	"io"

	"ext-proc-server/internal/environment"
	"ext-proc-server/internal/exchange"
	"ext-proc-server/internal/settings"
)

// operation is one change of a message's headers. request holds the headers of
// the request, which may be the message.
type operation func(message, request *exchange.Headers)

// Extension is immutable: one value serves all exchanges at once.
type Extension struct {
	request, response []operation
	reroute           bool
}

// Load reads the settings.
func Load(r io.Reader, _ environment.Environment) (*Extension, error) {
	root, err := settings.Parse(r)
	if err != nil {
		return nil, err
	}
	members := root.Object("request", "response", "reroute")
	e := &Extension{
		request:  operations(members["request"]),
		response: operations(members["response"]),
		reroute:  members["reroute"].Bool(),
	}
	return e, root.Err()
}

func operations(list settings.Value) []operation {
	var ops []operation
	for _, v := range list.Array() {
		ops = append(ops, parse(v))
	}
	return ops
}

func parse(v settings.Value) operation {
	action := v.Member("action")
	switch action.Text() {
	case "set":
		m := v.Object("action", "name", "value")
		name, value := m["name"].HeaderName(), m["value"].HeaderValue()
		return func(h, _ *exchange.Headers) { h.Set(name, value) }
	case "append":
		m := v.Object("action", "name", "value")
		name, value := m["name"].HeaderName(), m["value"].HeaderValue()
		return func(h, _ *exchange.Headers) { h.Append(name, value) }
	case "set-from", "append-from":
		m := v.Object(append([]string{"action", "name"}, derivationKeys...)...)
		name, d := m["name"].HeaderName(), parseDerivation(m)
		if action.Text() == "set-from" {
			return func(h, request *exchange.Headers) {
				value := d.value(h, request)
				h.Remove(name) // of a client, too: the value is the source's or none
				if value != "" {
					h.Append(name, value)
				}
			}
		}
		return func(h, request *exchange.Headers) {
			if value := d.value(h, request); value != "" {
				h.Append(name, value)
			}
		}
	case "remove":
		name := v.Object("action", "name")["name"].HeaderName()
		return func(h, _ *exchange.Headers) { h.Remove(name) }
	case "rename":
		m := v.Object("action", "name", "to")
		name, to := m["name"].HeaderName(), m["to"].HeaderName()
		return func(h, _ *exchange.Headers) { h.Rename(name, to) }
	default:
		action.Wrong("use set, append, set-from, append-from, remove or rename")
		return nil
	}
}

func apply(ops []operation, message, request *exchange.Headers) {
	for _, op := range ops {
		op(message, request)
	}
}

// OnRequestHeaders applies the request operations in their order.
func (e *Extension) OnRequestHeaders(_ context.Context, x *exchange.Exchange) error {
	apply(e.request, x.Request, x.Request)
	x.ClearRouteCache = e.reroute
	return nil
}

// OnResponseHeaders applies the response operations in their order.
func (e *Extension) OnResponseHeaders(_ context.Context, x *exchange.Exchange) error {
	apply(e.response, x.Response, x.Request)
	return nil
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
