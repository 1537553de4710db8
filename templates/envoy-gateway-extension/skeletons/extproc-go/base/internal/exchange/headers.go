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
type Headers struct {
	lines []line
	// edited has every name that was edited, with the values that it had before;
	// edit finds it there.
	edited []Change
	edit   map[string]int
}

// Change is a name whose values are no longer those that Envoy has.
type Change struct {
	Name          string
	Before, After []string
}

// NewHeaders builds headers from name, value, name, value, ... as Envoy has them.
func NewHeaders(pairs ...string) *Headers {
	h := &Headers{}
	for i := 0; i+1 < len(pairs); i += 2 {
		h.Receive(pairs[i], pairs[i+1])
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
	name = strings.ToLower(name)
	h.touch(name)
	h.lines = append(h.lines, line{name, value})
}

// Receive adds a line that Envoy has: it is no change.
func (h *Headers) Receive(name, value string) {
	h.lines = append(h.lines, line{strings.ToLower(name), value})
}

// Remove drops all lines of name.
func (h *Headers) Remove(name string) {
	name = strings.ToLower(name)
	h.touch(name)
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

// TakeChanges returns the names whose values differ from those that Envoy has,
// in the order of their first edit, and takes for granted that Envoy is told: the
// next call returns what changes from now on. Its time grows with the number of
// lines, and without an edit it costs nothing.
func (h *Headers) TakeChanges() []Change {
	if len(h.edited) == 0 {
		return nil
	}
	for _, l := range h.lines {
		if i, edited := h.edit[l.name]; edited {
			h.edited[i].After = append(h.edited[i].After, l.value)
		}
	}
	changes := slices.DeleteFunc(h.edited, func(c Change) bool { return slices.Equal(c.Before, c.After) })
	h.edited, h.edit = nil, nil
	return changes
}

// touch notes the values of a name, in lower case, before its first edit.
func (h *Headers) touch(name string) {
	if _, known := h.edit[name]; known {
		return
	}
	if h.edit == nil {
		h.edit = map[string]int{}
	}
	h.edit[name] = len(h.edited)
	h.edited = append(h.edited, Change{Name: name, Before: h.Values(name)})
}
