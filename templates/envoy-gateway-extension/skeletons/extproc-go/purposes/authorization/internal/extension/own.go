package extension

import (
	"slices"
	"strings"

	"ext-proc-server/internal/settings"
)

// place is a part of the request that a claim is compared with. It returns the
// values there, or false where servers disagree about them.
type place struct {
	values     func(q request, segments []string) ([]string, bool)
	ignoreCase bool
	lists      bool // a value may be a list with commas
}

// holds is strict with several values: another one never widens what is
// allowed, and never evades what is denied. Nor does what cannot be read.
func (p place) holds(q request, segments []string, claim []string, allows bool) bool {
	values, ok := p.values(q, segments)
	if !ok {
		return !allows
	}
	same := func(value string) bool {
		return value != "" && slices.ContainsFunc(claim, func(text string) bool {
			return p.fold(text) == p.fold(value)
		})
	}
	if allows {
		return len(values) > 0 && !slices.ContainsFunc(values, func(value string) bool { return !same(value) })
	}
	return slices.ContainsFunc(values, same) || p.lists && slices.ContainsFunc(elements(values), same)
}

func (p place) fold(text string) string {
	if p.ignoreCase {
		return lowerASCII(text)
	}
	return text
}

// parsePlace reads a condition that compares a claim with the request.
func parsePlace(v settings.Value, is string, ignoreCase bool) place {
	switch is {
	case "equals-segment":
		number := v.Object("is", "claim", "segment")["segment"]
		n := number.Count()
		if n == 0 {
			number.Wrong("write 1 or more; 1 is the first segment")
			n = 1
		}
		return place{ignoreCase: ignoreCase, values: func(_ request, segments []string) ([]string, bool) {
			if n > len(segments) {
				return nil, true
			}
			return segments[n-1 : n], true
		}}
	case "equals-header":
		name := headerName(v.Object("is", "claim", "name")["name"])
		return place{lists: true, values: func(q request, _ []string) ([]string, bool) { return q.headers.Values(name), true }}
	case "equals-query":
		name := v.Object("is", "claim", "name")["name"]
		parameter := name.Text()
		if strings.Trim(parameter, unencoded) != "" || parameter == "" {
			name.Wrong("write the name of a query parameter: letters, digits and . _ ~ - only")
		}
		return place{values: func(q request, _ []string) ([]string, bool) { return queryValues(q.path, parameter) }}
	default:
		v.Object("is", "claim")
		return place{ignoreCase: true, values: func(q request, _ []string) ([]string, bool) {
			return []string{hostName(q.headers.Get(":authority"))}, true
		}}
	}
}

// unencoded are the characters that nobody has to percent-encode.
const unencoded = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

// queryValues returns all values of a parameter, decoded as forms are, under
// every name that some server takes for it (see parameterName). It is false
// for a query that servers read in different ways: with escapes that are none,
// or with ; which some take for &.
func queryValues(target, parameter string) ([]string, bool) {
	_, query, _ := strings.Cut(target, "?")
	if strings.Contains(query, ";") {
		return nil, false
	}
	wanted := parameterName(parameter)
	var values []string
	for pair := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		name, ok := formDecoded(key)
		text, ok2 := formDecoded(value)
		if !ok || !ok2 {
			return nil, false
		}
		if parameterName(name) == wanted {
			values = append(values, text)
		}
	}
	return values, true
}

// parameterName is what names have in common that some server takes for one:
// names without regard to case, tenant[] and tenant[x] (PHP, Rails and qs put
// them in the place of tenant), names with blanks around them, names that end
// at a zero byte, and a dot or a blank for an underscore (PHP, variables from
// external sources).
func parameterName(name string) string {
	if end := strings.IndexAny(name, "[\x00"); end > 0 {
		name = name[:end]
	}
	return strings.NewReplacer(".", "_", " ", "_").Replace(lowerASCII(strings.TrimSpace(name)))
}

func formDecoded(s string) (string, bool) {
	return unescape(strings.ReplaceAll(s, "+", " "))
}

// hostName drops the port and the dot of the root.
func hostName(authority string) string {
	if at := strings.LastIndexByte(authority, ':'); at >= 0 && strings.Trim(authority[at+1:], "0123456789") == "" {
		authority = authority[:at]
	}
	return strings.TrimSuffix(authority, ".")
}
