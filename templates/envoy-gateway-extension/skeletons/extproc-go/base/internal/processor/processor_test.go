package processor

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	filterv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"ext-proc-server/internal/exchange"
	"ext-proc-server/internal/telemetry"
)

const (
	none     = filterv3.ProcessingMode_NONE
	buffered = filterv3.ProcessingMode_BUFFERED
	partial  = filterv3.ProcessingMode_BUFFERED_PARTIAL
	streamed = filterv3.ProcessingMode_STREAMED
	duplex   = filterv3.ProcessingMode_FULL_DUPLEX_STREAMED
)

const maxBody = 200 << 10

var limits = Limits{MaxBodyBytes: maxBody, MaxCollectedBytes: 4 * maxBody}

// fake does the same in both directions, as the headers ask it to.
type fake struct{}

func (fake) headers(h *exchange.Headers) error {
	switch h.Get("x-do") {
	case "panic":
		var m map[string]int
		m["x"]++
	case "panic-value":
		panic("secret-value")
	case "reject":
		return &exchange.Rejection{Status: 403, Body: "no", Reason: "denied"}
	case "reject-with-headers":
		return &exchange.Rejection{Status: 401, Reason: "denied", Headers: exchange.NewHeaders("www-authenticate", "Bearer", "www-authenticate", "Basic")}
	case "reject-as-problem":
		return &exchange.Rejection{Status: 429, Body: "{}", Headers: exchange.NewHeaders("content-type", "application/problem+json", "retry-after", "1")}
	case "reject-0":
		return &exchange.Rejection{}
	case "fail":
		return errors.New("cannot decide")
	case "drop-length":
		h.Remove("content-length")
	}
	h.Set("x-seen", "headers")
	return nil
}

func (fake) wants(h *exchange.Headers) bool { return h.Has("x-want-body") }

func (fake) body(h *exchange.Headers, body []byte) ([]byte, bool, error) {
	switch h.Get("x-want-body") {
	case "reject":
		return nil, false, &exchange.Rejection{Status: 422, Reason: "bad_body"}
	case "fail":
		return nil, false, errors.New("cannot decide")
	case "panic":
		_ = body[len(body)]
	case "upper":
		h.Set("x-size", "known")
		return bytes.ToUpper(append(body, '!')), true, nil
	case "empty":
		return nil, true, nil
	}
	return body, false, nil
}

func (f fake) OnRequestHeaders(_ context.Context, x *exchange.Exchange) error {
	return f.headers(x.Request)
}
func (f fake) OnResponseHeaders(_ context.Context, x *exchange.Exchange) error {
	return f.headers(x.Response)
}
func (f fake) WantsRequestBody(_ context.Context, x *exchange.Exchange) bool {
	return f.wants(x.Request)
}
func (f fake) WantsResponseBody(_ context.Context, x *exchange.Exchange) bool {
	return f.wants(x.Response)
}
func (f fake) OnRequestBody(_ context.Context, x *exchange.Exchange, b []byte) ([]byte, bool, error) {
	return f.body(x.Request, b)
}
func (f fake) OnResponseBody(_ context.Context, x *exchange.Exchange, b []byte) ([]byte, bool, error) {
	return f.body(x.Response, b)
}

// envoy is the other end of a stream. Its log is what the processor wrote.
type envoy struct {
	t        *testing.T
	stream   extprocv3.ExternalProcessor_ProcessClient
	log      *bytes.Buffer
	finish   func() // after it the log is complete
	cancel   func() // what Envoy does when the client goes away
	request  bool
	protocol *extprocv3.ProtocolConfiguration
}

// bothDirections runs a test for requests and for responses.
func bothDirections(t *testing.T, test func(t *testing.T, request bool)) {
	t.Run("request", func(t *testing.T) { test(t, true) })
	t.Run("response", func(t *testing.T) { test(t, false) })
}

func open(t *testing.T, request bool, mode filterv3.ProcessingMode_BodySendMode) *envoy {
	t.Helper()
	return openWith(t, fake{}, request, mode)
}

