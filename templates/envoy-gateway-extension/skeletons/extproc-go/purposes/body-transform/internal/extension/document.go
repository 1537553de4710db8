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
	c := s.next()
	if c == '"' {
		return s.quoted()
	}
	start := s.pos
	if c == '{' || c == '[' {
		s.skipContainer()
	} else {
		for s.pos < len(s.text) && !isSpace(s.text[s.pos]) && bytes.IndexByte([]byte(",]}"), s.text[s.pos]) < 0 {
			s.pos++
		}
	}
	return s.text[start:s.pos]
}

func (s *scanner) skipContainer() {
	for depth := 0; ; {
		switch s.text[s.pos] {
		case '"':
			s.quoted()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		s.pos++
		if depth == 0 {
			return
		}
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

// rewrite copies one value to dst with the operation applied at the path, and
// tells whether it found its place. A key that occurs twice in an object is
// followed twice: which of them a receiver takes is its own choice.
func rewrite(dst []byte, s *scanner, path []token, op operation) ([]byte, bool) {
	open := s.next()
	if open != '{' && open != '[' {
		return append(dst, s.value()...), false
	}
	s.pos++
	dst = append(dst, open)
	here, last := path[0], len(path) == 1
	empty, found := true, false
	begin := func(key []byte) {
		if !empty {
			dst = append(dst, ',')
		}
		empty = false
		if key != nil {
			dst = append(append(dst, key...), ':')
		}
	}

	closing := open + 2 // in ASCII, of { and of [
	renames := last && op.renameTo != ""
	if renames && (open == '[' || !s.hasKey(here.key)) {
		// Nothing here has that name: what would be replaced stays.
		s.pos--
		return append(dst[:len(dst)-1], s.value()...), false
	}
	for i := 0; s.next() != closing; i++ {
		var key []byte
		match := open == '[' && i == here.index
		if open == '{' {
			key = s.quoted()
			match = string(appendCanonical(nil, key)) == here.key
		}
		switch {
		case renames && match:
			found = true
			begin([]byte(op.renameTo))
			dst = append(dst, s.value()...)
		case renames && string(appendCanonical(nil, key)) == op.renameTo:
			s.value()
		case !match:
			begin(key)
			dst = append(dst, s.value()...)
		case !last:
			begin(key)
			s.next()
			var deeper bool
			dst, deeper = rewrite(dst, s, path[1:], op)
			found = found || deeper
		default:
			found = true
			if value := op.replace(s.value()); value != nil {
				begin(key)
				dst = append(dst, value...)
			}
		}
	}
	s.pos++
	if last && !found && open == '{' && op.add != nil {
		found = true
		begin([]byte(here.key))
		dst = append(dst, op.add...)
	}
	return append(dst, closing), found
}

// hasKey looks ahead for a key, from within an object.
func (s *scanner) hasKey(key string) bool {
	for ahead := *s; ahead.next() != '}'; ahead.value() {
		if string(appendCanonical(nil, ahead.quoted())) == key {
			return true
		}
	}
	return false
}

// appendCompact writes a document without white space and with canonical strings.
func appendCompact(dst, text []byte) []byte {
	for s := (scanner{text: text}); s.pos < len(text); {
		c := text[s.pos]
		if c == '"' {
			dst = appendCanonical(dst, s.quoted())
			continue
		}
		if !isSpace(c) {
			dst = append(dst, c)
		}
		s.pos++
	}
	return dst
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
