package processor

import (
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"

	"ext-proc-server/internal/exchange"
)

func TestHeaderMutation(t *testing.T) {
	tests := []struct {
		name          string
		before, after *exchange.Headers
		want          string
	}{
		{"same", exchange.NewHeaders("a", "1", "b", "2"), exchange.NewHeaders("b", "2", "a", "1"), ""},
		{"added", exchange.NewHeaders(), exchange.NewHeaders("a", "1", "a", "2"), "a=1 a+=2"},
		{"one value replaced", exchange.NewHeaders("a", "1"), exchange.NewHeaders("a", "2"), "a=2"},
		{"several lines replaced", exchange.NewHeaders("a", "1", "a", "2"), exchange.NewHeaders("a", "3"), "-a a=3"},
		{"appended", exchange.NewHeaders("a", "1", "a", "2"), exchange.NewHeaders("a", "1", "a", "2", "a", "3"), "-a a=1 a+=2 a+=3"},
		{"order changed", exchange.NewHeaders("a", "1", "a", "2"), exchange.NewHeaders("a", "2", "a", "1"), "-a a=2 a+=1"},
		{"removed", exchange.NewHeaders("a", "1", "a", "2", "b", "1"), exchange.NewHeaders("b", "1"), "-a"},
		{"framing is left alone", exchange.NewHeaders("content-length", "1"), exchange.NewHeaders("content-length", "2", "transfer-encoding", "chunked"), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := tt.before
			for name := range tt.after.All() {
				h.Remove(name)
			}
			for _, name := range names(h) {
				h.Remove(name)
			}
			for name, value := range tt.after.All() {
				h.Append(name, value)
			}
			m := headerMutation(h.TakeChanges())
			expect(t, "mutation", text(m), tt.want)
			expect(t, "nil", m == nil, tt.want == "")
		})
	}
}

// names of all lines, which can then be removed.
func names(h *exchange.Headers) (names []string) {
	for name := range h.All() {
		names = append(names, name)
	}
	return names
}

func TestValueOf(t *testing.T) {
	for want, h := range map[string]*corev3.HeaderValue{
		"raw":   {Value: "plain", RawValue: []byte("raw")},
		"plain": {Value: "plain"},
		"":      {},
	} {
		expect(t, "value", valueOf(h), want)
	}
}
