package extension

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"ext-proc-server/internal/exchange"
)

// problem is a body of RFC 9457.
type problem struct {
	Detail           string   `json:"detail,omitempty"`
	Status           int      `json:"status"`
	Title            string   `json:"title"`
	Type             string   `json:"type"`
	ViolatedPolicies []string `json:"violated-policies,omitempty"`
}

func (p problem) rejection(reason string) *exchange.Rejection {
	body, err := json.Marshal(p)
	if err != nil {
		panic(err) // texts and numbers always become JSON
	}
	return &exchange.Rejection{
		Status:  p.Status,
		Headers: exchange.NewHeaders("content-type", "application/problem+json"),
		Body:    string(body),
		Reason:  reason,
	}
}

// tooMany refuses a request for which a bucket has not enough.
func tooMany(entries []entry, tellClient bool) *exchange.Rejection {
	var violated []string
	var wait time.Duration
	for _, e := range entries {
		if !e.granted() {
			violated = append(violated, e.limit.name)
			wait = max(wait, e.limit.policy.GrantsIn(e.level, e.demand.Units))
		}
	}
	r := problem{
		Status:           429,
		Title:            "Request cannot be satisfied as assigned quota has been exceeded",
		Type:             "https://iana.org/assignments/http-problem-types#quota-exceeded",
		ViolatedPolicies: violated,
	}.rejection("rate_limited")
	r.Headers.Set("retry-after", strconv.FormatInt(max(seconds(wait), 1), 10))
	if tellClient {
		tell(entries, r.Headers)
	}
	return r
}

// badCost refuses a request whose cost is no number that the limit could grant.
func badCost(header string, quota int64) *exchange.Rejection {
	return problem{
		Detail: fmt.Sprintf("%s must be one whole number from 1 to %d", header, quota),
		Status: 400,
		Title:  "Bad Request",
		Type:   "about:blank",
	}.rejection("rate_limit_bad_cost")
}

// unavailable refuses a request that cannot be counted.
func unavailable() *exchange.Rejection {
	r := problem{
		Detail: "rate limits cannot be checked at the moment",
		Status: 503,
		Title:  "Service Unavailable",
		Type:   "about:blank",
	}.rejection("rate_limit_store_away")
	r.Headers.Set("retry-after", "1")
	return r
}

// granted tells whether this limit alone would let the request pass.
func (e entry) granted() bool { return e.limit.policy.Grants(e.level, e.demand.Units) }

// tell adds the fields of draft-ietf-httpapi-ratelimit-headers-10. Those of the
// upstream stay: both are lists.
func tell(entries []entry, h *exchange.Headers) {
	var policies, limits []string
	for _, e := range entries {
		p := e.limit.policy
		policies = append(policies, fmt.Sprintf(`"%s";q=%d;w=%d`, e.limit.name, p.Quota, seconds(p.Window)))
		limits = append(limits, fmt.Sprintf(`"%s";r=%d;t=%d`, e.limit.name, p.Available(e.level), seconds(p.FullIn(e.level))))
	}
	h.Append("ratelimit-policy", strings.Join(policies, ", "))
	h.Append("ratelimit", strings.Join(limits, ", "))
}

// seconds rounds up: who waits so long does not come too early.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }
