// Package exchange is the vocabulary that the extension's logic and the
// stream loop share. It knows HTTP and nothing of gRPC or protobuf.
package exchange

import "fmt"

// Exchange is one HTTP request and its response as far as Envoy has shown them.
// Change the headers in place; the stream loop tells Envoy the difference.
type Exchange struct {
	// Request holds the request's headers, pseudo-headers such as :path included.
	Request *Headers
	// Response is empty until the upstream's headers have arrived.
	Response *Headers
}

// New returns an exchange with no headers yet.
func New() *Exchange {
	return &Exchange{Request: &Headers{}, Response: &Headers{}}
}

// Rejection is the error with which the logic answers the client itself: Envoy
// sends Status and Body instead of going on. Every other error means that the
// logic could not decide.
type Rejection struct {
	Status int // 200 to 599
	Body   string
	// Reason appears in Envoy's access log (%RESPONSE_CODE_DETAILS%); use
	// snake_case and no data of the request.
	Reason string
}

func (r *Rejection) Error() string {
	return fmt.Sprintf("rejected with status %d (%s)", r.Status, r.Reason)
}