func openWith(t *testing.T, e Extension, request bool, mode filterv3.ProcessingMode_BodySendMode) *envoy {
	t.Helper()
	log := &bytes.Buffer{}
	p := New(e, limits, slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})), telemetry.New())
	return openProcessor(t, p, log, request, mode)
}

func openProcessor(t *testing.T, p *Processor, log *bytes.Buffer, request bool, mode filterv3.ProcessingMode_BodySendMode) *envoy {
	t.Helper()
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer()
	extprocv3.RegisterExternalProcessorServer(server, p)
	go server.Serve(listener)
	conn, err := grpc.NewClient("passthrough:bufconn", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) { return listener.Dial() }))
	if err != nil {
		t.Fatal(err)
	}
	finish := func() { conn.Close(); server.GracefulStop() }
	t.Cleanup(finish)
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	stream, err := extprocv3.NewExternalProcessorClient(conn).Process(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return &envoy{t: t, stream: stream, log: log, finish: finish, cancel: cancel, request: request, protocol: &extprocv3.ProtocolConfiguration{RequestBodyMode: mode, ResponseBodyMode: mode}}
}

func (e *envoy) send(m *extprocv3.ProcessingRequest) {
	e.t.Helper()
	m.ProtocolConfig, e.protocol = e.protocol, nil // first message only
	if err := e.stream.Send(m); err != nil {
		e.t.Fatal(err)
	}
}

func (e *envoy) sendHeaders(endOfStream bool, pairs ...string) {
	e.t.Helper()
	headers := &corev3.HeaderMap{}
	for i := 0; i < len(pairs); i += 2 {
		headers.Headers = append(headers.Headers, &corev3.HeaderValue{Key: pairs[i], RawValue: []byte(pairs[i+1])})
	}
	m := &extprocv3.HttpHeaders{Headers: headers, EndOfStream: endOfStream}
	if e.request {
		e.send(&extprocv3.ProcessingRequest{Request: &extprocv3.ProcessingRequest_RequestHeaders{RequestHeaders: m}})
	} else {
		e.send(&extprocv3.ProcessingRequest{Request: &extprocv3.ProcessingRequest_ResponseHeaders{ResponseHeaders: m}})
	}
}

func (e *envoy) sendBody(body string, endOfStream bool) {
	e.t.Helper()
	m := &extprocv3.HttpBody{Body: []byte(body), EndOfStream: endOfStream}
	if e.request {
		e.send(&extprocv3.ProcessingRequest{Request: &extprocv3.ProcessingRequest_RequestBody{RequestBody: m}})
	} else {
		e.send(&extprocv3.ProcessingRequest{Request: &extprocv3.ProcessingRequest_ResponseBody{ResponseBody: m}})
	}
}

func (e *envoy) sendTrailers() {
	e.t.Helper()
	m := &extprocv3.HttpTrailers{}
	if e.request {
		e.send(&extprocv3.ProcessingRequest{Request: &extprocv3.ProcessingRequest_RequestTrailers{RequestTrailers: m}})
	} else {
		e.send(&extprocv3.ProcessingRequest{Request: &extprocv3.ProcessingRequest_ResponseTrailers{ResponseTrailers: m}})
	}
}

func (e *envoy) receive() *extprocv3.ProcessingResponse {
	e.t.Helper()
	reply, err := e.stream.Recv()
	if err != nil {
		e.t.Fatal(err)
	}
	return reply
}

// headers receives a reply to headers and returns its changes as text.
func (e *envoy) headers() string {
	e.t.Helper()
	reply := e.receive()
	m := reply.GetRequestHeaders()
	if !e.request {
		m = reply.GetResponseHeaders()
	}
	if m == nil {
		e.t.Fatalf("not a reply to headers: %v", reply)
	}
	return text(m.GetResponse().GetHeaderMutation())
}

// body receives a reply to a body.
func (e *envoy) body() *extprocv3.CommonResponse {
	e.t.Helper()
	reply := e.receive()
	m := reply.GetRequestBody()
	if !e.request {
		m = reply.GetResponseBody()
	}
	if m == nil {
		e.t.Fatalf("not a reply to a body: %v", reply)
	}
	return m.GetResponse()
}

