package extension

import (
	"fmt"
	"net/http"
	"strings"

	"ext-proc-server/internal/exchange"
)

// content is what a message's headers say of its body.
type content int

const (
	// contentJSON is read as one JSON document: the type says JSON, or there is
	// no single valid type to go by.
	contentJSON content = iota
	// contentOther says that it is something else.
	contentOther
)

// reason says why a body cannot be read; it is a metric's label.
type reason string

const (
	readable      reason = ""
	byEncoding    reason = "encoding" // compressed, for example
	byPart        reason = "partial"  // only a piece of the representation
	byType        reason = "type"     // several documents or parts in one body
	byCharset     reason = "charset"  // other than UTF-8
	notJSON       reason = "json"     // not one JSON document
	labelledOther reason = "label"    // begins like JSON, and says that it is something else
)

// examine reads the headers of a message. The reason is not empty if its body
// cannot be read, whatever is in it.
func examine(h *exchange.Headers) (content, reason) {
	types := contentTypes(h)
	kind := contentOther
	pieces := false
	for _, t := range types {
		switch {
		case saysJSON(t):
			kind = contentJSON
		case strings.HasPrefix(t, "multipart/") || t == "text/event-stream":
			pieces = true
		}
	}
	if len(types) == 0 {
		kind = contentJSON // RFC 9110, section 8.3: its receiver may look into it and guess
	}
	switch {
	case isEncoded(h):
		return kind, byEncoding
	case isPartial(h):
		return kind, byPart
	case kind == contentJSON && !h.CharsetsAre(isUTF8):
		return kind, byCharset
	case kind == contentOther && pieces:
		return kind, byType
	}
	return kind, readable
}

// saysJSON is true for every type with json in its name. Receivers take far more
// than application/json for JSON, and a type that is not valid for anything.
func saysJSON(mediaType string) bool {
	name, subtype, found := strings.Cut(mediaType, "/")
	return strings.Contains(mediaType, "json") || !found || !isToken(name) || !isToken(subtype)
}

// isToken: RFC 9110, section 5.6.2, of text in lower case.
func isToken(s string) bool {
	return s != "" && strings.Trim(s, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz") == ""
}

// isUTF8 tells whether a charset is UTF-8 or the part of it that is ASCII.
func isUTF8(charset string) bool {
	return charset == "utf-8" || charset == "utf8" || charset == "us-ascii" || charset == "ascii"
}

// isEncoded tells whether the body is compressed, for example.
func isEncoded(h *exchange.Headers) bool {
	for _, line := range h.Values("content-encoding") {
		for coding := range strings.SplitSeq(line, ",") {
			coding = strings.TrimSpace(coding)
			if coding != "" && !strings.EqualFold(coding, "identity") {
				return true
			}
		}
	}
	return false
}

// isPartial tells whether the body is a piece of the representation (RFC 9110,
// section 14) or a difference from another one (RFC 3229).
func isPartial(h *exchange.Headers) bool {
	status := h.Get(":status")
	return h.Has("content-range") || status == "206" || status == "226"
}

// hasNoContent is true of responses whose headers describe a body that is not
// there.
func hasNoContent(status string) bool { return status == "204" || status == "304" }

// contentTypes returns the media types of all content-type lines, in lower case.
// A single type is the rule; receivers differ on which of several counts.
func contentTypes(h *exchange.Headers) (types []string) {
	for _, line := range h.Values("content-type") {
		for _, value := range splitOutsideQuotes(line, ',') {
			parts := splitOutsideQuotes(value, ';')
			mediaType := strings.ToLower(strings.TrimSpace(parts[0]))
			if mediaType == "" && len(parts) == 1 {
				continue
			}
			types = append(types, mediaType)
		}
	}
	return types
}

func isGRPC(h *exchange.Headers) bool {
	return strings.HasPrefix(strings.ToLower(h.Get("content-type")), "application/grpc")
}

func splitOutsideQuotes(s string, separator byte) []string {
	var parts []string
	start, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == separator && !quoted:
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	return append(parts, s[start:])
}

// sniffer lets a body pass that says it is not JSON, unless it begins like a
// document in which an operation could find its place. Whoever sends it chooses
// the type, and some receivers do not look at it.
type sniffer struct {
	arrays  bool // whether an array could be such a document
	framed  bool // each message begins with its length, which can look like anything
	refuse  func() error
	decided bool
}

func (s *sniffer) Chunk(chunk []byte, _ bool) ([]byte, error) {
	for _, c := range chunk {
		if s.decided {
			break
		}
		if c <= ' ' && (c != 0 || !s.framed) || strings.IndexByte("\xef\xbb\xbf\xfe\xff", c) >= 0 {
			continue // what lenient readers skip, and byte order marks, also of UTF-16 and UTF-32
		}
		s.decided = true
		if c == '{' || c == '[' && s.arrays {
			return nil, s.refuse()
		}
	}
	return chunk, nil
}

// answer is what a client gets in place of a message that cannot be read.
type answer struct {
	status int
	detail string
	header [2]string // that tells what would be accepted; empty if there is none
}

// RFC 9110, section 15.5.16: 415 is for a type or an encoding that is not
// supported, also as a result of inspecting the data. Section 14.5: 400 is for a
// range that is not.
var toRequests = map[reason]answer{
	byEncoding:    {415, "Send the body without a content-encoding.", [2]string{"accept-encoding", "identity"}},
	byPart:        {400, "Send the whole body, without content-range.", [2]string{}},
	byType:        {415, "Send one JSON document; a body of several parts or events cannot be read.", [2]string{"accept", "application/json"}},
	byCharset:     {415, "Send JSON in UTF-8.", [2]string{"accept", "application/json"}},
	notJSON:       {415, "The body is not one JSON document in UTF-8.", [2]string{"accept", "application/json"}},
	labelledOther: {415, "The body begins like JSON; send it as application/json.", [2]string{"accept", "application/json"}},
}

var toResponses = answer{status: 502, detail: "The response cannot be read as one JSON document."}

// rejection is the answer as a problem (RFC 9457).
func rejection(direction string, why reason) error {
	a := toResponses
	if direction == "request" {
		a = toRequests[why]
	}
	headers := exchange.NewHeaders("content-type", "application/problem+json")
	if a.header[0] != "" {
		headers.Set(a.header[0], a.header[1])
	}
	return &exchange.Rejection{
		Status:  a.status,
		Headers: headers,
		Body:    problem(a.status, a.detail),
		Reason:  "ext_proc_" + direction + "_body_unreadable_" + string(why),
	}
}

// problem takes a detail that needs no escapes.
func problem(status int, detail string) string {
	return fmt.Sprintf("{\"type\":\"about:blank\",\"title\":%q,\"status\":%d,\"detail\":%q}\n", http.StatusText(status), status, detail)
}
