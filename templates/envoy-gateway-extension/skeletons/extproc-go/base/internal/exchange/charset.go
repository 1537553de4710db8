package exchange

import "strings"

// CharsetsAre tells whether the content-type lines name only charsets that are
// known, which are given in lower case, or plainly none.
//
// Receivers read a parameter that is not written plainly in different ways: a
// continuation (charset*0), an extended value (charset*), a value with blanks,
// escapes or a part of a quoted text (RFC 2231, RFC 9110). So whatever has
// "charset" in it and is not charset=value or charset="value" is not known.
func (h *Headers) CharsetsAre(known func(charset string) bool) bool {
	for _, line := range h.Values("content-type") {
		for i := range len(line) {
			if line[i] != '\t' && (line[i] < ' ' || line[i] > '~') {
				return false
			}
		}
		// Quotes are no hindrance: a receiver may not know them.
		for part := range strings.FieldsFuncSeq(strings.ToLower(line), func(r rune) bool { return r == ';' || r == ',' }) {
			if !strings.Contains(part, "charset") {
				continue
			}
			name, value, _ := strings.Cut(part, "=")
			value = strings.Trim(value, " \t")
			if inner, quoted := strings.CutPrefix(value, `"`); quoted {
				if value, quoted = strings.CutSuffix(inner, `"`); !quoted {
					return false
				}
			}
			if strings.Trim(name, " \t") != "charset" || !known(value) {
				return false
			}
		}
	}
	return true
}