// streamed receives StreamedBodyResponses of that many bytes in all.
func (e *envoy) streamed(length int) (body string, endOfStream bool) {
	e.t.Helper()
	for {
		m := e.body().GetBodyMutation().GetStreamedResponse()
		if m == nil {
			e.t.Fatal("not a StreamedBodyResponse")
		}
		if len(m.GetBody()) > maxChunkBytes {
			e.t.Errorf("a chunk of %d bytes", len(m.GetBody()))
		}
		body += string(m.GetBody())
		if endOfStream = m.GetEndOfStream(); endOfStream || len(body) >= length {
			return body, endOfStream
		}
	}
}

func (e *envoy) trailers() {
	e.t.Helper()
	reply := e.receive()
	if e.request && reply.GetRequestTrailers() == nil || !e.request && reply.GetResponseTrailers() == nil {
		e.t.Fatalf("not a reply to trailers: %v", reply)
	}
}

// closes ends the stream and expects a normal end.
func (e *envoy) closes() {
	e.t.Helper()
	if err := e.stream.CloseSend(); err != nil {
		e.t.Fatal(err)
	}
	if reply, err := e.stream.Recv(); err != io.EOF {
		e.t.Fatalf("got %v, %v, want the end of the stream", reply, err)
	}
}

// fails expects a gRPC error.
func (e *envoy) fails(code codes.Code, message string) {
	e.t.Helper()
	reply, err := e.stream.Recv()
	if status.Code(err) != code || !strings.Contains(err.Error(), message) {
		e.t.Fatalf("got %v, %v, want %s %q", reply, err, code, message)
	}
}

// text writes a mutation as "-name" and "name=value", "name+=value" for appends.
func text(m *extprocv3.HeaderMutation) string {
	var parts []string
	for _, name := range m.GetRemoveHeaders() {
		parts = append(parts, "-"+name)
	}
	for _, o := range m.GetSetHeaders() {
		operator := "="
		if o.GetAppend().GetValue() { //nolint:staticcheck
			operator = "+="
		}
		parts = append(parts, o.GetHeader().GetKey()+operator+string(o.GetHeader().GetRawValue()))
	}
	return strings.Join(parts, " ")
}

