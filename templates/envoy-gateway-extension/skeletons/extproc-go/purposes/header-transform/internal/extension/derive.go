package extension

import (
	"regexp"
	"strings"

	"ext-proc-server/internal/exchange"
	"ext-proc-server/internal/settings"
)

// derivation makes a value out of a source: a part of it, what the table has
// for that part, and a text before and behind it.
type derivation struct {
	from           source
	part           func(value string) string
	table          map[string]string // nil: values stay
	prefix, suffix string
	fallback       string // where there is no value
}

var derivationKeys = []string{"from", "part", "table", "prefix", "suffix", "default"}

func parseDerivation(m map[string]settings.Value) derivation {
	return derivation{
		from:     parseSource(m["from"]),
		part:     parsePart(m["part"]),
		table:    parseTable(m["table"]),
		prefix:   m["prefix"].HeaderValue(),
		suffix:   m["suffix"].HeaderValue(),
		fallback: m["default"].HeaderValue(),
	}
}

// value is "" if there is none.
func (d derivation) value(message, request *exchange.Headers) string {
	value := d.from(message, request)
	if value != "" {
		value = d.part(value)
	}
	if d.table != nil {
		value = d.table[value]
	}
	if value == "" {
		return d.fallback
	}
	return d.prefix + value + d.suffix
}

func parsePart(v settings.Value) func(string) string {
	kind := v.Member("kind")
	switch kind.Text() {
	case "whole":
		v.Object("kind")
		return func(value string) string { return value }
	case "separated":
		m := v.Object("kind", "separator", "number")
		separator := m["separator"].Text()
		if separator == "" {
			m["separator"].Wrong("write the text between the parts")
		}
		number := m["number"]
		n := number.Int()
		if n == 0 {
			number.Wrong("write 1 for the first part, -1 for the last, and so on")
		}
		return func(value string) string { return nth(strings.Split(value, separator), n) }
	case "pattern":
		pattern := v.Object("kind", "pattern")["pattern"]
		expression, err := regexp.Compile(pattern.Text())
		if err != nil {
			pattern.Wrong("write a regular expression of RE2: " + err.Error())
			return func(string) string { return "" }
		}
		group := min(expression.NumSubexp(), 1) // 0 is all of the match
		return func(value string) string {
			if match := expression.FindStringSubmatch(value); match != nil {
				return trimmed(match[group])
			}
			return ""
		}
	default:
		kind.Wrong("use whole, separated or pattern")
		return func(string) string { return "" }
	}
}

// nth counts from 1, or from -1 at the end.
func nth(parts []string, n int) string {
	if n > 0 {
		n--
	} else {
		n += len(parts)
	}
	if n < 0 || n >= len(parts) {
		return ""
	}
	return trimmed(parts[n])
}

// trimmed has no blanks at its ends: a header value cannot have them.
func trimmed(value string) string { return strings.Trim(value, " \t") }

func parseTable(list settings.Value) map[string]string {
	var table map[string]string
	for _, v := range list.Array() {
		if table == nil {
			table = map[string]string{}
		}
		m := v.Object("when", "use")
		when := m["when"].HeaderValue()
		if _, twice := table[when]; twice {
			m["when"].Wrong("name each value once")
		}
		table[when] = m["use"].HeaderValue()
	}
	return table
}
