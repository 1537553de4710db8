package extension

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// claimAt follows the names from the outside in; nil if there is no such claim.
func claimAt(claims map[string]any, names []string) any {
	var value any = claims
	for _, name := range names {
		object, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = object[name]
	}
	return value
}

// textOf returns what a text, a truth value or a whole number is compared by.
// Envoy has numbers as float64, which are exact up to 2^53.
func textOf(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return strconv.FormatInt(int64(v), 10), true
		}
	}
	return "", false
}

// claimCondition asks something of one claim.
type claimCondition struct {
	names  []string
	is     string
	values []string
}

func (c claimCondition) holds(claims map[string]any) bool {
	value := claimAt(claims, c.names)
	isOne := func(v any) bool {
		text, ok := textOf(v)
		return ok && slices.Contains(c.values, text)
	}
	list, isList := value.([]any)
	switch c.is {
	case "present":
		return value != nil
	case "equals":
		return isOne(value)
	case "contains":
		if words, ok := value.(string); ok {
			return slices.Contains(strings.Split(words, " "), c.values[0])
		}
		return isList && slices.ContainsFunc(list, isOne)
	default: // one-of
		return isOne(value) || slices.ContainsFunc(list, isOne)
	}
}
