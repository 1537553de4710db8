package extension

import (
	"bytes"
	"encoding/json"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"ext-proc-server/internal/exchange"
)

// request is the body of a request. It is changed as text, so that what is not
// meant stays byte for byte: the order of members, the digits of numbers.
type request struct {
	body    []byte
	model   string
	streams bool
	edits   []edit

	modelText member
	options   *member // stream_options
	open      int     // behind the first brace
}

// edit replaces a part of a text.
type edit struct {
	from, to int
	text     string
}

// member is a value of an object and its place in the text.
type member struct {
	name     string
	from, to int
	text     json.RawMessage
}

// readRequest refuses what a provider could read in another way.
func readRequest(body []byte) (*request, *exchange.Rejection) {
	if !utf8.Valid(body) || !json.Valid(body) {
		return nil, invalidJSON
	}
	members, isObject := membersOf(body)
	if !isObject {
		return nil, invalidJSON
	}
	watched := map[string]*member{}
	for i, m := range members {
		switch name := strings.ToLower(m.name); name {
		case "model", "stream", "stream_options":
			// Parsers disagree on which of two counts, and some ignore the case.
			if watched[name] != nil || m.name != name {
				return nil, ambiguousMember
			}
			watched[name] = &members[i]
		}
	}
	r := &request{body: body, options: watched["stream_options"], open: bytes.IndexByte(body, '{') + 1}
	model := watched["model"]
	if model == nil || model.text[0] != '"' || json.Unmarshal(model.text, &r.model) != nil {
		return nil, missingModel
	}
	r.modelText = *model
	r.streams = watched["stream"] != nil && string(watched["stream"].text) == "true"
	return r, nil
}

// membersOf returns the members of an object; text is valid JSON.
func membersOf(text []byte) (members []member, isObject bool) {
	d := json.NewDecoder(bytes.NewReader(text))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, false
	}
	for d.More() {
		name, err := d.Token()
		var value json.RawMessage
		if err != nil || d.Decode(&value) != nil {
			return nil, false
		}
		end := int(d.InputOffset())
		members = append(members, member{name: name.(string), from: end - len(value), to: end, text: value})
	}
	return members, true
}

func (r *request) setModel(name string) {
	quoted, _ := json.Marshal(name) // a text always has a form in JSON
	r.edits = append(r.edits, edit{r.modelText.from, r.modelText.to, string(quoted)})
}

// askForUsage sets stream_options.include_usage. It is false if the client has
// asked already, or has options that only the provider can judge.
func (r *request) askForUsage() bool {
	const asked = `{"include_usage":true}`
	switch {
	case r.options == nil:
		r.edits = append(r.edits, edit{r.open, r.open, `"stream_options":` + asked + `,`})
		return true
	case string(r.options.text) == "null":
		r.edits = append(r.edits, edit{r.options.from, r.options.to, asked})
		return true
	}
	members, isObject := membersOf(r.options.text)
	if !isObject {
		return false
	}
	var edits []edit
	for _, m := range members {
		if m.name != "include_usage" {
			continue
		}
		if text := string(m.text); text != "false" && text != "null" {
			return false
		}
		edits = append(edits, edit{r.options.from + m.from, r.options.from + m.to, "true"})
	}
	if len(edits) == 0 {
		inside := r.options.from + 1
		text := `"include_usage":true`
		if len(members) > 0 {
			text += ","
		}
		edits = []edit{{inside, inside, text}}
	}
	r.edits = append(r.edits, edits...)
	return true
}

// text returns the body with all edits.
func (r *request) text() []byte {
	if len(r.edits) == 0 {
		return r.body
	}
	slices.SortFunc(r.edits, func(a, b edit) int { return a.from - b.from })
	var text []byte
	at := 0
	for _, e := range r.edits {
		text = append(append(text, r.body[at:e.from]...), e.text...)
		at = e.to
	}
	return append(text, r.body[at:]...)
}

// matches tells whether any text of valid JSON matches a pattern. It looks at
// all texts and names: where a prompt can stand differs between providers.
func matches(body []byte, guard []*regexp.Regexp) bool {
	if len(guard) == 0 {
		return false
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	for {
		token, err := d.Token()
		if err != nil {
			return err != io.EOF // not to be: then nothing is let through
		}
		text, isText := token.(string)
		if isText && slices.ContainsFunc(guard, func(p *regexp.Regexp) bool { return p.MatchString(text) }) {
			return true
		}
	}
}