func expect[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

func TestEveryMessageGetsAReplyOfItsKind(t *testing.T) {
	for _, mode := range []filterv3.ProcessingMode_BodySendMode{buffered, partial, streamed} {
		t.Run(mode.String(), func(t *testing.T) {
			bothDirections(t, func(t *testing.T, request bool) {
				e := open(t, request, mode)
				e.sendHeaders(false, "x-a", "1")
				expect(t, "headers", e.headers(), "x-seen=headers")
				e.sendBody("one", false)
				if c := e.body(); c.GetHeaderMutation() != nil || c.GetBodyMutation() != nil {
					t.Errorf("changes a body nobody wants: %v", c)
				}
				e.sendBody("two", true)
				e.body()
				e.sendTrailers()
				e.trailers()
				e.closes()
			})
		})
	}
}

func TestNoBodyMode(t *testing.T) {
	bothDirections(t, func(t *testing.T, request bool) {
		e := open(t, request, none)
		e.sendHeaders(false, "x-want-body", "upper")
		expect(t, "headers", e.headers(), "x-seen=headers")
		e.closes()
	})
}

func TestBothDirectionsInOneStream(t *testing.T) {
	e := open(t, true, buffered)
	e.sendHeaders(false, "x-want-body", "upper")
	e.headers()
	e.sendBody("request", true)
	expect(t, "request", string(e.body().GetBodyMutation().GetBody()), "REQUEST!")
	e.request = false
	e.sendHeaders(false, "x-want-body", "upper")
	e.headers()
	e.sendBody("response", true)
	expect(t, "response", string(e.body().GetBodyMutation().GetBody()), "RESPONSE!")
	e.closes()
}

func TestUnchangedHeadersGetNoMutation(t *testing.T) {
	e := open(t, true, none)
	e.sendHeaders(true, "x-seen", "headers")
	reply := e.receive().GetRequestHeaders()
	if reply == nil || reply.GetResponse() != nil {
		t.Errorf("got %v", reply)
	}
}

// The length of a body that follows is not for the logic to remove.
func TestTheLengthOfAMessageWithoutBodyCanBeRemoved(t *testing.T) {
	bothDirections(t, func(t *testing.T, request bool) {
		for _, endOfStream := range []bool{true, false} {
			for _, pairs := range [][]string{{"x-seen", "headers"}, {"x-seen", "none"}} {
				e := open(t, request, buffered)
				e.sendHeaders(endOfStream, append(pairs, "x-do", "drop-length", "content-length", "3")...)
				reply := e.receive()
				response := reply.GetRequestHeaders().GetResponse()
				if !request {
					response = reply.GetResponseHeaders().GetResponse()
				}
				removed := slices.Contains(response.GetHeaderMutation().GetRemoveHeaders(), "content-length")
				if removed != endOfStream {
					t.Errorf("end of stream: %t, removed: %t", endOfStream, removed)
				}
			}
		}
	})
}

func TestAnExtensionKnowsWhetherABodyFollows(t *testing.T) {
	bothDirections(t, func(t *testing.T, request bool) {
		for _, endOfStream := range []bool{true, false} {
			s := newStream(fake{}, optional{}, maxBody, new(budget))
			headers := &extprocv3.HttpHeaders{EndOfStream: endOfStream}
			message := &extprocv3.ProcessingRequest{Request: &extprocv3.ProcessingRequest_ResponseHeaders{ResponseHeaders: headers}}
			if request {
				message.Request = &extprocv3.ProcessingRequest_RequestHeaders{RequestHeaders: headers}
			}
			if _, err := s.handle(t.Context(), message); err != nil {
				t.Fatal(err)
			}
			hasBody := s.exchange.HasResponseBody
			if request {
				hasBody = s.exchange.HasRequestBody
			}
			if hasBody == endOfStream {
				t.Errorf("end of stream: %t, has a body: %t", endOfStream, hasBody)
			}
		}
	})
}

func TestBufferedBody(t *testing.T) {
	tests := []struct {
		name, want, length string
		body               string
		headers            string
	}{
		{"changed, content-length follows", "upper", "4", "BODY!", "x-size=known content-length=5"},
		{"changed, was chunked", "upper", "", "BODY!", "x-size=known"},
		{"changed to nothing", "empty", "4", "", "content-length=0"},
		{"unchanged", "look", "4", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bothDirections(t, func(t *testing.T, request bool) {
				e := open(t, request, buffered)
				pairs := []string{"x-want-body", tt.want}
				if tt.length != "" {
					pairs = append(pairs, "content-length", tt.length)
				}
				e.sendHeaders(false, pairs...)
				expect(t, "headers", e.headers(), "x-seen=headers")
				e.sendBody("body", true)
				c := e.body()
				expect(t, "body", string(c.GetBodyMutation().GetBody()), tt.body)
				expect(t, "body changed", c.GetBodyMutation() != nil, tt.want != "look")
				expect(t, "headers of the body", text(c.GetHeaderMutation()), tt.headers)
				e.closes()
			})
		})
	}
}

func TestWithoutProtocolConfigBodiesAreBuffered(t *testing.T) {
	e := open(t, true, buffered)
	e.protocol = nil
	e.sendHeaders(false, "x-want-body", "upper")
	e.headers()
	e.sendBody("body", true)
	expect(t, "body", string(e.body().GetBodyMutation().GetBody()), "BODY!")
}

func TestNoBodyIsAwaitedAfterTheEndOfStream(t *testing.T) {
	for _, mode := range []filterv3.ProcessingMode_BodySendMode{buffered, streamed, duplex} {
		e := open(t, true, mode)
		e.sendHeaders(true, "x-want-body", "upper")
		expect(t, "headers", e.headers(), "x-seen=headers")
		e.closes()
	}
}

func TestPartialBody(t *testing.T) {
	bothDirections(t, func(t *testing.T, request bool) {
		e := open(t, request, partial)
		e.sendHeaders(false, "x-want-body", "upper")
		e.headers()
		e.sendBody("body", true)
		expect(t, "complete", string(e.body().GetBodyMutation().GetBody()), "BODY!")

		e = open(t, request, partial)
		e.sendHeaders(false, "x-want-body", "upper")
		e.headers()
		e.sendBody("bo", false)
		expect(t, "truncated", int(e.receive().GetImmediateResponse().GetStatus().GetCode()), tooLargeStatus(request))
	})
}

