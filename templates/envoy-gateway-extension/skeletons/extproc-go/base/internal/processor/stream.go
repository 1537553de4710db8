package processor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"

	filterv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ext-proc-server/internal/exchange"
)

// Outcomes of a message.
const (
	outcomeUnchanged = "unchanged"
	outcomeChanged   = "changed"
	outcomeHeld      = "held" // the reply waits for more of the body
	outcomeRejected  = "rejected"
	outcomeError     = "error"
)

// stream is the state of one HTTP exchange. It does no I/O.
type stream struct {
	exchange          *exchange.Exchange
	request, response *direction
	maxBodyBytes      int
	account           account

	refusesUpgrade func(*exchange.Exchange) bool

	configured bool
	rejected   *exchange.Rejection // nil unless the client has been answered

	// For logs and metrics.
	phase    string // of the last message
	outcome  string // of the last message
	messages int
}

// direction is one half of the exchange: both halves follow the same rules.
type direction struct {
	phases
	mode filterv3.ProcessingMode_BodySendMode

	headers *exchange.Headers // as the logic sees and changes them

	onHeaders  func(context.Context, *exchange.Exchange) error
	wantsBody  func(context.Context, *exchange.Exchange) bool
	onBody     func(context.Context, *exchange.Exchange, []byte) ([]byte, bool, error)
	streamBody func(*exchange.Exchange) exchange.BodyTransform // nil: the logic does not stream

	collecting  bool                   // the logic needs the whole body, which has yet to come
	holdHeaders bool                   // the reply to the headers waits for the body
	body        collected              // so far
	transform   exchange.BodyTransform // gets each piece of the body; nil: pieces pass
	bytes       int64                  // of the body, seen so far
}

func newStream(e Extension, o optional, maxBodyBytes int, b *budget) *stream {
	x := exchange.New()
	s := &stream{
		exchange: x,
		request: &direction{
			phases: requestPhases, headers: x.Request,
			onHeaders: e.OnRequestHeaders, wantsBody: e.WantsRequestBody, onBody: e.OnRequestBody,
		},
		response: &direction{
			phases: responsePhases, headers: x.Response,
			onHeaders: e.OnResponseHeaders, wantsBody: e.WantsResponseBody, onBody: e.OnResponseBody,
		},
		maxBodyBytes: maxBodyBytes,
		account:      account{budget: b},
		phase:        "none",
		outcome:      outcomeError,
	}
	s.refusesUpgrade = func(*exchange.Exchange) bool { return false }
	if o.upgrade != nil {
		s.refusesUpgrade = o.upgrade.RefusesUpgrade
	}
	if o.request != nil {
		s.request.streamBody = o.request.RequestBody
	}
	if o.response != nil {
		s.response.streamBody = o.response.ResponseBody
	}
	return s
}

// handle returns the replies to one message. None at all means that the logic
// holds something back until more of the body is here.
func (s *stream) handle(ctx context.Context, message *extprocv3.ProcessingRequest) ([]*extprocv3.ProcessingResponse, error) {
	s.messages++
	s.outcome = outcomeError
	if !s.configured {
		s.configure(message.GetProtocolConfig())
	}
	s.request.bytes += int64(len(message.GetRequestBody().GetBody()))
	s.response.bytes += int64(len(message.GetResponseBody().GetBody()))
	if s.rejected != nil {
		// Sent by Envoy before it read the rejection.
		s.outcome = outcomeRejected
		return nil, nil
	}

	takeInputs(s.exchange, message)

	var replies []*extprocv3.ProcessingResponse
	var err error
	switch m := message.GetRequest().(type) {
	case *extprocv3.ProcessingRequest_RequestHeaders:
		s.phase = s.request.headersPhase
		replies, err = s.onHeaders(ctx, s.request, m.RequestHeaders)
	case *extprocv3.ProcessingRequest_RequestBody:
		s.phase = s.request.bodyPhase
		replies, err = s.onBody(ctx, s.request, m.RequestBody)
	case *extprocv3.ProcessingRequest_RequestTrailers:
		s.phase = s.request.trailersPhase
		replies, err = s.onTrailers(ctx, s.request)
	case *extprocv3.ProcessingRequest_ResponseHeaders:
		s.phase = s.response.headersPhase
		replies, err = s.onHeaders(ctx, s.response, m.ResponseHeaders)
	case *extprocv3.ProcessingRequest_ResponseBody:
		s.phase = s.response.bodyPhase
		replies, err = s.onBody(ctx, s.response, m.ResponseBody)
	case *extprocv3.ProcessingRequest_ResponseTrailers:
		s.phase = s.response.trailersPhase
		replies, err = s.onTrailers(ctx, s.response)
	default:
		s.phase = "unknown"
		return nil, status.Errorf(codes.Unimplemented, "unknown message %T", m)
	}

	var rejection *exchange.Rejection
	if errors.As(err, &rejection) {
		if rejection.Status < 200 || rejection.Status > 599 {
			return nil, fmt.Errorf("a rejection cannot have status %d; use 200 to 599", rejection.Status)
		}
		s.rejected, s.outcome = rejection, outcomeRejected
		s.request.body, s.response.body = collected{}, collected{}
		return []*extprocv3.ProcessingResponse{immediateReply(rejection)}, nil
	}
	if err != nil {
		return nil, err
	}
	switch {
	case len(replies) == 0:
		s.outcome = outcomeHeld
	case s.outcome != outcomeChanged:
		s.outcome = outcomeUnchanged
	}
	return replies, nil
}

// configure takes the body modes from the stream's first message.
func (s *stream) configure(c *extprocv3.ProtocolConfiguration) {
	s.configured = true
	if c == nil {
		// Envoy 1.36 to 1.40 always tell. Of an older one the most likely mode
		// is assumed.
		s.request.mode, s.response.mode = filterv3.ProcessingMode_BUFFERED, filterv3.ProcessingMode_BUFFERED
		return
	}
	s.request.mode, s.response.mode = c.GetRequestBodyMode(), c.GetResponseBodyMode()
}

func (s *stream) onHeaders(ctx context.Context, d *direction, m *extprocv3.HttpHeaders) ([]*extprocv3.ProcessingResponse, error) {
	for _, h := range m.GetHeaders().GetHeaders() {
		d.headers.Receive(h.GetKey(), valueOf(h))
	}
	if d == s.request {
		s.exchange.Upgrade = upgradeOf(d.headers)
		s.exchange.HasRequestBody = !m.GetEndOfStream() && !s.isUpgraded(d)
	} else {
		s.exchange.HasResponseBody = !m.GetEndOfStream() && !s.isUpgraded(d)
	}
	hadLength := d.headers.Has("content-length")
	if err := d.onHeaders(ctx, s.exchange); err != nil {
		return nil, err
	}
	if d == s.request && s.exchange.Upgrade != "" && s.refusesUpgrade(s.exchange) {
		return nil, exchange.UpgradeRefused()
	}
	if d.mode != filterv3.ProcessingMode_NONE && !m.GetEndOfStream() {
		if err := s.expectBody(ctx, d); err != nil || d.holdHeaders {
			return nil, err
		}
	}
	dropsLength := m.GetEndOfStream() && hadLength && !d.headers.Has("content-length")
	common := s.takeChanges(d)
	if dropsLength {
		s.outcome = outcomeChanged
		common = withoutLength(common)
	}
	reply := d.headersReply(common)
	if d.isBuffered() && !d.collecting && !m.GetEndOfStream() {
		d.mode = filterv3.ProcessingMode_NONE
		reply.ModeOverride = s.bodyModes()
	}
	return []*extprocv3.ProcessingResponse{reply}, nil
}

