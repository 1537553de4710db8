// Package extension is this extension's logic. As generated it passes everything
// on; if the settings name a header, it marks requests and responses with it.
package extension

import (
	"context"
	"io"

	"ext-proc-server/internal/environment"
	"ext-proc-server/internal/exchange"
	"ext-proc-server/internal/settings"
)

// Extension is immutable: one value serves all exchanges at once.
type Extension struct {
	// The header that shows that the extension runs; without a name there is none.
	headerName, headerValue string
}

// Load reads the settings. They are complete or refused.
//
// TODO(you): read your own settings here. The environment has secrets, metrics,
// a log and a place for events.
func Load(r io.Reader, _ environment.Environment) (*Extension, error) {
	root, err := settings.Parse(r)
	if err != nil {
		return nil, err
	}
	header := root.Object("header")["header"].Object("name", "value")
	e := &Extension{headerValue: header["value"].HeaderValue()}
	if header["name"].Text() != "" {
		e.headerName = header["name"].HeaderName()
	}
	return e, root.Err()
}

func (e *Extension) mark(h *exchange.Headers) {
	if e.headerName != "" {
		h.Set(e.headerName, e.headerValue)
	}
}

// OnRequestHeaders is called for every request.
//
// TODO(you): put the logic for requests here. Change x.Request, or return an
// *exchange.Rejection to answer the client yourself.
func (e *Extension) OnRequestHeaders(_ context.Context, x *exchange.Exchange) error {
	e.mark(x.Request)
	return nil
}

// WantsRequestBody decides whether OnRequestBody is called.
//
// TODO(you): return true for the requests whose body the logic needs. Each of
// them is then held until its body is complete.
func (e *Extension) WantsRequestBody(context.Context, *exchange.Exchange) bool { return false }

// OnRequestBody gets the whole body.
//
// TODO(you): return the new body and true to replace it.
func (e *Extension) OnRequestBody(_ context.Context, _ *exchange.Exchange, body []byte) ([]byte, bool, error) {
	return body, false, nil
}

// OnResponseHeaders is called for every response; x.Request is still there.
//
// TODO(you): put the logic for responses here.
func (e *Extension) OnResponseHeaders(_ context.Context, x *exchange.Exchange) error {
	e.mark(x.Response)
	return nil
}

// WantsResponseBody decides whether OnResponseBody is called.
//
// TODO(you): return true for the responses whose body the logic needs.
func (e *Extension) WantsResponseBody(context.Context, *exchange.Exchange) bool { return false }

// OnResponseBody gets the whole body.
//
// TODO(you): return the new body and true to replace it.
func (e *Extension) OnResponseBody(_ context.Context, _ *exchange.Exchange, body []byte) ([]byte, bool, error) {
	return body, false, nil
}