func tooLargeStatus(request bool) int {
	if request {
		return 413
	}
	return 500
}

func TestTooLargeBody(t *testing.T) {
	big := strings.Repeat("x", maxBody/2)
	bothDirections(t, func(t *testing.T, request bool) {
		e := open(t, request, buffered)
		e.sendHeaders(false, "x-want-body", "upper")
		e.headers()
		e.sendBody(big+big+"x", true)
		expect(t, "buffered", int(e.receive().GetImmediateResponse().GetStatus().GetCode()), tooLargeStatus(request))

		e = open(t, request, duplex)
		e.sendHeaders(false, "x-want-body", "upper")
		e.sendBody(big, false)
		e.sendBody(big, false)
		e.sendBody("x", false)
		expect(t, "duplex", int(e.receive().GetImmediateResponse().GetStatus().GetCode()), tooLargeStatus(request))
		e.sendBody("still on its way", true)
		e.closes()
	})
}

func TestStreamedModeCannotDeliverAWholeBody(t *testing.T) {
	bothDirections(t, func(t *testing.T, request bool) {
		e := open(t, request, streamed)
		e.sendHeaders(false, "x-want-body", "upper")
		e.fails(codes.FailedPrecondition, "use Buffered or FullDuplexStreamed")
	})
}

func TestDuplexSendsBackWhatNobodyWants(t *testing.T) {
	bothDirections(t, func(t *testing.T, request bool) {
		e := open(t, request, duplex)
		e.sendHeaders(false)
		expect(t, "headers", e.headers(), "x-seen=headers")
		big := strings.Repeat("x", maxBody+1) // no limit: nothing is collected
		e.sendBody(big, false)
		body, end := e.streamed(len(big))
		expect(t, "length", len(body), len(big))
		expect(t, "end", end, false)
		e.sendBody("", true)
		body, end = e.streamed(0)
		expect(t, "last", body, "")
		expect(t, "end", end, true)
		e.closes()
	})
}

func TestDuplexCollectsTheBody(t *testing.T) {
	bothDirections(t, func(t *testing.T, request bool) {
		t.Run("changed", func(t *testing.T) {
			e := open(t, request, duplex)
			e.sendHeaders(false, "x-want-body", "upper", "content-length", "100000")
			half := strings.Repeat("x", 50000)
			e.sendBody(half, false)
			e.sendBody(half, true)
			expect(t, "headers", e.headers(), "x-seen=headers x-size=known")
			body, end := e.streamed(100001)
			expect(t, "body", body, strings.ToUpper(half+half)+"!")
			expect(t, "end", end, true)
			e.closes()
		})
		t.Run("unchanged", func(t *testing.T) {
			e := open(t, request, duplex)
			e.sendHeaders(false, "x-want-body", "look")
			e.sendBody("body", true)
			expect(t, "headers", e.headers(), "x-seen=headers")
			body, end := e.streamed(4)
			expect(t, "body", body, "body")
			expect(t, "end", end, true)
			e.closes()
		})
		t.Run("ended by trailers", func(t *testing.T) {
			e := open(t, request, duplex)
			e.sendHeaders(false, "x-want-body", "upper")
			e.sendBody("body", false)
			e.sendTrailers()
			e.headers()
			body, end := e.streamed(5)
			expect(t, "body", body, "BODY!")
			expect(t, "end", end, false)
			e.trailers()
			e.closes()
		})
		t.Run("passed on with trailers", func(t *testing.T) {
			e := open(t, request, duplex)
			e.sendHeaders(false)
			e.headers()
			e.sendBody("body", false)
			e.streamed(4)
			e.sendTrailers()
			e.trailers()
			e.closes()
		})
		t.Run("Envoy leaves before the end", func(t *testing.T) {
			e := open(t, request, duplex)
			e.sendHeaders(false, "x-want-body", "upper")
			e.sendBody("bo", false)
			e.stream.CloseSend()
			e.fails(codes.Aborted, "before the body was complete")
		})
	})
}

