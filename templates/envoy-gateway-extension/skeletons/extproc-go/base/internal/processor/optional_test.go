package processor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	filterv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/structpb"

	"ext-proc-server/internal/exchange"
)

// full does everything that an extension can do.
type full struct {
	fake
	ends    chan ended
	waiting chan struct{} // x-do: wait has arrived
}

type ended struct {
	x   *exchange.Exchange
	end exchange.End
}

func newFull() full { return full{ends: make(chan ended, 2), waiting: make(chan struct{}, 1)} }

func (f full) OnRequestHeaders(ctx context.Context, x *exchange.Exchange) error {
	x.State = "mine"
	switch x.Request.Get("x-do") {
	case "route":
		x.ClearRouteCache = true
	case "wait":
		f.waiting <- struct{}{}
		<-ctx.Done()
		return context.Cause(ctx)
	case "inputs":
		claims := x.Metadata("envoy.filters.http.jwt_authn")
		x.Request.Set("x-subject", claims["payload"].(map[string]any)["sub"].(string))
		x.Request.Set("x-source", x.Attribute("source.address"))
		x.Request.Set("x-none", x.Attribute("absent"))
	}
	return f.fake.OnRequestHeaders(ctx, x)
}

func (f full) OnResponseHeaders(ctx context.Context, x *exchange.Exchange) error {
	x.ClearRouteCache = x.Response.Get("x-do") == "route"
	return f.fake.OnResponseHeaders(ctx, x)
}

func (f full) RequestBody(x *exchange.Exchange) exchange.BodyTransform  { return transform(x.Request) }
func (f full) ResponseBody(x *exchange.Exchange) exchange.BodyTransform { return transform(x.Response) }

func (f full) OnEnd(x *exchange.Exchange, end exchange.End) {
	f.ends <- ended{x, end}
	if x.Request.Get("x-do") == "panic-at-the-end" {
		panic("secret-value")
	}
}

// end returns the only call of OnEnd.
func (f full) end(t *testing.T, e *envoy) ended {
	t.Helper()
	e.finish()
	select {
	case got := <-f.ends:
		if len(f.ends) > 0 {
			t.Error("OnEnd was called twice")
		}
		return got
	case <-time.After(10 * time.Second):
		t.Fatal("OnEnd was not called")
		return ended{}
	}
}

type transformFunc func([]byte, bool) ([]byte, error)

func (f transformFunc) Chunk(chunk []byte, end bool) ([]byte, error) { return f(chunk, end) }

func transform(h *exchange.Headers) exchange.BodyTransform {
	switch h.Get("x-stream") {
	case "look":
		return transformFunc(func(chunk []byte, _ bool) ([]byte, error) { return chunk, nil })
	case "in-place":
		return transformFunc(func(chunk []byte, end bool) ([]byte, error) {
			copy(chunk, bytes.ToUpper(chunk))
			if end {
				chunk = append(chunk, '.')
			}
			return chunk, nil
		})
	case "same-length":
		return transformFunc(func(chunk []byte, end bool) ([]byte, error) {
			copy(chunk, bytes.ToUpper(chunk))
			return chunk, nil
		})
	case "hold":
		var held []byte
		return transformFunc(func(chunk []byte, end bool) ([]byte, error) {
			if held = append(held, chunk...); !end {
				return nil, nil
			}
			return held, nil
		})
	case "reject":
		return transformFunc(func(chunk []byte, _ bool) ([]byte, error) {
			if bytes.Contains(chunk, []byte("bad")) {
				return nil, &exchange.Rejection{Status: 422, Reason: "bad_body"}
			}
			return chunk, nil
		})
	case "fail":
		return transformFunc(func([]byte, bool) ([]byte, error) { return nil, errors.New("cannot decide") })
	}
	return nil
}

