package exchange

import (
	"iter"
	"slices"
	"strings"
)

type line struct{ name, value string }

// Headers is an ordered list of header lines. A name can have several lines.
// Names are kept in lower case, as in HTTP/2 and in everything that Envoy sends;
// every method takes them in any case.
type Headers struct{ lines []line }

// NewHeaders builds headers from name, value, name, value, ...
func NewHeaders(pairs ...string) *Headers {
	h := &Headers{}
	for i := 0; i+1 < len(pairs); i += 2 {
		h.Append(pairs[i], pairs[i+1])
	}
	return h
}

// Get returns the first value of name, or "" if there is none.
func (h *Headers) Get(name string) string {
	name = strings.ToLower(name)
	for _, l := range h.lines {
		if l.name == name {
			return l.value
		}
	}
	return ""
}

// Values returns all values of name in their order.
func (h *Headers) Values(name string) []string {
	name = strings.ToLower(name)
	var values []string
	for _, l := range h.lines {
		if l.name == name {
			values = append(values, l.value)
		}
	}
	return values
}

// Has tells whether name has a line.
func (h *Headers) Has(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(h.lines, func(l line) bool { return l.name == name })
}

// Set leaves name with exactly this value.
func (h *Headers) Set(name, value string) {
	h.Remove(name)
	h.Append(name, value)
}

// Append adds a line after the existing ones.
func (h *Headers) Append(name, value string) {
	h.lines = append(h.lines, line{strings.ToLower(name), value})
}

// Remove drops all lines of name.
func (h *Headers) Remove(name string) {
	name = strings.ToLower(name)
	h.lines = slices.DeleteFunc(h.lines, func(l line) bool { return l.name == name })
}

// Rename moves all values of name to another name, replacing what that one
// had. It does nothing if name is absent.
func (h *Headers) Rename(name, to string) {
	values := h.Values(name)
	if len(values) == 0 || strings.EqualFold(name, to) {
		return
	}
	h.Remove(name)
	h.Remove(to)
	for _, v := range values {
		h.Append(to, v)
	}
}

// All yields every line in order.
func (h *Headers) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, l := range h.lines {
			if !yield(l.name, l.value) {
				return
			}
		}
	}
}

// Clone returns an independent copy.
func (h *Headers) Clone() *Headers {
	return &Headers{lines: slices.Clone(h.lines)}
}
