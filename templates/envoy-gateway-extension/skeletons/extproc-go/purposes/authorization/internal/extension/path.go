package extension

import (
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

// segmentsOf splits a path at its slashes and decodes it. It is false for paths
// of which the upstream may think otherwise than the rules: with parameters
// (;), backslashes, encoded slashes, control characters, escapes that are none
// or that are encoded twice, bytes that are not UTF-8 (some servers read the
// overlong C0 AF as a slash), and for what Envoy normally resolves itself: dot
// segments and empty ones.
func segmentsOf(target string) ([]string, bool) {
	path, _, _ := strings.Cut(target, "?")
	rest, rooted := strings.CutPrefix(path, "/")
	if !rooted || strings.ContainsAny(path, "#") {
		return nil, false
	}
	segments := strings.Split(rest, "/")
	for i, escaped := range segments {
		s, ok := unescape(escaped)
		last := i == len(segments)-1
		if !ok || ambiguous(s) || s == "." || s == ".." || s == "" && !last {
			return nil, false
		}
		segments[i] = s
	}
	return segments, true
}

func unescape(s string) (string, bool) {
	if !strings.Contains(s, "%") {
		return s, true
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		c, ok := escapeAt(s, i)
		if !ok {
			return "", false
		}
		b.WriteByte(c)
		i += 2
	}
	return b.String(), true
}

// escapeAt decodes the escape that begins at i.
func escapeAt(s string, i int) (byte, bool) {
	if i+3 > len(s) {
		return 0, false
	}
	c, err := hex.DecodeString(s[i+1 : i+3])
	if err != nil {
		return 0, false
	}
	return c[0], true
}

func ambiguous(segment string) bool {
	if !utf8.ValidString(segment) {
		return true
	}
	for i := range len(segment) {
		switch c := segment[i]; {
		case c < ' ' || c == 0x7f || c == ';' || c == '\\' || c == '/':
			return true
		case c == '%':
			if _, twice := escapeAt(segment, i); twice {
				return true
			}
		}
	}
	return false
}

// pathPattern is what segments are compared with.
type pathPattern struct {
	segments []string
	wild     bool // "*" stands for one segment that is not empty
	open     bool // more segments may follow
}

func newPathPattern(match, path string, ignoreCase bool) pathPattern {
	if ignoreCase {
		path = lowerASCII(path)
	}
	p := pathPattern{segments: strings.Split(path, "/")[1:]}
	last := len(p.segments) - 1
	switch match {
	case "prefix":
		p.open = true
		if path == "/" {
			p.segments = nil
		}
	case "segments":
		p.wild = true
		if p.segments[last] == "**" {
			p.open, p.segments = true, p.segments[:last]
		}
	}
	return p
}

func (p pathPattern) matches(segments []string) bool {
	if len(segments) < len(p.segments) || len(segments) > len(p.segments) && !p.open {
		return false
	}
	for i, wanted := range p.segments {
		if p.wild && wanted == "*" {
			if segments[i] == "" {
				return false
			}
		} else if segments[i] != wanted {
			return false
		}
	}
	return true
}

// lowerASCII leaves all bytes but A to Z as they are.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