func TestDuplexTransformsPieceByPiece(t *testing.T) {
	bothDirections(t, func(t *testing.T, request bool) {
		e := openWith(t, newFull(), request, duplex)
		e.sendHeaders(false, "x-stream", "in-place", "content-length", "6")
		expect(t, "headers", e.headers(), "x-seen=headers") // before any of the body
		e.sendBody("one", false)
		body, end := e.streamed(3)
		expect(t, "first", body, "ONE")
		expect(t, "end", end, false)
		e.sendBody("two", true)
		body, end = e.streamed(4)
		expect(t, "second", body, "TWO.")
		expect(t, "end", end, true)
		e.closes()
	})
}

func TestDuplexTransformEndedByTrailers(t *testing.T) {
	bothDirections(t, func(t *testing.T, request bool) {
		for how, first := range map[string]string{"in-place": "ONE", "hold": ""} {
			e := openWith(t, newFull(), request, duplex)
			e.sendHeaders(false, "x-stream", how)
			e.headers()
			e.sendBody("one", false)
			want := "one"
			if first != "" {
				body, _ := e.streamed(3)
				expect(t, how, body, first)
				want = "."
			}
			e.sendTrailers()
			body, end := e.streamed(len(want))
			expect(t, how, body, want)
			expect(t, "end", end, false) // the trailers are the end
			e.trailers()
			e.closes()
		}
	})
}

func TestDuplexTransformThatKeepsBack(t *testing.T) {
	bothDirections(t, func(t *testing.T, request bool) {
		e := openWith(t, newFull(), request, duplex)
		e.sendHeaders(false, "x-stream", "hold")
		e.headers()
		e.sendBody("one", false)
		e.sendBody("two", false)
		e.sendBody("", true)
		body, end := e.streamed(6) // the first reply to the body
		expect(t, "body", body, "onetwo")
		expect(t, "end", end, true)
		e.closes()
	})
}

func TestDuplexTransformOfALongBody(t *testing.T) {
	e := openWith(t, newFull(), true, duplex)
	e.sendHeaders(false, "x-stream", "look")
	e.headers()
	big := strings.Repeat("x", maxBody+1) // more than may be held: nothing is
	e.sendBody(big, true)
	body, end := e.streamed(len(big))
	expect(t, "length", len(body), len(big))
	expect(t, "end", end, true)
}

func TestBufferedTransformGetsTheWholeBody(t *testing.T) {
	for _, mode := range []filterv3.ProcessingMode_BodySendMode{buffered, partial} {
		bothDirections(t, func(t *testing.T, request bool) {
			for _, tt := range []struct{ how, body, headers string }{
				{"in-place", "BODY.", "content-length=5"},
				{"same-length", "BODY", "content-length=4"},
				{"look", "", ""},
				{"none", "", ""},
			} {
				e := openWith(t, newFull(), request, mode)
				e.sendHeaders(false, "x-stream", tt.how, "content-length", "4")
				e.headers()
				e.sendBody("body", true)
				c := e.body()
				expect(t, tt.how, string(c.GetBodyMutation().GetBody()), tt.body)
				expect(t, tt.how, text(c.GetHeaderMutation()), tt.headers)
				expect(t, tt.how+" changed", c.GetBodyMutation() != nil, tt.body != "")
				e.closes()
			}
		})
	}
}

func TestTransformNeedsItsMode(t *testing.T) {
	bothDirections(t, func(t *testing.T, request bool) {
		e := openWith(t, newFull(), request, streamed)
		e.sendHeaders(false, "x-stream", "look")
		e.fails(codes.FailedPrecondition, "use Buffered or FullDuplexStreamed")

		for _, mode := range []filterv3.ProcessingMode_BodySendMode{none, streamed} {
			e = openWith(t, newFull(), request, mode)
			e.sendHeaders(mode == streamed, "x-stream", "look")
			expect(t, "without a body", e.headers(), "x-seen=headers")
		}

		e = openWith(t, newFull(), request, partial)
		e.sendHeaders(false, "x-stream", "look")
		e.headers()
		e.sendBody("bo", false)
		expect(t, "truncated", int(e.receive().GetImmediateResponse().GetStatus().GetCode()), tooLargeStatus(request))
	})
}

