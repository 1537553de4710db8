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
	rejectEncoded     bool // rather than let pass what cannot be read
}

// Load reads the settings.
func Load(r io.Reader, _ environment.Environment) (*Extension, error) {
	root, err := settings.Parse(r)
	if err != nil {
		return nil, err
	}
	members := root.Object("request", "response", "encoded")
	e := &Extension{
		request:  parseOperations(members["request"]),
		response: parseOperations(members["response"]),
	}
	switch encoded := members["encoded"]; encoded.Text() {
	case "pass":
	case "reject":
		e.rejectEncoded = true
	default:
		encoded.Wrong("use pass or reject")
	}
	return e, root.Err()
}

// OnRequestHeaders leaves the headers as they are.
func (e *Extension) OnRequestHeaders(_ context.Context, x *exchange.Exchange) error {
	if e.rejectEncoded && len(e.request) > 0 && isJSON(x.Request) && isEncoded(x.Request) {
		return &exchange.Rejection{
			Status:  415,
			Headers: exchange.NewHeaders("accept-encoding", "identity"), // RFC 9110, section 12.5.3
			Body:    "Send JSON without a content encoding.\n",
			Reason:  "ext_proc_request_body_encoded",
		}
	}
	return nil
}

// WantsRequestBody is true for JSON requests if there is something to do.
func (e *Extension) WantsRequestBody(_ context.Context, x *exchange.Exchange) bool {
	return len(e.request) > 0 && isJSON(x.Request) && !isEncoded(x.Request)
}

// OnRequestBody applies the request operations in their order.
func (e *Extension) OnRequestBody(_ context.Context, _ *exchange.Exchange, body []byte) ([]byte, bool, error) {
	newBody, changed := edit(body, e.request)
	return newBody, changed, nil
}

// OnResponseHeaders leaves the headers as they are.
func (e *Extension) OnResponseHeaders(context.Context, *exchange.Exchange) error { return nil }

// WantsResponseBody is true for JSON responses if there is something to do. It is
// not asked about responses without a body, to HEAD for example: an encoded one
// is therefore refused when its body is here.
func (e *Extension) WantsResponseBody(_ context.Context, x *exchange.Exchange) bool {
	return len(e.response) > 0 && isJSON(x.Response) && (e.rejectEncoded || !isEncoded(x.Response))
}

// OnResponseBody applies the response operations in their order.
func (e *Extension) OnResponseBody(_ context.Context, x *exchange.Exchange, body []byte) ([]byte, bool, error) {
	if isEncoded(x.Response) {
		return nil, false, &exchange.Rejection{
			Status: 502,
			Body:   "The response has a content encoding.\n",
			Reason: "ext_proc_response_body_encoded",
		}
	}
	newBody, changed := edit(body, e.response)
	return newBody, changed, nil
}

// isEncoded tells whether the body is compressed, for example.
func isEncoded(h *exchange.Headers) bool {
	for _, coding := range h.Values("content-encoding") {
		if !strings.EqualFold(strings.TrimSpace(coding), "identity") {
			return true
		}
	}
	return false
}

// isJSON tells whether the headers announce JSON text.
func isJSON(h *exchange.Headers) bool {
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
