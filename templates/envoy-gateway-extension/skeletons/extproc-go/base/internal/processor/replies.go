package processor

import (
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"ext-proc-server/internal/exchange"
)

// maxChunkBytes bounds one StreamedBodyResponse.
const maxChunkBytes = 64 << 10

// phases are a direction's names, in metrics and logs.
type phases struct{ name, headersPhase, bodyPhase, trailersPhase string }

var (
	requestPhases  = phases{"request", "request_headers", "request_body", "request_trailers"}
	responsePhases = phases{"response", "response_headers", "response_body", "response_trailers"}
)

// headersReply takes nil for headers that stay.
func (p phases) headersReply(common *extprocv3.CommonResponse) *extprocv3.ProcessingResponse {
	reply := &extprocv3.HeadersResponse{Response: common}
	if p == requestPhases {
		return &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_RequestHeaders{RequestHeaders: reply}}
	}
	return &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_ResponseHeaders{ResponseHeaders: reply}}
}

func (p phases) bodyReply(common *extprocv3.CommonResponse) *extprocv3.ProcessingResponse {
	reply := &extprocv3.BodyResponse{Response: common}
	if p == requestPhases {
		return &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_RequestBody{RequestBody: reply}}
	}
	return &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_ResponseBody{ResponseBody: reply}}
}

func (p phases) trailersReply() *extprocv3.ProcessingResponse {
	reply := &extprocv3.TrailersResponse{}
	if p == requestPhases {
		return &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_RequestTrailers{RequestTrailers: reply}}
	}
	return &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_ResponseTrailers{ResponseTrailers: reply}}
}

// streamedReplies sends a body in FULL_DUPLEX_STREAMED mode.
func (p phases) streamedReplies(body []byte, endOfStream bool) []*extprocv3.ProcessingResponse {
	var replies []*extprocv3.ProcessingResponse
	for {
		chunk := body[:min(len(body), maxChunkBytes)]
		body = body[len(chunk):]
		replies = append(replies, p.bodyReply(&extprocv3.CommonResponse{
			BodyMutation: &extprocv3.BodyMutation{Mutation: &extprocv3.BodyMutation_StreamedResponse{
				StreamedResponse: &extprocv3.StreamedBodyResponse{Body: chunk, EndOfStream: endOfStream && len(body) == 0},
			}},
		}))
		if len(body) == 0 {
			return replies
		}
	}
}

func immediateReply(r *exchange.Rejection) *extprocv3.ProcessingResponse {
	return &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_ImmediateResponse{
		ImmediateResponse: &extprocv3.ImmediateResponse{
			Status:  &typev3.HttpStatus{Code: typev3.StatusCode(r.Status)},
			Headers: rejectionHeaders(r),
			Body:    []byte(r.Body),
			Details: r.Reason,
		},
	}}
}

func rejectionHeaders(r *exchange.Rejection) *extprocv3.HeaderMutation {
	m := &extprocv3.HeaderMutation{}
	seen := map[string]bool{}
	if r.Headers != nil {
		for name, value := range r.Headers.All() {
			if framing[name] {
				continue
			}
			option := setHeader
			if seen[name] {
				option = appendHeader
			}
			m.SetHeaders = append(m.SetHeaders, option(name, value))
			seen[name] = true
		}
	}
	if !seen["content-type"] {
		m.SetHeaders = append(m.SetHeaders, setHeader("content-type", "text/plain; charset=utf-8"))
	}
	return m
}

// valueOf reads a header value. Envoy fills raw_value only.
func valueOf(h *corev3.HeaderValue) string {
	if raw := h.GetRawValue(); len(raw) > 0 {
		return string(raw)
	}
	return h.GetValue()
}

// headerMutation tells Envoy the changes; nil if there are none.
func headerMutation(changes []exchange.Change) *extprocv3.HeaderMutation {
	var m *extprocv3.HeaderMutation
	for _, c := range changes {
		if framing[c.Name] {
			continue
		}
		if m == nil {
			m = &extprocv3.HeaderMutation{}
		}
		// Envoy removes first. A set alone would be enough for one line only.
		if len(c.After) == 0 || len(c.Before) > 1 {
			m.RemoveHeaders = append(m.RemoveHeaders, c.Name)
		}
		for i, value := range c.After {
			if i == 0 {
				m.SetHeaders = append(m.SetHeaders, setHeader(c.Name, value))
			} else {
				m.SetHeaders = append(m.SetHeaders, appendHeader(c.Name, value))
			}
		}
	}
	return m
}

// framing headers describe the body on the wire, so only this package and Envoy
// change them. The logic can remove content-length from a message without a body,
// an answer to HEAD for example.
var framing = map[string]bool{"content-length": true, "transfer-encoding": true}

func withoutLength(common *extprocv3.CommonResponse) *extprocv3.CommonResponse {
	if common == nil {
		common = &extprocv3.CommonResponse{}
	}
	if common.HeaderMutation == nil {
		common.HeaderMutation = &extprocv3.HeaderMutation{}
	}
	common.HeaderMutation.RemoveHeaders = append(common.HeaderMutation.RemoveHeaders, "content-length")
	return common
}

func withSet(m *extprocv3.HeaderMutation, name, value string) *extprocv3.HeaderMutation {
	if m == nil {
		m = &extprocv3.HeaderMutation{}
	}
	m.SetHeaders = append(m.SetHeaders, setHeader(name, value))
	return m
}

func setHeader(name, value string) *corev3.HeaderValueOption {
	return &corev3.HeaderValueOption{
		// `value` instead of `raw_value` would arrive empty.
		Header:       &corev3.HeaderValue{Key: name, RawValue: []byte(value)},
		AppendAction: corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD,
	}
}

func appendHeader(name, value string) *corev3.HeaderValueOption {
	return &corev3.HeaderValueOption{
		Header:       &corev3.HeaderValue{Key: name, RawValue: []byte(value)},
		AppendAction: corev3.HeaderValueOption_APPEND_IF_EXISTS_OR_ADD,
		// ext_proc ignores append_action, up to Envoy 1.40 at least, and looks
		// at the deprecated wrapper only.
		Append: wrapperspb.Bool(true), //nolint:staticcheck
	}
}
