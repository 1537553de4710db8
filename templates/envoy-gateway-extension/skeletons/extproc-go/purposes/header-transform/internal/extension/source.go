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
	case "cookie":
		name := v.Object("kind", "name")["name"]
		cookie := name.Text()
		if cookie == "" || strings.ContainsAny(cookie, "=; \t") {
			name.Wrong("write the name of a cookie, for example token")
		}
		return func(_, request *exchange.Headers) string { return cookieValue(request, cookie) }
	case "joined":
		m := v.Object("kind", "inputs", "separator")
		var inputs []source
		for _, input := range m["inputs"].Array() {
			if input.Member("kind").Text() == "joined" {
				input.Wrong("join sources of the other kinds only")
				continue
			}
			inputs = append(inputs, parseSource(input))
		}
		if len(inputs) < 2 {
			m["inputs"].Wrong("write at least two sources")
		}
		return joinedSources(inputs, m["separator"].HeaderValue())
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
		kind.Wrong("use header, request-header, cookie, path, path-segment, query or joined")
		return nil
	}
}

// unencoded are the characters that nobody has to percent-encode.
const unencoded = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

// joined returns all values of a header, as RFC 9110 combines lines.
func joined(h *exchange.Headers, name string) string {
	return strings.Join(h.Values(name), ", ")
}

// joinedSources has a value only where each of the sources has one.
func joinedSources(inputs []source, separator string) source {
	return func(message, request *exchange.Headers) string {
		values := make([]string, len(inputs))
		for i, input := range inputs {
			if values[i] = input(message, request); values[i] == "" {
				return ""
			}
		}
		return strings.Join(values, separator)
	}
}

// cookieValue returns the first cookie of that name (RFC 6265, section 5.4).
func cookieValue(request *exchange.Headers, cookie string) string {
	for _, line := range request.Values("cookie") {
		for pair := range strings.SplitSeq(line, ";") {
			if name, value, found := strings.Cut(trimmed(pair), "="); found && name == cookie {
				return value
			}
		}
	}
	return ""
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
