package extension

import (
	"bytes"
	"encoding/json"
	"net"
	"slices"
	"strconv"
	"strings"

	"ext-proc-server/internal/exchange"
)

const (
	longest    = 1024 // characters of one text
	mostValues = 8    // of one header or claim
	redacted   = "[redacted]"

	// claimsNamespace is where Envoy's filter for tokens keeps what it verified.
	claimsNamespace = "envoy.filters.http.jwt_authn"
)

// alwaysRedacted are headers whose values are never part of an event.
var alwaysRedacted = []string{"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"}

// member is one member of an event's JSON object.
type member struct {
	name  string
	value any // nil: left out
}

// line writes an event as one line of JSON, with its members in order.
func line(members []member) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false) // the & of queries stays readable
	b.WriteByte('{')
	for _, m := range members {
		if m.value == nil {
			continue
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Quote(m.name) + ":")
		_ = encoder.Encode(m.value)     // texts, numbers and lists of texts: nothing that can fail
		b.Truncate(b.Len() - len("\n")) // that the encoder adds
	}
	b.WriteString("}\n")
	return b.Bytes()
}

// field is something that an event can say. nil: it is not known.
type field struct {
	name  string
	value func(*Extension, *exchange.Exchange, exchange.End) any
}

// fields are in the order in which an event has them. To add one, add it here.
var fields = []field{
	{"method", func(_ *Extension, x *exchange.Exchange, _ exchange.End) any { return header(x.Request, ":method") }},
	{"path", func(_ *Extension, x *exchange.Exchange, _ exchange.End) any {
		if !x.Request.Has(":path") {
			return nil
		}
		path, _, _ := strings.Cut(x.Request.Get(":path"), "?")
		return printable(path)
	}},
	{"query", func(e *Extension, x *exchange.Exchange, _ exchange.End) any {
		_, query, found := strings.Cut(x.Request.Get(":path"), "?")
		if !found {
			return nil
		}
		return printable(redactQuery(query, e.keptParameters))
	}},
	{"host", func(_ *Extension, x *exchange.Exchange, _ exchange.End) any { return header(x.Request, ":authority") }},
	{"status", func(_ *Extension, x *exchange.Exchange, end exchange.End) any {
		if status := statusOf(x, end); status != 0 {
			return status
		}
		return nil
	}},
	{"durationMs", func(_ *Extension, x *exchange.Exchange, end exchange.End) any {
		if !x.Request.Has(":method") {
			return nil // a filter before this one has answered, nobody knows since when
		}
		return end.Duration.Milliseconds()
	}},
	{"requestBytes", func(_ *Extension, x *exchange.Exchange, end exchange.End) any {
		return bodyBytes(end.RequestBytes, x.Request)
	}},
	{"responseBytes", func(_ *Extension, x *exchange.Exchange, end exchange.End) any {
		if x.Request.Get(":method") == "HEAD" || statusOf(x, end) == 304 {
			return nil // the length is that of a body that was not sent
		}
		return bodyBytes(end.ResponseBytes, x.Response)
	}},
	{"requestId", func(_ *Extension, x *exchange.Exchange, _ exchange.End) any { return header(x.Request, "x-request-id") }},
	{"clientAddress", func(_ *Extension, x *exchange.Exchange, _ exchange.End) any {
		address := x.Attribute("source.address")
		if host, _, err := net.SplitHostPort(address); err == nil {
			address = host
		}
		if address == "" {
			return nil
		}
		return printable(address)
	}},
	{"userAgent", func(_ *Extension, x *exchange.Exchange, _ exchange.End) any { return header(x.Request, "user-agent") }},
}

// event says what is known of an exchange that is over.
func (e *Extension) event(x *exchange.Exchange, end exchange.End) []byte {
	outcome := "answered"
	if statusOf(x, end) == 0 {
		outcome = "aborted"
	}
	members := []member{
		{"event", "request"},
		{"time", x.Start.UTC().Format("2006-01-02T15:04:05.000Z07:00")},
		{"outcome", outcome},
	}
	for _, f := range fields {
		if slices.Contains(e.fields, f.name) {
			members = append(members, member{f.name, f.value(e, x, end)})
		}
	}
	return line(append(members,
		member{"requestHeaders", e.headers(e.requestHeaders, x.Request)},
		member{"responseHeaders", e.headers(e.responseHeaders, x.Response)},
		member{"claims", e.claimTexts(x)},
	))
}

