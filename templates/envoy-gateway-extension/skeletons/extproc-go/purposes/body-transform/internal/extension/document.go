package extension

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A document is edited as text. Go's own types would lose the order of keys,
// keys that occur twice and the text of numbers (1.0, 12345678901234567890),
// and a tree of small values takes far more memory than its text.

// isDocument tells whether text is exactly one JSON value in UTF-8. The scanner
// relies on that.
func isDocument(text []byte) bool { return utf8.Valid(text) && json.Valid(text) }

// scanner reads valid JSON.
type scanner struct {
	text []byte
	pos  int
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// next skips white space and separators, and returns the byte that follows.
func (s *scanner) next() byte {
	for isSpace(s.text[s.pos]) || s.text[s.pos] == ',' || s.text[s.pos] == ':' {
		s.pos++
	}
	return s.text[s.pos]
}

// value reads a value without a look inside.
func (s *scanner) value() []byte {
	s.next()
	start := s.pos
	s.walk(func([]byte) {})
	return s.text[start:s.pos]
}

// copyTo reads a value and writes it without white space and with canonical
// strings.
func (s *scanner) copyTo(dst []byte) []byte {
	s.next()
	s.walk(func(piece []byte) { dst = appendCanonical(dst, piece) })
	return dst
}

// walk reads the value that begins here and hands it out in pieces, without
// white space: each string is one.
func (s *scanner) walk(piece func([]byte)) {
	start := s.pos
	flush := func() {
		if start < s.pos {
			piece(s.text[start:s.pos])
		}
		start = s.pos
	}
	defer flush()
	for depth := 0; s.pos < len(s.text); {
		switch c := s.text[s.pos]; {
		case c == '"':
			flush()
			s.quoted()
			flush()
			if depth == 0 {
				return
			}
			continue
		case isSpace(c):
			flush()
			if depth == 0 {
				return
			}
			s.pos++
			start = s.pos
			continue
		case c == '{' || c == '[':
			depth++
		case (c == ',' || c == ']' || c == '}') && depth == 0:
			return // behind a number or a word
		case c == ']' || c == '}':
			depth--
			if depth == 0 {
				s.pos++
				return
			}
		}
		s.pos++
	}
}

// quoted reads a string with its quotes.
func (s *scanner) quoted() []byte {
	start := s.pos
	for s.pos++; s.text[s.pos] != '"'; s.pos++ {
		if s.text[s.pos] == '\\' {
			s.pos++
		}
	}
	s.pos++
	return s.text[start:s.pos]
}

// appendCanonical writes a string with its escape sequences in one form:
// characters as themselves in UTF-8, and escapes only where JSON demands them.
// One half of a surrogate pair has no UTF-8 form, so it keeps its escape.
func appendCanonical(dst, quoted []byte) []byte {
	for {
		plain := bytes.IndexByte(quoted, '\\')
		if plain < 0 {
			return append(dst, quoted...)
		}
		dst, quoted = append(dst, quoted[:plain]...), quoted[plain:]
		size := 2
		switch quoted[1] {
		case '/':
			dst = append(dst, '/')
		case 'u':
			var r rune
			r, size = unescape(quoted)
			dst = appendRune(dst, r)
		default:
			dst = append(dst, quoted[:2]...)
		}
		quoted = quoted[size:]
	}
}

// unescape reads \uXXXX, or two of them that form a surrogate pair.
func unescape(s []byte) (rune, int) {
	r := hex4(s[2:])
	if utf16.IsSurrogate(r) && len(s) >= 12 && string(s[6:8]) == `\u` {
		if pair := utf16.DecodeRune(r, hex4(s[8:])); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return r, 6
}

func hex4(s []byte) rune {
	r, _ := strconv.ParseUint(string(s[:4]), 16, 32)
	return rune(r)
}

// appendRune writes one character of a string.
func appendRune(dst []byte, r rune) []byte {
	if i := strings.IndexRune("\"\\\b\f\n\r\t", r); i >= 0 {
		return append(dst, '\\', `"\bfnrt`[i])
	}
	if r < ' ' || utf16.IsSurrogate(r) {
		const digits = "0123456789abcdef"
		return append(dst, '\\', 'u', digits[r>>12], digits[r>>8&15], digits[r>>4&15], digits[r&15])
	}
	return utf8.AppendRune(dst, r)
}

// quote returns the canonical text of a string.
func quote(s string) []byte {
	dst := []byte{'"'}
	for _, r := range s {
		dst = appendRune(dst, r)
	}
	return append(dst, '"')
}
