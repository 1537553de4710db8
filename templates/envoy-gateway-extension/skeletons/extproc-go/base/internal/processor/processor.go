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
type Extension interface {
	OnRequestHeaders(x *exchange.Exchange) error
	// WantsRequestBody tells whether OnRequestBody needs the whole body. It is
	// asked after OnRequestHeaders and only when a body follows.
	WantsRequestBody(x *exchange.Exchange) bool
	// OnRequestBody returns the new body and whether it differs. Headers can
	// still be changed here.
	OnRequestBody(x *exchange.Exchange, body []byte) (newBody []byte, changed bool, err error)

	OnResponseHeaders(x *exchange.Exchange) error
	WantsResponseBody(x *exchange.Exchange) bool
	OnResponseBody(x *exchange.Exchange, body []byte) (newBody []byte, changed bool, err error)
}

// Processor is the gRPC service that Envoy calls.
type Processor struct {
	extprocv3.UnimplementedExternalProcessorServer
	extension    Extension
	maxBodyBytes int
	log          *slog.Logger
	metrics      *telemetry.Metrics
}

// New returns a processor that never holds more than maxBodyBytes of a body.
func New(e Extension, maxBodyBytes int, log *slog.Logger, m *telemetry.Metrics) *Processor {
	return &Processor{extension: e, maxBodyBytes: maxBodyBytes, log: log, metrics: m}
}

// Process serves one HTTP exchange.
func (p *Processor) Process(grpcStream extprocv3.ExternalProcessor_ProcessServer) (err error) {
	start := time.Now()
	s := newStream(p.extension, p.maxBodyBytes)
	p.metrics.StreamStarted()
	defer func() {
		if v := recover(); v != nil {
			p.metrics.Panicked()
			p.log.Error("panic in the extension", "phase", s.phase, "panic", panicText(v), "stack", string(debug.Stack()))
			err = status.Error(codes.Internal, "panic in the extension")
		}
		p.ended(grpcStream.Context(), s, err, time.Since(start))
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

	replies, err := s.handle(request)
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

// ended writes the stream's one log line. It names no header value and no body.
func (p *Processor) ended(ctx context.Context, s *stream, err error, took time.Duration) {
	code := status.Code(err)
	p.metrics.StreamEnded(code.String())
	level := slog.LevelDebug
	// A cancelled stream is a client that went away, or Envoy being done.
	if code != codes.OK && ctx.Err() == nil {
		level = slog.LevelWarn
	}
	attrs := []slog.Attr{
		slog.String("code", code.String()),
		slog.String("last_phase", s.phase),
		slog.Int("messages", s.messages),
		slog.String("request_body_mode", s.request.mode.String()),
		slog.String("response_body_mode", s.response.mode.String()),
		slog.Int("rejected_with", s.rejectedWith),
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
