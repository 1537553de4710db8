// Package exchange is the vocabulary that the extension's logic and the
// stream loop share. It knows HTTP and nothing of gRPC or protobuf.
package exchange

import (
	"fmt"
	"time"
)

// Exchange is one HTTP request and its response as far as Envoy has shown them.
// Change the headers in place; the stream loop tells Envoy the difference.
// Nothing of it is used by two goroutines at once.
type Exchange struct {
	// Request holds the request's headers, pseudo-headers such as :path included.
	Request *Headers
	// Response is empty until the upstream's headers have arrived.
	Response *Headers
	// HasRequestBody tells whether a body, which may be empty, follows the
	// request's headers. What follows an upgrade is no body.
	HasRequestBody bool
	// HasResponseBody tells the same of the response: none follows an answer to
	// HEAD, for example.
	HasResponseBody bool
	// Upgrade is the protocol that the client wants to go on with, such as
	// websocket; "" for plain HTTP. Once the upstream has agreed, what both sides
	// send passes, and the logic sees nothing of it.
	Upgrade string
	// Start is when Envoy opened the stream.
	Start time.Time
	// State is the logic's own.
	State any
	// ClearRouteCache makes Envoy choose the route again. OnRequestHeaders or
	// OnRequestBody sets it; Envoy ignores it unless a header changes as well.
	ClearRouteCache bool

	metadata   map[string]map[string]any
	attributes map[string]string
}

// New returns an exchange with no headers yet.
func New() *Exchange {
	return &Exchange{Request: &Headers{}, Response: &Headers{}, Start: time.Now()}
}

// Metadata returns the dynamic metadata that another filter wrote under a
// namespace: nil, bool, float64, string, []any and map[string]any, as in JSON.
// The policy names the namespaces that Envoy forwards; of others it is nil.
func (x *Exchange) Metadata(namespace string) map[string]any { return x.metadata[namespace] }

// SetMetadata replaces what is known of a namespace.
func (x *Exchange) SetMetadata(namespace string, values map[string]any) {
	if x.metadata == nil {
		x.metadata = map[string]map[string]any{}
	}
	x.metadata[namespace] = values
}

// Attribute returns one of Envoy's attributes as text, for example
// source.address (with its port); "" if it has none. The policy names those that Envoy sends.
func (x *Exchange) Attribute(name string) string { return x.attributes[name] }

// SetAttribute replaces what is known of an attribute.
func (x *Exchange) SetAttribute(name, value string) {
	if x.attributes == nil {
		x.attributes = map[string]string{}
	}
	x.attributes[name] = value
}

// BodyTransform changes one body while it passes. One value serves one body.
type BodyTransform interface {
	// Chunk gets the next piece of the body and returns what is sent in its
	// place: shorter, longer or nothing. What it keeps back it returns later.
	// chunk is the transform's own, to change or to keep.
	//
	// In body mode FullDuplexStreamed it is called with each piece as it
	// arrives; the last call has end set, with an empty chunk if trailers end
	// the body. In the buffered modes it is called once with the whole body.
	//
	// A *Rejection answers the client as long as it has no response, even if the
	// upstream has a part of the request's body already. A response whose headers
	// have gone on (FullDuplexStreamed) is cut off instead. Any other error fails
	// the request.
	Chunk(chunk []byte, end bool) (out []byte, err error)
}

// End says how an exchange ended.
type End struct {
	// Rejected is the logic's own answer; nil if it let the exchange pass.
	Rejected *Rejection
	// Err means that the processor failed: Envoy has answered with an error, or
	// with failOpen gone on alone. A client or an Envoy that did not wait any
	// longer is no failure.
	Err bool
	// RequestBytes and ResponseBytes count the bodies as Envoy sent them here: 0
	// if the policy does not send them.
	RequestBytes, ResponseBytes int64
	Duration                    time.Duration
}

// Rejection is the error with which the logic answers the client itself: Envoy
// sends Status, Headers and Body instead of going on. Every other error means
// that the logic could not decide.
type Rejection struct {
	Status int // 200 to 599
	// Headers may be nil. Without a content-type it is text/plain; charset=utf-8.
	Headers *Headers
	Body    string
	// Reason appears in Envoy's access log (%RESPONSE_CODE_DETAILS%); use
	// snake_case and no data of the request.
	Reason string
}

func (r *Rejection) Error() string {
	return fmt.Sprintf("rejected with status %d (%s)", r.Status, r.Reason)
}

// UpgradeRefused is the answer to a client that wants to change the protocol,
// from logic that could not see what then passes. The status is the one that
// RFC 6455, section 4.2.2, proposes and that Envoy has for routes without
// upgrades; the body is as in RFC 9457.
func UpgradeRefused() *Rejection {
	return &Rejection{
		Status:  403,
		Headers: NewHeaders("content-type", "application/problem+json"),
		Body:    `{"type":"about:blank","title":"Forbidden","status":403,"detail":"This route does not let connections be upgraded: what they carry could not be checked."}` + "\n",
		Reason:  "ext_proc_upgrade_refused",
	}
}