// statusOf returns 0 if no response came by.
func statusOf(x *exchange.Exchange, end exchange.End) int {
	if end.Rejected != nil {
		return end.Rejected.Status
	}
	status, _ := strconv.Atoi(x.Response.Get(":status"))
	return status
}

// bodyBytes returns what was counted, else what the headers announce.
func bodyBytes(counted int64, h *exchange.Headers) any {
	if counted > 0 {
		return counted
	}
	announced, err := strconv.ParseInt(h.Get("content-length"), 10, 64)
	if err != nil || announced < 0 {
		return nil
	}
	return announced
}

func header(h *exchange.Headers, name string) any {
	if !h.Has(name) {
		return nil
	}
	return printable(h.Get(name))
}

func (e *Extension) headers(chosen []string, h *exchange.Headers) any {
	found := map[string][]string{}
	for _, name := range chosen {
		values := h.Values(name)
		switch {
		case len(values) == 0:
		case slices.Contains(alwaysRedacted, name) || slices.Contains(e.redactedHeaders, name):
			found[name] = []string{redacted}
		default:
			found[name] = printables(values)
		}
	}
	return orNothing(found)
}

func (e *Extension) claimTexts(x *exchange.Exchange) any {
	verified := x.Metadata(claimsNamespace)[e.provider]
	found := map[string][]string{}
	for _, c := range e.claims {
		value := verified
		for _, name := range c.path {
			object, _ := value.(map[string]any)
			value = object[name]
		}
		list, ok := value.([]any)
		if !ok {
			list = []any{value}
		}
		var texts []string
		for _, item := range list {
			switch v := item.(type) {
			case string:
				texts = append(texts, v)
			case bool:
				texts = append(texts, strconv.FormatBool(v))
			case float64:
				texts = append(texts, strconv.FormatFloat(v, 'f', -1, 64))
			}
		}
		if len(texts) > 0 {
			found[c.name] = printables(texts)
		}
	}
	return orNothing(found)
}

func orNothing(found map[string][]string) any {
	if len(found) == 0 {
		return nil
	}
	return found
}

func printables(texts []string) []string {
	result := make([]string, min(len(texts), mostValues))
	for i := range result {
		result[i] = printable(texts[i])
	}
	return result
}

// printable returns visible ASCII and blanks as they are, and every other byte
// percent-encoded, up to a limit.
func printable(text string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(text) && b.Len() < longest; i++ {
		if c := text[i]; c >= ' ' && c <= '~' {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()[:min(b.Len(), longest)]
}

// redactQuery hides the values of all parameters that are not kept. A part
// without a value may be one itself, as in ?token: it is hidden as well.
func redactQuery(query string, kept []string) string {
	var b strings.Builder
	for query != "" {
		part, separator := query, ""
		if at := strings.IndexAny(query, "&;"); at >= 0 {
			part, separator = query[:at], query[at:at+1]
		}
		query = query[len(part)+len(separator):]
		name, _, _ := strings.Cut(part, "=")
		switch {
		case part == "" || slices.Contains(kept, name):
			b.WriteString(part)
		case strings.Trim(part[len(name):], "=") == "":
			b.WriteString(redacted)
		default:
			b.WriteString(name + "=" + redacted)
		}
		b.WriteString(separator)
	}
	return b.String()
}

// inSample tells whether a value belongs to so many of ten thousand. The same
// value has the same fate everywhere: the sum is made so that every language of
// these extensions comes to the same. Three rounds more spread short values.
func inSample(value string, perTenThousand int) bool {
	sum := 0
	for _, c := range []byte(value + "\x00\x00\x00") {
		sum = (sum*65599 + int(c)) % 2147483647
	}
	return sum%10000 < perTenThousand
}
