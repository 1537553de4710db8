package settings

import (
	"strings"
	"testing"
)

// load reads {"name": header name, "value": header value, "list": [integers]}.
func load(text string) error {
	root, err := Parse(strings.NewReader(text))
	if err != nil {
		return err
	}
	m := root.Object("name", "value", "list")
	m["name"].HeaderName()
	m["value"].HeaderValue()
	for _, v := range m["list"].Array() {
		v.Count()
	}
	return root.Err()
}

func TestProblemsNameFieldValueAndRemedy(t *testing.T) {
	const ok = `{"name":"x-a","value":"a\tb","list":[0,4]}`
	if err := load(ok); err != nil {
		t.Fatalf("%s: %v", ok, err)
	}
	tests := []struct {
		name, text string
		want       []string
	}{
		{"not JSON", "{\n\"name\": x}", []string{"not JSON in line 2", "correct the text"}},
		{"empty", "", []string{"not JSON"}},
		{"text after the end", ok + "{}", []string{"not JSON"}},
		{"not an object", `[]`, []string{"(the whole file)", "[]", "JSON object"}},
		{"null", `null`, []string{"(the whole file)", "null"}},
		{"unknown key", `{"name":"x-a","value":"","list":[],"extra":1}`, []string{"extra: 1", "allowed here: name, value, list"}},
		{"a key in another case is unknown", `{"Name":"x-a","value":"","list":[]}`, []string{"Name:", "name: the key is missing"}},
		{"missing key", `{"name":"x-a","list":[]}`, []string{"value: the key is missing; add it"}},
		{"wrong type", `{"name":1,"value":null,"list":{}}`, []string{"name: 1", "value: null", "list: {}", "JSON array"}},
		{"not a count", `{"name":"x-a","value":"","list":[1,-1,1.5,"2"]}`, []string{"list[1]: -1", "list[2]: 1.5", `list[3]: "2"`}},
		{"upper case name", `{"name":"X-A","value":"","list":[]}`, []string{`name: "X-A"`, "lower case"}},
		{"empty name", `{"name":"","value":"","list":[]}`, []string{`name: ""`}},
		{"pseudo-header", `{"name":":path","value":"","list":[]}`, []string{`name: ":path"`, "pseudo-headers"}},
		{"host", `{"name":"host","value":"","list":[]}`, []string{`name: "host"`, "choose another header"}},
		{"content-length", `{"name":"content-length","value":"","list":[]}`, []string{`name: "content-length"`}},
		{"Envoy's own", `{"name":"x-envoy-retry-on","value":"","list":[]}`, []string{`name: "x-envoy-retry-on"`}},
		{"line break", `{"name":"x-a","value":"a\r\nb","list":[]}`, []string{"value:", "control characters"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := load(tt.text)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		})
	}
}

func TestBool(t *testing.T) {
	for text, want := range map[string]bool{"true": true, "false": false} {
		root, err := Parse(strings.NewReader(text))
		if err != nil || root.Bool() != want || root.Err() != nil {
			t.Errorf("%s: %v, %v", text, err, root.Err())
		}
	}
	for _, text := range []string{`"true"`, "1", "null", "[]"} {
		root, err := Parse(strings.NewReader(text))
		if err != nil || root.Bool() || root.Err() == nil || !strings.Contains(root.Err().Error(), "write true or false") {
			t.Errorf("%s: %v, %v", text, err, root.Err())
		}
	}
}

func TestMemberReportsAMissingKeyOnce(t *testing.T) {
	root, err := Parse(strings.NewReader(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	action := root.Member("action")
	action.Text()
	action.Wrong("never shown")
	if got := root.Err().Error(); got != "action: the key is missing; add it" {
		t.Errorf("got %q", got)
	}
}