func TestTheWholeBodyIsPreferred(t *testing.T) {
	bothDirections(t, func(t *testing.T, request bool) {
		e := openWith(t, newFull(), request, buffered)
		e.sendHeaders(false, "x-want-body", "upper", "x-stream", "fail")
		e.headers()
		e.sendBody("body", true)
		expect(t, "body", string(e.body().GetBodyMutation().GetBody()), "BODY!")
		e.closes()
	})
}

func TestTransformRejects(t *testing.T) {
	bothDirections(t, func(t *testing.T, request bool) {
		for _, mode := range []filterv3.ProcessingMode_BodySendMode{buffered, duplex} {
			f := newFull()
			e := openWith(t, f, request, mode)
			e.sendHeaders(false, "x-stream", "reject")
			e.headers()
			if mode == duplex {
				e.sendBody("good", false)
				e.streamed(4)
			}
			e.sendBody("bad", true)
			expect(t, mode.String(), int(e.receive().GetImmediateResponse().GetStatus().GetCode()), 422)
			e.closes()
			got := f.end(t, e).end
			if got.Rejected == nil || got.Rejected.Reason != "bad_body" || got.Err {
				t.Errorf("end: %+v", got)
			}
		}
	})
}

func TestTransformFails(t *testing.T) {
	bothDirections(t, func(t *testing.T, request bool) {
		for _, mode := range []filterv3.ProcessingMode_BodySendMode{buffered, duplex} {
			e := openWith(t, newFull(), request, mode)
			e.sendHeaders(false, "x-stream", "fail")
			e.headers()
			e.sendBody("body", true)
			e.fails(codes.Internal, "body: cannot decide")
		}
		e := openWith(t, newFull(), request, duplex)
		e.sendHeaders(false, "x-stream", "fail")
		e.headers()
		e.sendTrailers()
		e.fails(codes.Internal, "trailers: cannot decide")
	})
}

func TestOnEnd(t *testing.T) {
	t.Run("whole exchange", func(t *testing.T) {
		f := newFull()
		e := openWith(t, f, true, duplex)
		e.sendHeaders(false, ":path", "/x")
		e.headers()
		e.sendBody("four", false)
		e.streamed(4)
		e.sendBody("more!", true)
		e.streamed(5)
		e.request = false
		e.sendHeaders(false, ":status", "201")
		e.headers()
		e.sendBody("ok", true)
		e.streamed(2)
		e.closes()
		got := f.end(t, e)
		expect(t, "rejected", got.end.Rejected, nil)
		expect(t, "err", got.end.Err, false)
		expect(t, "request bytes", got.end.RequestBytes, 9)
		expect(t, "response bytes", got.end.ResponseBytes, 2)
		expect(t, "path", got.x.Request.Get(":path"), "/x")
		expect(t, "status", got.x.Response.Get(":status"), "201")
		expect(t, "state", got.x.State, any("mine"))
		if since := time.Since(got.x.Start); got.end.Duration <= 0 || got.end.Duration > since {
			t.Errorf("duration %s, started %s ago", got.end.Duration, since)
		}
	})
	for do, want := range map[string]struct {
		rejected, err bool
		code          codes.Code
	}{
		"reject": {true, false, codes.OK}, "fail": {false, true, codes.Internal}, "panic": {false, true, codes.Internal},
	} {
		t.Run(do, func(t *testing.T) {
			f := newFull()
			e := openWith(t, f, true, buffered)
			e.sendHeaders(true, "x-do", do)
			if want.rejected {
				expect(t, "status", int(e.receive().GetImmediateResponse().GetStatus().GetCode()), 403)
				e.closes()
			} else {
				e.fails(want.code, "")
			}
			got := f.end(t, e).end
			expect(t, "rejected", got.Rejected != nil, want.rejected)
			expect(t, "err", got.Err, want.err)
		})
	}
	t.Run("Envoy leaves before the end", func(t *testing.T) {
		f := newFull()
		e := openWith(t, f, true, duplex)
		e.sendHeaders(false, "x-want-body", "upper")
		e.sendBody("bo", false)
		e.stream.CloseSend()
		e.fails(codes.Aborted, "")
		got := f.end(t, e).end
		expect(t, "err", got.Err, true)
		expect(t, "request bytes", got.RequestBytes, 2)
	})
	t.Run("a panic in it", func(t *testing.T) {
		f := newFull()
		e := openWith(t, f, true, buffered)
		e.sendHeaders(true, "x-do", "panic-at-the-end")
		e.headers()
		e.closes() // normally
		f.end(t, e)
		if log := e.log.String(); !strings.Contains(log, `"phase":"end"`) || !strings.Contains(log, "stream ended") || strings.Contains(log, "secret-value") {
			t.Errorf("log: %s", log)
		}
	})
}

