package extension

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"ext-proc-server/internal/environment"
)

const (
	introspectionURL   = "INTROSPECTION_URL"
	maxResponseBytes   = 64 << 10
	maxIdleConnections = 64
)

// client asks the introspection endpoint.
type client struct {
	http               *http.Client
	url                string
	clientID, password string // form-encoded, as RFC 6749, section 2.3.1, wants them
	timeout            time.Duration
}

func newClient(env environment.Environment, timeout time.Duration) (*client, error) {
	address := env.Getenv(introspectionURL)
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.Fragment != "" {
		// The address is not shown: somebody may have put a password into it.
		return nil, fmt.Errorf("%s is not the address of an introspection endpoint; set it in the Deployment, for example https://idp.example.com/oauth2/introspect, without credentials", introspectionURL)
	}
	if ip := net.ParseIP(u.Hostname()); u.Scheme == "http" && u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		env.Log.Warn(introspectionURL + " is not https: tokens and the client's secret can be read on their way")
	}
	clientID, idErr := env.Secret("introspection-client-id")
	secret, secretErr := env.Secret("introspection-client-secret")
	if err := errors.Join(idErr, secretErr); err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = maxIdleConnections
	return &client{
		http: &http.Client{
			Transport: transport,
			// A redirect would take the token elsewhere.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		url: address, clientID: url.QueryEscape(clientID), password: url.QueryEscape(secret), timeout: timeout,
	}, nil
}

// response is the part of RFC 7662, section 2.2, that is looked at.
type response struct {
	Active    bool     `json:"active"`
	Expires   *float64 `json:"exp"`
	NotBefore *float64 `json:"nbf"`
	Subject   string   `json:"sub"`
	Username  string   `json:"username"`
	ClientID  string   `json:"client_id"`
	Audience  audience `json:"aud"`
}

func (r response) identity(member string) string {
	switch member {
	case "sub":
		return r.Subject
	case "username":
		return r.Username
	default:
		return r.ClientID
	}
}

// audience is a string or a list of them.
type audience []string

// UnmarshalJSON takes both.
func (a *audience) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(a))
}

// allows tells whether a token is for wanted; everybody's is if that is empty.
func (a audience) allows(wanted string) bool { return wanted == "" || slices.Contains(a, wanted) }

// statusError is an answer without a verdict.
type statusError int

func (s statusError) Error() string {
	return fmt.Sprintf("the introspection server answered with status %d", int(s))
}

// refusesToken tells whether the server objects to the question. RFC 7662,
// section 2.2, wants 200 for a token that is not active; some servers answer
// with 400 or 401 instead. Then the token is worth nothing, and the server is
// well. 408 and 429 say nothing about the token.
func (s statusError) refusesToken() bool {
	return s >= 400 && s < 500 && s != http.StatusRequestTimeout && s != http.StatusTooManyRequests
}

// isOutage tells whether the server itself fails: it cannot be reached, does not
// answer in time, or says so. What it answers about one token must not keep it
// from being asked about others.
func isOutage(err error) bool {
	var status statusError
	var transport *url.Error
	return errors.As(err, &status) && status >= 500 || errors.As(err, &transport) || errors.Is(err, context.DeadlineExceeded)
}

// introspect asks about one token. Errors have nothing of it.
func (c *client) introspect(ctx context.Context, token string) (response, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	form := url.Values{"token": {token}, "token_type_hint": {"access_token"}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, strings.NewReader(form.Encode()))
	if err != nil {
		return response{}, err
	}
	request.SetBasicAuth(c.clientID, c.password)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "application/json")
	reply, err := c.http.Do(request)
	if err != nil {
		return response{}, err
	}
	defer reply.Body.Close()
	if reply.StatusCode != http.StatusOK {
		return response{}, statusError(reply.StatusCode)
	}
	if mediaType, _, _ := mime.ParseMediaType(reply.Header.Get("Content-Type")); mediaType != "application/json" {
		return response{}, errors.New("the introspection server did not answer with application/json")
	}
	text, err := io.ReadAll(io.LimitReader(reply.Body, maxResponseBytes+1))
	if err != nil {
		return response{}, err
	}
	if len(text) > maxResponseBytes {
		return response{}, errors.New("the answer of the introspection server is too large")
	}
	return parseResponse(text)
}

// parseResponse reads an answer; what has no member active is none.
func parseResponse(text []byte) (response, error) {
	var members struct {
		Active *bool `json:"active"`
	}
	var r response
	if json.Unmarshal(text, &members) != nil || members.Active == nil || json.Unmarshal(text, &r) != nil {
		return response{}, errors.New("the introspection server did not answer as RFC 7662 says")
	}
	return r, nil
}