// bodyModes tells Envoy to let a body pass that nobody looks at, instead of
// holding it to its end: one without an end, such as a WebSocket or events,
// would never arrive. Header and trailer modes that are not named stay. A policy
// without allowModeOverride makes Envoy ignore it.
func (s *stream) bodyModes() *filterv3.ProcessingMode {
	return &filterv3.ProcessingMode{RequestBodyMode: s.request.mode, ResponseBodyMode: s.response.mode}
}

func (d *direction) isBuffered() bool {
	return d.mode == filterv3.ProcessingMode_BUFFERED || d.mode == filterv3.ProcessingMode_BUFFERED_PARTIAL
}

// expectBody asks the logic what it needs of the body that follows.
func (s *stream) expectBody(ctx context.Context, d *direction) error {
	if s.isUpgraded(d) {
		return nil
	}
	d.collecting = d.wantsBody(ctx, s.exchange)
	var transform exchange.BodyTransform
	if !d.collecting && d.streamBody != nil {
		transform = d.streamBody(s.exchange)
	}
	if !d.collecting && transform == nil {
		return nil
	}
	switch d.mode {
	case filterv3.ProcessingMode_BUFFERED, filterv3.ProcessingMode_BUFFERED_PARTIAL:
		if transform != nil {
			d.collecting, d.onBody = true, inOnePiece(transform)
		}
	case filterv3.ProcessingMode_FULL_DUPLEX_STREAMED:
		// Envoy sends the body without waiting. As long as the headers are
		// held, the exchange can still be refused.
		d.holdHeaders, d.transform = d.collecting, transform
	default:
		return status.Errorf(codes.FailedPrecondition,
			"the extension needs the %s body, which body mode %s does not deliver reliably to its end; use Buffered or FullDuplexStreamed in the EnvoyExtensionPolicy", d.name, d.mode)
	}
	return nil
}

// inOnePiece gives a transform the whole body.
func inOnePiece(t exchange.BodyTransform) func(context.Context, *exchange.Exchange, []byte) ([]byte, bool, error) {
	return func(_ context.Context, _ *exchange.Exchange, body []byte) ([]byte, bool, error) {
		out, err := t.Chunk(bytes.Clone(body), true) // it may change its chunk in place
		return out, !bytes.Equal(out, body), err
	}
}

func (s *stream) onBody(ctx context.Context, d *direction, m *extprocv3.HttpBody) ([]*extprocv3.ProcessingResponse, error) {
	duplex := d.mode == filterv3.ProcessingMode_FULL_DUPLEX_STREAMED
	if d.transform != nil {
		return s.onPiece(d, m.GetBody(), m.GetEndOfStream(), m.GetEndOfStream())
	}
	if !d.collecting {
		if duplex {
			// In this mode Envoy keeps nothing: what is not sent back is lost.
			return d.streamedReplies(m.GetBody(), m.GetEndOfStream()), nil
		}
		return []*extprocv3.ProcessingResponse{d.bodyReply(nil)}, nil
	}
	if d.body.size+len(m.GetBody()) > s.maxBodyBytes {
		return nil, d.tooLarge()
	}
	if duplex {
		if !d.body.add(m.GetBody(), s.account.take) {
			return nil, noRoom()
		}
		if !m.GetEndOfStream() {
			return nil, nil
		}
		return s.finishDuplex(ctx, d, true)
	}
	if d.mode == filterv3.ProcessingMode_BUFFERED_PARTIAL && !m.GetEndOfStream() {
		// Only the beginning of the body.
		return nil, d.tooLarge()
	}
	if !s.account.take(len(m.GetBody())) {
		return nil, noRoom()
	}

	d.collecting = false
	body, changed, err := d.onBody(ctx, s.exchange, m.GetBody())
	if err != nil {
		return nil, err
	}
	common := s.takeChanges(d)
	if changed {
		s.outcome = outcomeChanged
		if common == nil {
			common = &extprocv3.CommonResponse{}
		}
		common.BodyMutation = &extprocv3.BodyMutation{Mutation: &extprocv3.BodyMutation_Body{Body: body}}
		if d.headers.Has("content-length") {
			// Envoy compares the two and fails the request if they differ.
			common.HeaderMutation = withSet(common.HeaderMutation, "content-length", strconv.Itoa(len(body)))
		}
	}
	return []*extprocv3.ProcessingResponse{d.bodyReply(common)}, nil
}