func TestTheContextEndsWithTheStream(t *testing.T) {
	f := newFull()
	e := openWith(t, f, true, buffered)
	e.sendHeaders(true, "x-do", "wait")
	<-f.waiting
	e.cancel()
	got := f.end(t, e).end
	expect(t, "err", got.Err, false) // nobody waits for an answer
}

func TestClearRouteCache(t *testing.T) {
	e := openWith(t, newFull(), true, buffered)
	e.sendHeaders(false, "x-do", "route", "x-want-body", "upper")
	expect(t, "headers", e.receive().GetRequestHeaders().GetResponse().GetClearRouteCache(), true)
	e.sendBody("body", true)
	expect(t, "body", e.body().GetClearRouteCache(), false) // once is enough
	e.request = false
	e.sendHeaders(true, "x-do", "route")
	expect(t, "response", e.receive().GetResponseHeaders().GetResponse().GetClearRouteCache(), false)
	e.closes()
}

func TestMetadataAndAttributes(t *testing.T) {
	structure := func(values map[string]any) *structpb.Struct {
		s, err := structpb.NewStruct(values)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	e := openWith(t, newFull(), true, none)
	e.send(&extprocv3.ProcessingRequest{
		Request: &extprocv3.ProcessingRequest_RequestHeaders{RequestHeaders: &extprocv3.HttpHeaders{
			Headers: &corev3.HeaderMap{Headers: []*corev3.HeaderValue{{Key: "x-do", RawValue: []byte("inputs")}}},
		}},
		MetadataContext: &corev3.Metadata{FilterMetadata: map[string]*structpb.Struct{
			"envoy.filters.http.jwt_authn": structure(map[string]any{"payload": map[string]any{"sub": "alice"}}),
		}},
		Attributes: map[string]*structpb.Struct{
			"envoy.filters.http.ext_proc": structure(map[string]any{"source.address": "192.0.2.1:1234"}),
		},
	})
	expect(t, "headers", e.headers(), "x-subject=alice x-source=192.0.2.1:1234 x-none= x-seen=headers")
	e.closes()
}

func TestAttributeText(t *testing.T) {
	for _, tt := range []struct {
		value any
		want  string
	}{
		{"text", "text"}, {float64(1 << 40), "1099511627776"}, {0.5, "0.5"}, {true, "true"}, {nil, ""},
		{[]any{"a", 1.0}, `["a",1]`}, {map[string]any{"a": "b"}, `{"a":"b"}`},
	} {
		expect(t, "text", attributeText(tt.value), tt.want)
	}
}

// bodyTeller says in a header what it was told of the body.
type bodyTeller struct{ fake }

func (bodyTeller) OnRequestHeaders(_ context.Context, x *exchange.Exchange) error {
	x.Request.Set("x-has-body", strconv.FormatBool(x.HasRequestBody))
	return nil
}

func TestHasRequestBody(t *testing.T) {
	for _, mode := range []filterv3.ProcessingMode_BodySendMode{none, buffered, duplex} {
		for _, body := range []bool{true, false} {
			e := openWith(t, bodyTeller{}, true, mode)
			e.sendHeaders(!body, ":path", "/")
			expect(t, fmt.Sprint(mode, body), e.headers(), fmt.Sprintf("x-has-body=%t", body))
		}
	}
}
