package extension

import (
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

// textOf returns what a text, a truth value or a number is compared by.
func textOf(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	}
	return "", false
}

// textsOf returns the texts of a list, or the one of any other value.
func textsOf(value any) []string {
	list, isList := value.([]any)
	if !isList {
		list = []any{value}
	}
	var all []string
	for _, v := range list {
		if text, ok := textOf(v); ok {
			all = append(all, text)
		}
	}
	return all
}

// claimCondition asks something of one claim.
type claimCondition struct {
	names  []string
	is     string
	values []string
	place  *place // what the claim is compared with, instead of values
}

func (c claimCondition) holds(q request, segments []string, allows bool) bool {
	value := claimAt(q.claims, c.names)
	scalar, isScalar := textOf(value)
	list, _ := value.([]any)
	isText := func(v any) bool { _, ok := textOf(v); return ok }
	isWanted := func(v any) bool {
		text, ok := textOf(v)
		return ok && slices.Contains(c.values, text)
	}
	switch {
	case c.place != nil:
		return c.place.holds(q, segments, textsOf(value), allows)
	case c.is == "present":
		return isScalar || slices.ContainsFunc(list, isText)
	case c.is == "contains" && isScalar:
		return slices.Contains(strings.Split(scalar, " "), c.values[0])
	case c.is == "equals":
		return isWanted(value)
	default: // one-of, and contains of a list
		return isWanted(value) || slices.ContainsFunc(list, isWanted)
	}
}
