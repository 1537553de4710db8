package extension

import "ext-proc-server/internal/exchange"

// RefusesUpgrade is true where bodies are inspected: what a WebSocket carries
// would pass without that.
func (e *Extension) RefusesUpgrade(*exchange.Exchange) bool {
	return len(e.response) > 0 || e.body && len(e.request) > 0
}
