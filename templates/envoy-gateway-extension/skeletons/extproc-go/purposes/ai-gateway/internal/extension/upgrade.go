package extension

import "ext-proc-server/internal/exchange"

// RefusesUpgrade is true for the API: what it then does would not be counted.
func (e *Extension) RefusesUpgrade(x *exchange.Exchange) bool { return callOf(x) != nil }
