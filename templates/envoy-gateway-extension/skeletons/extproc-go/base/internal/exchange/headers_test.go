package exchange

import (
	"slices"
	"testing"
)

func TestHeaders(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Headers)
		want   map[string][]string
	}{
		{"set replaces every line", func(h *Headers) { h.Set("x-a", "new") }, map[string][]string{"x-a": {"new"}, "x-b": {"3"}}},
		{"set adds what is absent", func(h *Headers) { h.Set("x-c", "new") }, map[string][]string{"x-a": {"1", "2"}, "x-c": {"new"}}},
		{"append keeps the order", func(h *Headers) { h.Append("x-a", "last") }, map[string][]string{"x-a": {"1", "2", "last"}}},
		{"names become lower case", func(h *Headers) { h.Append("X-A", "last") }, map[string][]string{"x-a": {"1", "2", "last"}}},
		{"remove drops every line", func(h *Headers) { h.Remove("x-a") }, map[string][]string{"x-a": nil, "x-b": {"3"}}},
		{"remove of an absent name", func(h *Headers) { h.Remove("x-c") }, map[string][]string{"x-a": {"1", "2"}, "x-b": {"3"}}},
		{"rename moves and replaces", func(h *Headers) { h.Rename("x-a", "x-b") }, map[string][]string{"x-a": nil, "x-b": {"1", "2"}}},
		{"rename of an absent name", func(h *Headers) { h.Rename("x-c", "x-b") }, map[string][]string{"x-b": {"3"}, "x-c": nil}},
		{"rename to itself", func(h *Headers) { h.Rename("x-a", "x-a") }, map[string][]string{"x-a": {"1", "2"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := NewHeaders("x-a", "1", "x-b", "3", "x-a", "2")
			before := h.Clone()
			tt.change(h)
			for name, want := range tt.want {
				if got := h.Values(name); !slices.Equal(got, want) {
					t.Errorf("%s = %q, want %q", name, got, want)
				}
				if h.Has(name) != (len(want) > 0) {
					t.Errorf("Has(%s) = %t", name, h.Has(name))
				}
			}
			if got := before.Values("x-a"); !slices.Equal(got, []string{"1", "2"}) {
				t.Errorf("the clone changed with its origin: %q", got)
			}
		})
	}
}

func TestGetReturnsTheFirstValue(t *testing.T) {
	h := NewHeaders("x-a", "1", "x-a", "2")
	if h.Get("x-a") != "1" || h.Get("x-b") != "" {
		t.Errorf("Get = %q, %q", h.Get("x-a"), h.Get("x-b"))
	}
}
