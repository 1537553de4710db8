package processor

import (
	"encoding/json"
	"strconv"

	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"

	"ext-proc-server/internal/exchange"
)

// takeInputs notes what Envoy tells beside headers and bodies. It sends
// attributes once per direction, and metadata as it is at each message.
func takeInputs(x *exchange.Exchange, message *extprocv3.ProcessingRequest) {
	for namespace, values := range message.GetMetadataContext().GetFilterMetadata() {
		x.SetMetadata(namespace, values.AsMap())
	}
	for _, group := range message.GetAttributes() {
		for name, value := range group.GetFields() {
			x.SetAttribute(name, attributeText(value.AsInterface()))
		}
	}
}

// attributeText writes numbers without an exponent, lists and maps as JSON.
func attributeText(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		text, err := json.Marshal(v)
		if err != nil {
			return "" // NaN or infinity in a list
		}
		return string(text)
	}
}
