package exchange

import (
	"fmt"
	"reflect"
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
			tt.change(h)
			for name, want := range tt.want {
				if got := h.Values(name); !slices.Equal(got, want) {
					t.Errorf("%s = %q, want %q", name, got, want)
				}
				if h.Has(name) != (len(want) > 0) {
					t.Errorf("Has(%s) = %t", name, h.Has(name))
				}
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

func TestTakeChanges(t *testing.T) {
	tests := []struct {
		name string
		edit func(*Headers)
		want []Change
	}{
		{"nothing", func(*Headers) {}, nil},
		{"set to the same value", func(h *Headers) { h.Set("x-b", "3") }, nil},
		{"removed and added again", func(h *Headers) { h.Remove("x-b"); h.Append("X-B", "3") }, nil},
		{"removed what is absent", func(h *Headers) { h.Remove("x-c") }, nil},
		{"set", func(h *Headers) { h.Set("X-A", "new") }, []Change{{"x-a", []string{"1", "2"}, []string{"new"}}}},
		{"twice", func(h *Headers) { h.Set("x-b", "4"); h.Set("x-b", "5") }, []Change{{"x-b", []string{"3"}, []string{"5"}}}},
		{"renamed", func(h *Headers) { h.Rename("x-b", "x-c") }, []Change{{"x-b", []string{"3"}, nil}, {"x-c", nil, []string{"3"}}}},
		{"appended", func(h *Headers) { h.Append("x-b", "4") }, []Change{{"x-b", []string{"3"}, []string{"3", "4"}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := NewHeaders("x-a", "1", "x-b", "3", "x-a", "2")
			tt.edit(h)
			if got := h.TakeChanges(); len(got)+len(tt.want) > 0 && !reflect.DeepEqual(got, tt.want) {
				t.Errorf("changes %q, want %q", got, tt.want)
			}
			if again := h.TakeChanges(); len(again) > 0 {
				t.Errorf("told twice: %q", again)
			}
			h.Set("x-b", "later")
			if later := h.TakeChanges(); len(later) != 1 || later[0].Name != "x-b" {
				t.Errorf("a later edit gave %q", later)
			}
		})
	}
}

// many returns n headers of different names.
func many(n int) *Headers {
	h := &Headers{}
	for i := range n {
		h.Receive(fmt.Sprintf("x-header-%d", i), "value")
	}
	return h
}

func TestUntouchedHeadersCostNothing(t *testing.T) {
	h := many(300)
	if n := testing.AllocsPerRun(100, func() { h.TakeChanges() }); n != 0 {
		t.Errorf("%v allocations without an edit", n)
	}
	edit := func(n int) float64 {
		h := many(n)
		return testing.AllocsPerRun(100, func() {
			h.Set("x-header-1", "new")
			h.TakeChanges()
			h.Set("x-header-1", "value")
			h.TakeChanges()
		})
	}
	if few, lots := edit(10), edit(300); few != lots {
		t.Errorf("an edit among 10 headers needs %v allocations, among 300 %v", few, lots)
	}
}

func BenchmarkTakeChanges(b *testing.B) {
	for _, n := range []int{30, 300} {
		b.Run(fmt.Sprintf("unchanged/%d", n), func(b *testing.B) {
			h := many(n)
			for b.Loop() {
				h.TakeChanges()
			}
		})
		b.Run(fmt.Sprintf("one changed/%d", n), func(b *testing.B) {
			h := many(n)
			for b.Loop() {
				h.Set("x-header-1", "new")
				h.TakeChanges()
				h.Set("x-header-1", "value")
				h.TakeChanges()
			}
		})
		b.Run(fmt.Sprintf("all changed/%d", n), func(b *testing.B) {
			for b.Loop() {
				h := many(n)
				for name := range many(n).All() {
					h.Set(name, "new")
				}
				h.TakeChanges()
			}
		})
	}
}
