package extension

import (
	"encoding/json"
	"fmt"
	"net/http"

	"ext-proc-server/internal/exchange"
)

// refusal is why a request does not go on. It has nothing of the request.
type refusal struct {
	status int
	detail string // for the client
	// parameters follow the realm in WWW-Authenticate.
	parameters string
	reason     string // for metrics and Envoy's access log
}

func (r *refusal) Error() string { return r.reason }

var unavailable = &refusal{
	status: http.StatusServiceUnavailable,
	detail: "Authentication is not available at the moment.", reason: "unavailable",
}

func unauthorized(reason, detail string) *refusal {
	return &refusal{status: http.StatusUnauthorized, detail: detail, reason: reason}
}

// rejection is the answer, with problem details as in RFC 9457.
func (r *refusal) rejection(scheme, realm string) *exchange.Rejection {
	body, _ := json.Marshal(struct { // cannot fail
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
	}{"about:blank", http.StatusText(r.status), r.status, r.detail})
	headers := exchange.NewHeaders("content-type", "application/problem+json")
	if r.status == http.StatusUnauthorized {
		headers.Set("www-authenticate", fmt.Sprintf("%s realm=%q%s", scheme, realm, r.parameters))
	}
	return &exchange.Rejection{Status: r.status, Headers: headers, Body: string(body), Reason: "authentication_" + r.reason}
}
