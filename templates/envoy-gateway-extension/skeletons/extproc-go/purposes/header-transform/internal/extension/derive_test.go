package extension

import (
	"fmt"
	"strings"
	"testing"

	"ext-proc-server/internal/environment"
	"ext-proc-server/internal/exchange"
)

func TestDerivedValues(t *testing.T) {
	const whole, none = `{"kind":"whole"}`, ``
	separated := func(separator string, number int) string {
		return fmt.Sprintf(`{"kind":"separated","separator":%q,"number":%d}`, separator, number)
	}
	pattern := func(text string) string { return fmt.Sprintf(`{"kind":"pattern","pattern":%q}`, text) }
	const plans = `{"when":"g","use":"gold"},{"when":"s","use":"silver"}`
	for _, tt := range []struct{ name, value, part, table, want string }{
		{"all of it", "a.b", whole, none, "<a.b>"},
		{"the first part", "a.b.c", separated(".", 1), none, "<a>"},
		{"a part in the middle", "a.b.c", separated(".", 2), none, "<b>"},
		{"the last part", "a.b.c", separated(".", -1), none, "<c>"},
		{"the part before it", "a.b.c", separated(".", -2), none, "<b>"},
		{"a part beyond the end", "a.b", separated(".", 3), none, "none"},
		{"a part before the beginning", "a.b", separated(".", -3), none, "none"},
		{"an empty part", "a..c", separated(".", 2), none, "none"},
		{"a part without blanks at its ends", "a, b ,c", separated(",", 2), none, "<b>"},
		{"no separator", "abc", separated(".", 1), none, "<abc>"},
		{"a separator of two characters", "a::b", separated("::", 2), none, "<b>"},
		{"the group of a match", "Bearer abc", pattern(`Bearer (\w{1,9})`), none, "<abc>"},
		{"a match without a group", "see EMP-123456.", pattern(`EMP-\d{6}`), none, "<EMP-123456>"},
		{"the first match", "EMP-111111 EMP-222222", pattern(`EMP-\d{6}`), none, "<EMP-111111>"},
		{"no match", "Basic abc", pattern(`Bearer (\w{1,9})`), none, "none"},
		{"a group that takes no part", "b", pattern(`a(x)|b`), none, "none"},
		{"in the table", "g", whole, plans, "<gold>"},
		{"not in the table", "G", whole, plans, "none"},
		{"a part in the table", "plan=s", separated("=", 2), plans, "<silver>"},
		{"nothing, and a table", "", whole, plans, "none"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := load(t, fmt.Sprintf(`{"request":[{"action":"set-from","name":"x-out","from":{"kind":"header","name":"x-in"},"part":%s,"table":[%s],"prefix":"<","suffix":">","default":"none"}],"response":[],"reroute":false}`, tt.part, tt.table))
			x := exchange.New()
			x.Request = exchange.NewHeaders("x-in", tt.value)
			if err := e.OnRequestHeaders(t.Context(), x); err != nil {
				t.Fatal(err)
			}
			if got := x.Request.Get("x-out"); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestWrongDerivations(t *testing.T) {
	for members, want := range map[string]string{
		`"part":{"kind":"half"}`:                                             `part.kind: "half" is not allowed; use whole, separated or pattern`,
		`"part":{"kind":"separated","separator":"","number":1}`:              "part.separator: ",
		`"part":{"kind":"separated","separator":".","number":0}`:             "part.number: 0 is not allowed",
		`"part":{"kind":"separated","separator":".","number":"1"}`:           "part.number: ",
		`"part":{"kind":"pattern","pattern":"("}`:                            "part.pattern: ",
		`"part":{"kind":"whole","pattern":"a"}`:                              "part.pattern: ",
		`"table":[{"when":"a","use":"b"},{"when":"a","use":"c"}]`:            "table[1].when: ",
		`"table":[{"when":"a"}]`:                                             "table[0].use: the key is missing",
		`"prefix":"a\nb"`:                                                    "prefix: ",
		`"from":{"kind":"cookie","name":"a=b"}`:                              "from.name: ",
		`"from":{"kind":"joined","inputs":[{"kind":"path"}],"separator":""}`: "from.inputs: ",
		`"from":{"kind":"joined","inputs":[{"kind":"path"},{"kind":"joined","inputs":[],"separator":""}],"separator":""}`: "from.inputs[1]: ",
	} {
		all := `"from":{"kind":"path"},"part":{"kind":"whole"},"table":[],"prefix":"","suffix":"","default":""`
		// The last of two members of one name counts.
		text := fmt.Sprintf(`{"request":[{"action":"set-from","name":"x-a",%s,%s}],"response":[],"reroute":false}`, all, members)
		_, err := Load(strings.NewReader(text), environment.Empty())
		if err == nil || !strings.Contains(err.Error(), "request[0]."+want) {
			t.Errorf("%s: %v", members, err)
		}
	}
}
