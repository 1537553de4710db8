// Package processor speaks Envoy's ext_proc protocol: it receives the messages
// of a stream, asks the extension's logic, and answers each message with a
// reply of its own kind.
//
// Envoy is strict. A reply of another kind, or none of a kind, fails the
// request (and with failOpen skips the extension silently). The normal end of a
// stream lets the request through. So whatever cannot be decided ends the
// stream with a gRPC error.
package processor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"runtime/debug"
	"time"

	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ext-proc-server/internal/exchange"
	"ext-proc-server/internal/telemetry"
)

// Extension is the logic. One value serves all exchanges at once, so its
// methods must not change it. Headers are changed in place; an
// *exchange.Rejection answers the client, any other error fails the request.
// The context ends with Envoy's stream.
//
// An Extension can also be a RequestStreamer, a ResponseStreamer, an
// UpgradeRefuser, an Ender and an io.Closer, which is closed when all exchanges have ended.
type Extension interface {
	OnRequestHeaders(ctx context.Context, x *exchange.Exchange) error
	// WantsRequestBody tells whether OnRequestBody needs the whole body. It is
	// asked after OnRequestHeaders and only when a body follows.
	WantsRequestBody(ctx context.Context, x *exchange.Exchange) bool
	// OnRequestBody returns the new body and whether it differs. Headers can
	// still be changed here.
	OnRequestBody(ctx context.Context, x *exchange.Exchange, body []byte) (newBody []byte, changed bool, err error)

	OnResponseHeaders(ctx context.Context, x *exchange.Exchange) error
	WantsResponseBody(ctx context.Context, x *exchange.Exchange) bool
	OnResponseBody(ctx context.Context, x *exchange.Exchange, body []byte) (newBody []byte, changed bool, err error)
}

// RequestStreamer is an Extension that changes request bodies while they pass.
type RequestStreamer interface {
	// RequestBody is asked after OnRequestHeaders when a body follows and
	// WantsRequestBody is false. With nil the body passes.
	RequestBody(x *exchange.Exchange) exchange.BodyTransform
}

// ResponseStreamer is the same for response bodies.
type ResponseStreamer interface {
	ResponseBody(x *exchange.Exchange) exchange.BodyTransform
}

// UpgradeRefuser is an Extension that must not let anything pass unseen.
type UpgradeRefuser interface {
	// RefusesUpgrade is asked after OnRequestHeaders when the client wants to go
	// on with another protocol, such as a WebSocket: what it then sends would
	// pass. With true the client gets 403.
	RefusesUpgrade(x *exchange.Exchange) bool
}

// Ender is an Extension that is told of the end.
type Ender interface {
	// OnEnd is called exactly once per exchange, whatever ended it.
	OnEnd(x *exchange.Exchange, end exchange.End)
}

// Processor is the gRPC service that Envoy calls.
type Processor struct {
	extprocv3.UnimplementedExternalProcessorServer
	extension    Extension
	optional     optional
	maxBodyBytes int
	budget       *budget
	log          *slog.Logger
	metrics      *telemetry.Metrics
}

// optional is what an extension can do beside Extension; nil if it does not.
type optional struct {
	request  RequestStreamer
	response ResponseStreamer
	upgrade  UpgradeRefuser
	end      Ender
}

// New returns a processor that holds no more of bodies than the limits say.
func New(e Extension, l Limits, log *slog.Logger, m *telemetry.Metrics) *Processor {
	p := &Processor{
		extension: e, maxBodyBytes: l.MaxBodyBytes, budget: &budget{limit: int64(l.MaxCollectedBytes)},
		log: log, metrics: m,
	}
	m.Collected(p.budget.used.Load)
	p.optional.request, _ = e.(RequestStreamer)
	p.optional.response, _ = e.(ResponseStreamer)
	p.optional.upgrade, _ = e.(UpgradeRefuser)
	p.optional.end, _ = e.(Ender)
	return p
}

// Process serves one HTTP exchange.
func (p *Processor) Process(grpcStream extprocv3.ExternalProcessor_ProcessServer) (err error) {
	s := newStream(p.extension, p.optional, p.maxBodyBytes, p.budget)
	p.metrics.StreamStarted()
	defer func() {
		v := recover()
		s.account.keep(0)
		if v != nil {
			p.panicked(s.phase, v)
			err = status.Error(codes.Internal, "panic in the extension")
		}
		took := time.Since(s.exchange.Start)
		// A cancelled stream is a client that went away, or Envoy being done.
		failed := v != nil || status.Code(err) != codes.OK && grpcStream.Context().Err() == nil
		p.tell(s, failed, took)
		p.ended(grpcStream.Context(), s, err, failed, took)
	}()

	for {
		request, err := grpcStream.Recv()
		if errors.Is(err, io.EOF) {
			return s.close()
		}
		if err != nil {
			return err
		}
		if err := p.reply(grpcStream, s, request); err != nil {
			return err
		}
	}
}

func (p *Processor) reply(grpcStream extprocv3.ExternalProcessor_ProcessServer, s *stream, request *extprocv3.ProcessingRequest) error {
	start := time.Now()
	// Deferred, so that a panic is counted as well.
	defer func() { p.metrics.Message(s.phase, s.outcome, time.Since(start)) }()

	defer s.settle()
	replies, err := s.handle(grpcStream.Context(), request)
	if err != nil {
		return asStatus(s.phase, err)
	}
	if request.GetObservabilityMode() {
		// shadowMode: Envoy has gone on already and reads no reply.
		return nil
	}
	for _, r := range replies {
		if err := grpcStream.Send(r); err != nil {
			return err
		}
	}
	return nil
}

// tell calls OnEnd. A panic in it fails no exchange: this one is over.
func (p *Processor) tell(s *stream, failed bool, took time.Duration) {
	if p.optional.end == nil {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			p.panicked("end", v)
		}
	}()
	p.optional.end.OnEnd(s.exchange, exchange.End{
		Rejected: s.rejected, Err: failed,
		RequestBytes: s.request.bytes, ResponseBytes: s.response.bytes,
		Duration: took,
	})
}

func (p *Processor) panicked(phase string, v any) {
	p.metrics.Panicked()
	p.log.Error("panic in the extension", "phase", phase, "panic", panicText(v), "stack", string(debug.Stack()))
}

// ended writes the stream's one log line. It names no header value and no body.
func (p *Processor) ended(ctx context.Context, s *stream, err error, failed bool, took time.Duration) {
	code := status.Code(err)
	p.metrics.StreamEnded(code.String())
	level := slog.LevelDebug
	if failed {
		level = slog.LevelWarn
	}
	rejectedWith := 0
	if s.rejected != nil {
		rejectedWith = s.rejected.Status
	}
	attrs := []slog.Attr{
		slog.String("code", code.String()),
		slog.String("last_phase", s.phase),
		slog.Int("messages", s.messages),
		slog.String("request_body_mode", s.request.mode.String()),
		slog.String("response_body_mode", s.response.mode.String()),
		slog.Int("rejected_with", rejectedWith),
		slog.Duration("duration", took),
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	p.log.LogAttrs(ctx, level, "stream ended", attrs...)
}

func asStatus(phase string, err error) error {
	if _, ok := status.FromError(err); ok {
		return err
	}
	return status.Error(codes.Internal, fmt.Sprintf("%s: %v", phase, err))
}

// panicText leaves out values that were passed to panic(): they can be part of
// a request.
func panicText(v any) string {
	if err, ok := v.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("value of type %T", v)
}
