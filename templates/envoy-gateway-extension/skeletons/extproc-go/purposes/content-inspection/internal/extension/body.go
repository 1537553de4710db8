package extension

import (
	"regexp"
	"slices"
	"strings"

	"ext-proc-server/internal/exchange"
)

// What the headers say of a body. Where they contradict each other, another
// reader may believe another of them, so each counts.

// mediaTypes are all types that a message claims, in lower case without
// parameters; "" for one that is left out.
func mediaTypes(h *exchange.Headers) []string {
	var types []string
	for _, line := range h.Values("content-type") {
		for one := range strings.SplitSeq(line, ",") {
			one, _, _ = strings.Cut(one, ";")
			types = append(types, strings.ToLower(strings.TrimSpace(one)))
		}
	}
	return types
}

// isInspected tells whether a body is of a type that is looked at. One without
// a type is, or leaving the type out would be a way around.
func (c *config) isInspected(types []string) bool {
	return len(types) == 0 || slices.ContainsFunc(types, func(mediaType string) bool {
		return mediaType == "" || slices.ContainsFunc(c.contentTypes, func(pattern string) bool {
			prefix, suffix, any := strings.Cut(pattern, "*")
			if !any {
				return mediaType == pattern
			}
			return len(mediaType) >= len(prefix)+len(suffix) && strings.HasPrefix(mediaType, prefix) && strings.HasSuffix(mediaType, suffix)
		})
	})
}

var (
	// readable charsets are ASCII for ASCII characters, or have two or four bytes
	// for each of them. In others (UTF-7, Shift_JIS, EBCDIC) the bytes of ASCII
	// characters mean something else.
	readable = regexp.MustCompile(`^(utf-?8|(us-)?ascii|latin-?1|iso-?8859-[0-9]{1,2}|(windows-|cp)125[0-9]|utf-?(16|32)(le|be)?)$`)
)

// isReadable tells whether a body can be read: without a content-encoding, in
// a charset that is known, and as a whole.
func isReadable(h *exchange.Headers) bool {
	for _, line := range h.Values("content-encoding") {
		for coding := range strings.SplitSeq(line, ",") {
			if coding = strings.TrimSpace(coding); coding != "" && !strings.EqualFold(coding, "identity") {
				return false
			}
		}
	}
	for _, line := range h.Values("content-transfer-encoding") { // not for HTTP; some servers decode it
		if !slices.Contains(plainEncodings, strings.ToLower(strings.TrimSpace(line))) {
			return false
		}
	}
	if !h.CharsetsAre(readable.MatchString) {
		return false
	}
	return h.Get(":status") != "206" // a part, of which the rest went by before or comes later
}

// plainEncodings leave a body as it is (RFC 2045, section 6.2).
var plainEncodings = []string{"7bit", "8bit", "binary"}

// transferEncoded finds the parts of a multipart body that are written in an
// encoding of their own (RFC 7578, section 4.7), as some servers decode them. How
// blanks, line breaks and comments around the name are read differs, so all that
// does not plainly say that there is no such encoding is found.
var transferEncoded = formsOf(unreadable, form{first: "cC", match: sequence(
	anyCase("content-transfer-encoding"), run(space, 0, maxSpace), notPlainEncoding)})

var space = set("\x00- ")

// maxSpace is more than anybody needs, and less than the window.
const maxSpace = 400

// notPlainEncoding matches a colon behind which no plain encoding stands alone in
// its line. Behind too many blanks, it matches without one.
func notPlainEncoding(text []byte, at int) int {
	switch {
	case space.is(text, at):
		return at
	case at >= len(text) || text[at] != ':':
		return -1
	}
	value := run(set(" \t"), 0, maxSpace)(text, at+1)
	if end := plainValue(text, value); end >= 0 {
		return -1
	}
	return value
}

// plainValue ends with its line, which is not folded.
var plainValue = sequence(anyCase(plainEncodings...), run(set(" \t"), 0, maxSpace), notBefore(set("!-~\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\xff \t")),
	optional(oneOf("\r\n", "\r", "\n")), notBefore(set(" \t")))

func isMultipart(types []string) bool {
	return slices.ContainsFunc(types, func(t string) bool { return strings.HasPrefix(t, "multipart/") })
}

// separators end what a receiver is meant to read at once: an event or a line.
var separators = map[string]int{"text/event-stream": 2, "application/x-ndjson": 1}

// lineEnds finds the ends of events: a number of line breaks, in a text that
// comes in pieces.
type lineEnds struct {
	wanted int // 0: there are no events
	seen   int
	cr     bool // the last character was CR, of which LF would be the other half
}

// next returns how much of a piece belongs to the current event, and whether it
// is complete then.
func (l *lineEnds) next(piece []byte) (length int, complete bool) {
	for i, b := range piece {
		switch {
		case b == '\n' && l.cr:
			l.cr = false
			continue
		case b != '\n' && b != '\r':
			l.seen, l.cr = 0, false
			continue
		}
		l.cr = b == '\r'
		if l.seen++; l.wanted > 0 && l.seen >= l.wanted {
			return i + 1, true
		}
	}
	return len(piece), false
}
