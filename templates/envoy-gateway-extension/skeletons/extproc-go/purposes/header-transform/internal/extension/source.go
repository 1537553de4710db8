package extension

import (
	"strings"

	"ext-proc-server/internal/exchange"
	"ext-proc-server/internal/settings"
)

// source reads a value; "" means that there is none. What it reads of a path or
// a query stays percent-encoded: decoded it could hold line breaks.
type source func(message, request *exchange.Headers) string

func parseSource(v settings.Value) source {
	kind := v.Member("kind")
	switch kind.Text() {
	case "header":
		name := v.Object("kind", "name")["name"].HeaderName()
		return func(message, _ *exchange.Headers) string { return joined(message, name) }
	case "request-header":
		name := v.Object("kind", "name")["name"].HeaderName()
		return func(_, request *exchange.Headers) string { return joined(request, name) }
	case "path":
		v.Object("kind")
		return fromTarget(func(path, _ string) string { return path })
	case "path-segment":
		number := v.Object("kind", "segment")["segment"]
		n := number.Count()
		if n == 0 {
			number.Wrong("write 1 or more; 1 is the first segment")
		}
		return fromTarget(func(path, _ string) string { return segment(path, n) })
	case "query":
		name := v.Object("kind", "name")["name"]
		parameter := name.Text()
		if strings.Trim(parameter, unencoded) != "" || parameter == "" {
			name.Wrong("write the name of a query parameter: letters, digits and . _ ~ - only")
		}
		return fromTarget(func(_, query string) string { return queryValue(query, parameter) })
	default:
		kind.Wrong("use header, request-header, path, path-segment or query")
		return nil
	}
}

// unencoded are the characters that nobody has to percent-encode.
const unencoded = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

// joined returns all values of a header, as RFC 9110 combines lines.
func joined(h *exchange.Headers, name string) string {
	return strings.Join(h.Values(name), ", ")
}

// fromTarget reads a part of what the client asked for.
func fromTarget(part func(path, query string) string) source {
	return func(_, request *exchange.Headers) string {
		path, query, _ := strings.Cut(request.Get(":path"), "?")
		return part(path, query)
	}
}

// segment returns the nth part of a path; /a/b has a and b.
func segment(path string, n int) string {
	parts := strings.SplitN(path, "/", n+2)
	if n >= len(parts) {
		return ""
	}
	return parts[n]
}

// queryValue returns the first value of a parameter.
func queryValue(query, parameter string) string {
	for pair := range strings.SplitSeq(query, "&") {
		if name, value, _ := strings.Cut(pair, "="); name == parameter {
			return value
		}
	}
	return ""
}
