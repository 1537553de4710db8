// Package extension is this extension's logic: it edits JSON bodies as the
// settings say. docs/purpose.md describes them.
//
// extension.go decides which bodies are edited, operation.go reads the settings
// and holds the edits, document.go walks through JSON text.
package extension

import (
	"context"
	"io"
	"strings"

	"ext-proc-server/internal/environment"
	"ext-proc-server/internal/exchange"
	"ext-proc-server/internal/settings"
)

// Extension is immutable: one value serves all exchanges at once.
type Extension struct {
	request, response []operation
}

// Load reads the settings.
func Load(r io.Reader, _ environment.Environment) (*Extension, error) {
	root, err := settings.Parse(r)
	if err != nil {
		return nil, err
	}
	members := root.Object("request", "response")
	e := &Extension{
		request:  parseOperations(members["request"]),
		response: parseOperations(members["response"]),
	}
	return e, root.Err()
}

// OnRequestHeaders leaves the headers as they are.
func (e *Extension) OnRequestHeaders(context.Context, *exchange.Exchange) error { return nil }

// WantsRequestBody is true for JSON requests if there is something to do.
func (e *Extension) WantsRequestBody(_ context.Context, x *exchange.Exchange) bool {
	return len(e.request) > 0 && isPlainJSON(x.Request)
}

// OnRequestBody applies the request operations in their order.
func (e *Extension) OnRequestBody(_ context.Context, _ *exchange.Exchange, body []byte) ([]byte, bool, error) {
	newBody, changed := edit(body, e.request)
	return newBody, changed, nil
}

// OnResponseHeaders leaves the headers as they are.
func (e *Extension) OnResponseHeaders(context.Context, *exchange.Exchange) error { return nil }

// WantsResponseBody is true for JSON responses if there is something to do.
func (e *Extension) WantsResponseBody(_ context.Context, x *exchange.Exchange) bool {
	return len(e.response) > 0 && isPlainJSON(x.Response)
}

// OnResponseBody applies the response operations in their order.
func (e *Extension) OnResponseBody(_ context.Context, _ *exchange.Exchange, body []byte) ([]byte, bool, error) {
	newBody, changed := edit(body, e.response)
	return newBody, changed, nil
}

// isPlainJSON tells whether the headers announce JSON text that is not
// compressed.
func isPlainJSON(h *exchange.Headers) bool {
	for _, coding := range h.Values("content-encoding") {
		if !strings.EqualFold(strings.TrimSpace(coding), "identity") {
			return false
		}
	}
	mediaType, _, _ := strings.Cut(h.Get("content-type"), ";")
	mediaType = strings.ToLower(strings.TrimSpace(mediaType))
	return mediaType == "application/json" ||
		strings.HasPrefix(mediaType, "application/") && strings.HasSuffix(mediaType, "+json")
}

// edit returns the body as it is if it is not JSON or if no operation found its
// place.
func edit(body []byte, ops []operation) ([]byte, bool) {
	if !isDocument(body) {
		return body, false
	}
	text, changed := body, false
	for _, op := range ops {
		if next, found := rewrite(make([]byte, 0, len(text)+len(op.add)), &scanner{text: text}, op.path, op); found {
			text, changed = next, true
		}
	}
	if !changed {
		return body, false
	}
	return appendCompact(make([]byte, 0, len(text)), text), true
}
