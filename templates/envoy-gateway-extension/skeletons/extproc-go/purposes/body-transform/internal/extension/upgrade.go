package extension

import "ext-proc-server/internal/exchange"

// RefusesUpgrade is true: what a WebSocket carries would pass unedited.
func (e *Extension) RefusesUpgrade(*exchange.Exchange) bool { return true }