func TestRejection(t *testing.T) {
	bothDirections(t, func(t *testing.T, request bool) {
		e := open(t, request, buffered)
		e.sendHeaders(false, "x-do", "reject")
		r := e.receive().GetImmediateResponse()
		expect(t, "status", int(r.GetStatus().GetCode()), 403)
		expect(t, "body", string(r.GetBody()), "no")
		expect(t, "details", r.GetDetails(), "denied")
		expect(t, "headers", text(r.GetHeaders()), "content-type=text/plain; charset=utf-8")
		e.closes()

		e = open(t, request, buffered)
		e.sendHeaders(false, "x-do", "reject-with-headers")
		expect(t, "headers", text(e.receive().GetImmediateResponse().GetHeaders()),
			"www-authenticate=Bearer www-authenticate+=Basic content-type=text/plain; charset=utf-8")

		e = open(t, request, buffered)
		e.sendHeaders(false, "x-do", "reject-as-problem")
		expect(t, "headers", text(e.receive().GetImmediateResponse().GetHeaders()),
			"content-type=application/problem+json retry-after=1")

		e = open(t, request, buffered)
		e.sendHeaders(false, "x-want-body", "reject")
		e.headers()
		e.sendBody("body", true)
		expect(t, "status", int(e.receive().GetImmediateResponse().GetStatus().GetCode()), 422)
		e.closes()
	})
}

func TestWhatCannotBeDecidedIsAnError(t *testing.T) {
	bothDirections(t, func(t *testing.T, request bool) {
		e := open(t, request, buffered)
		e.sendHeaders(false, "x-do", "fail")
		e.fails(codes.Internal, "headers: cannot decide")

		e = open(t, request, buffered)
		e.sendHeaders(false, "x-do", "reject-0")
		e.fails(codes.Internal, "cannot have status 0")

		for _, mode := range []filterv3.ProcessingMode_BodySendMode{buffered, duplex} {
			e = open(t, request, mode)
			e.sendHeaders(false, "x-want-body", "fail")
			if mode == buffered {
				e.headers()
			}
			e.sendBody("body", true)
			e.fails(codes.Internal, "body: cannot decide")
		}
	})

	e := open(t, true, buffered)
	e.send(&extprocv3.ProcessingRequest{})
	e.fails(codes.Unimplemented, "unknown message")
}

func TestAPanicEndsItsStreamOnly(t *testing.T) {
	bothDirections(t, func(t *testing.T, request bool) {
		e := open(t, request, buffered)
		e.sendHeaders(false, "x-do", "panic")
		e.fails(codes.Internal, "panic in the extension")
		e.finish()
		for _, want := range []string{"nil map", "headers(", `"phase":"`} {
			if !strings.Contains(e.log.String(), want) {
				t.Errorf("the log lacks %q: %s", want, e.log)
			}
		}

		e = open(t, request, buffered)
		e.sendHeaders(false, "x-want-body", "panic")
		e.headers()
		e.sendBody("body", true)
		e.fails(codes.Internal, "panic in the extension")
	})
}

func TestTheLogShowsNoData(t *testing.T) {
	for _, do := range []string{"none", "panic-value", "reject", "fail"} {
		e := open(t, true, buffered)
		e.sendHeaders(false, "x-do", do, "authorization", "secret-value", "x-want-body", "upper")
		e.stream.Recv()
		if do == "none" {
			e.sendBody("secret-value", true)
			e.body()
			e.closes()
		}
		e.finish()
		if strings.Contains(e.log.String(), "secret-value") {
			t.Errorf("%s: %s", do, e.log)
		}
		if n := strings.Count(e.log.String(), "stream ended"); n != 1 {
			t.Errorf("%s: %d lines for the stream: %s", do, n, e.log)
		}
	}
}

func TestShadowModeGetsNoReply(t *testing.T) {
	e := open(t, true, streamed)
	e.send(&extprocv3.ProcessingRequest{
		ObservabilityMode: true,
		Request:           &extprocv3.ProcessingRequest_RequestHeaders{RequestHeaders: &extprocv3.HttpHeaders{}},
	})
	e.closes()
}