// onPiece sends on what the transform makes of a piece. Envoy wants no reply to
// each message in this mode, so nothing at all is fine before the end. It drops
// content-length itself.
func (s *stream) onPiece(d *direction, piece []byte, end, endOfStream bool) ([]*extprocv3.ProcessingResponse, error) {
	out, err := d.transform.Chunk(bytes.Clone(piece), end)
	if err != nil {
		return nil, err
	}
	if end {
		d.transform = nil
	}
	if !bytes.Equal(out, piece) {
		s.outcome = outcomeChanged
	}
	if len(out) == 0 && !endOfStream {
		return nil, nil
	}
	return d.streamedReplies(out, endOfStream), nil
}

func (s *stream) onTrailers(ctx context.Context, d *direction) ([]*extprocv3.ProcessingResponse, error) {
	// The body ended with its last chunk; the trailers end the stream.
	var replies []*extprocv3.ProcessingResponse
	var err error
	switch {
	case d.holdHeaders:
		replies, err = s.finishDuplex(ctx, d, false)
	case d.transform != nil:
		replies, err = s.onPiece(d, nil, true, false)
	}
	if err != nil {
		return nil, err
	}
	return append(replies, d.trailersReply()), nil
}

// finishDuplex lets the logic decide on the collected body, then answers the
// headers and sends the body.
func (s *stream) finishDuplex(ctx context.Context, d *direction, endOfStream bool) ([]*extprocv3.ProcessingResponse, error) {
	whole := d.body.bytes()
	d.body = collected{}
	body, changed, err := d.onBody(ctx, s.exchange, whole)
	if err != nil {
		return nil, err
	}
	if changed {
		s.outcome = outcomeChanged
	} else {
		body = whole
	}
	d.collecting, d.holdHeaders = false, false
	replies := []*extprocv3.ProcessingResponse{d.headersReply(s.takeChanges(d))}
	return append(replies, d.streamedReplies(body, endOfStream)...), nil
}

// settle gives back the memory of bodies that are not held any more. It is called
// when the replies to a message have been sent.
func (s *stream) settle() {
	s.account.keep(s.request.body.held + s.response.body.held)
}

// close is called when Envoy has ended the stream.
func (s *stream) close() error {
	if s.rejected == nil && (s.request.holdHeaders || s.response.holdHeaders) {
		return status.Error(codes.Aborted, "the stream ended before the body was complete")
	}
	return nil
}

// tooLarge refuses a body of which the logic has seen only a part. It answers
// the client rather than fail, because with failOpen a failure would let the
// body through.
func (d *direction) tooLarge() error {
	if d.name == requestPhases.name {
		return &exchange.Rejection{Status: 413, Body: "request body too large\n", Reason: "ext_proc_request_body_too_large"}
	}
	return &exchange.Rejection{Status: 500, Body: "response body too large\n", Reason: "ext_proc_response_body_too_large"}
}

// takeChanges returns what changed since Envoy was told last; nil if nothing.
func (s *stream) takeChanges(d *direction) *extprocv3.CommonResponse {
	m := headerMutation(d.headers.TakeChanges())
	if m != nil {
		s.outcome = outcomeChanged
	}
	clearRoute := s.exchange.ClearRouteCache && d == s.request
	s.exchange.ClearRouteCache = false
	if m == nil && !clearRoute {
		return nil
	}
	return &extprocv3.CommonResponse{HeaderMutation: m, ClearRouteCache: clearRoute}
}
