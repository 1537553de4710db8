package processor

import (
	"strings"

	"ext-proc-server/internal/exchange"
)

// upgradeOf returns the protocol of an upgrade. Envoy shows one from HTTP/2 like
// one from HTTP/1.1, and drops both headers from any other request.
func upgradeOf(request *exchange.Headers) string {
	if strings.EqualFold(request.Get(":method"), "CONNECT") {
		return "connect"
	}
	for _, value := range request.Values("connection") {
		for option := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.TrimSpace(option), "upgrade") {
				return strings.ToLower(request.Get("upgrade"))
			}
		}
	}
	return ""
}

// isUpgraded tells whether what follows these headers is no body but another
// protocol. An upstream may also answer as if nothing had been asked.
func (s *stream) isUpgraded(d *direction) bool {
	if s.exchange.Upgrade == "" || d == s.request {
		return s.exchange.Upgrade != ""
	}
	status := d.headers.Get(":status")
	return status == "101" || s.exchange.Upgrade == "connect" && strings.HasPrefix(status, "2")
}
