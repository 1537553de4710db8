package extension

import (
	"bytes"
	"slices"
)

// matcher tells where a match that begins at text[at] ends; -1 if none does. It
// may look at the two bytes before, and never looks beyond the end of text.
// Matchers never go back, so that they take linear time: what a run has taken
// it does not give up again.
type matcher func(text []byte, at int) int

// class is a set of bytes.
type class [256]bool

// set returns the bytes in s, with ranges such as a-z; a hyphen that stands at
// the end is itself.
func set(s string) *class {
	c := &class{}
	for i := 0; i < len(s); i++ {
		if i+2 < len(s) && s[i+1] == '-' {
			for b := int(s[i]); b <= int(s[i+2]); b++ {
				c[b] = true
			}
			i += 2
			continue
		}
		c[s[i]] = true
	}
	return c
}

var (
	digit     = set("0-9")
	letter    = set("A-Za-z")
	wordByte  = set("0-9A-Za-z_")
	tokenByte = set("0-9A-Za-z_-")
	hexDigit  = set("0-9A-Fa-f")
)

// is tells whether there is a byte of the class.
func (c *class) is(text []byte, at int) bool {
	return at >= 0 && at < len(text) && c[text[at]]
}

// any tells whether a byte of the class is in the text.
func (c *class) any(text []byte) bool {
	return slices.ContainsFunc(text, func(b byte) bool { return c[b] })
}

// sequence matches one part after the other.
func sequence(parts ...matcher) matcher {
	return func(text []byte, at int) int {
		for _, part := range parts {
			if at = part(text, at); at < 0 {
				return -1
			}
		}
		return at
	}
}

// oneOf matches the first of the texts that is there.
func oneOf(texts ...string) matcher {
	return func(text []byte, at int) int {
		for _, t := range texts {
			if len(text)-at >= len(t) && string(text[at:at+len(t)]) == t {
				return at + len(t)
			}
		}
		return -1
	}
}

// anyCase is oneOf for texts in lower case.
func anyCase(texts ...string) matcher {
	return func(text []byte, at int) int {
		for _, t := range texts {
			if len(text)-at >= len(t) && equalFold(text[at:at+len(t)], t) {
				return at + len(t)
			}
		}
		return -1
	}
}

// equalFold knows ASCII only.
func equalFold(text []byte, lower string) bool {
	for i, b := range text {
		if 'A' <= b && b <= 'Z' {
			b += 'a' - 'A'
		}
		if b != lower[i] {
			return false
		}
	}
	return true
}

// optional matches nothing where m does not match.
func optional(m matcher) matcher {
	return func(text []byte, at int) int {
		if end := m(text, at); end >= 0 {
			return end
		}
		return at
	}
}

// run matches as many bytes of the class as there are, up to most.
func run(c *class, least, most int) matcher {
	return func(text []byte, at int) int {
		end := at
		for end < at+most && c.is(text, end) {
			end++
		}
		if end-at < least {
			return -1
		}
		return end
	}
}

// times matches m as often as it can, up to most.
func times(m matcher, least, most int) matcher {
	return func(text []byte, at int) int {
		n := 0
		for ; n < most; n++ {
			end := m(text, at)
			if end < 0 {
				break
			}
			at = end
		}
		if n < least {
			return -1
		}
		return at
	}
}

// notAfter matches where no byte of the class stands before.
func notAfter(c *class) matcher {
	return func(text []byte, at int) int {
		if c.is(text, at-1) {
			return -1
		}
		return at
	}
}

// notBefore matches where no byte of the class follows.
func notBefore(c *class) matcher {
	return func(text []byte, at int) int {
		if c.is(text, at) {
			return -1
		}
		return at
	}
}

// tail tells how far a match goes on at text[at], and whether it can go on
// after that.
type tail func(text []byte, at int) (end int, more bool)

// while goes on through bytes of the class.
func while(c *class) tail {
	return func(text []byte, at int) (int, bool) {
		if c.is(text, at) {
			return at + 1, true
		}
		return at, false
	}
}

var (
	pemByte = set("0-9A-Za-z+/=\\ \t\r\n\v\f:,-")
	pemEnd  = sequence(oneOf("-----END "), run(set("A-Z "), 1, 32), oneOf("-----"))
)

// pemBody goes on through the body of a PEM text (RFC 7468) and its last line.
// Line breaks may be those of a JSON string: \n.
func pemBody(text []byte, at int) (int, bool) {
	if bytes.HasPrefix(text[at:], []byte("-----END ")) {
		return max(at, pemEnd(text, at)), false
	}
	return while(pemByte)(text, at)
}
