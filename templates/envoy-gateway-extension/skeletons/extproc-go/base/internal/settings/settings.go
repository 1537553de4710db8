// Package settings reads the settings file strictly. Every problem is reported
// with the field, the value and the remedy, all of them at once, so that a
// wrong ConfigMap is repaired in one go.
package settings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Value is one place in the settings. A Value that was missing or wrong has
// been reported already: reading it yields zero values and no second report.
type Value struct {
	path   string
	raw    json.RawMessage
	report *report
}

type report struct {
	errs []error
	seen map[string]bool // paths in errs: the first problem of a place is the one to solve
}

func (r *report) add(path, problem string) {
	if r.seen[path] {
		return
	}
	r.seen[path] = true
	r.errs = append(r.errs, fmt.Errorf("%s: %s", path, problem))
}

const missing = "the key is missing; add it"

// Parse reads the whole settings text.
func Parse(r io.Reader) (Value, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return Value{}, fmt.Errorf("cannot read the settings: %w", err)
	}
	var raw json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		at := ""
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			at = fmt.Sprintf(" in line %d", 1+bytes.Count(text[:min(int(syntax.Offset), len(text))], []byte("\n")))
		}
		return Value{}, fmt.Errorf("the settings are not JSON%s: %w; correct the text, for example with a JSON formatter", at, err)
	}
	return Value{raw: raw, report: &report{seen: map[string]bool{}}}, nil
}

// Err returns everything that was found wrong so far.
func (v Value) Err() error { return errors.Join(v.report.errs...) }

// Wrong reports this value together with what would be right.
func (v Value) Wrong(remedy string) {
	if v.raw == nil {
		return
	}
	path, text := v.path, string(v.raw)
	if path == "" {
		path = "(the whole file)"
	}
	if len(text) > 80 {
		text = text[:80] + "..."
	}
	v.report.add(path, text+" is not allowed; "+remedy)
}

// Object returns the members of an object that has exactly these keys.
func (v Value) Object(keys ...string) map[string]Value {
	members := v.members()
	if members == nil {
		return map[string]Value{}
	}
	for _, key := range slices.Sorted(maps.Keys(members)) {
		if !slices.Contains(keys, key) {
			v.child(key, members[key]).Wrong("remove this key; allowed here: " + strings.Join(keys, ", "))
		}
	}
	result := make(map[string]Value, len(keys))
	for _, key := range keys {
		raw, ok := members[key]
		if !ok {
			v.report.add(v.child(key, nil).path, missing)
		}
		result[key] = v.child(key, raw)
	}
	return result
}

// Member returns one member without a check of the others: the way to look at
// the key that decides which others are allowed.
func (v Value) Member(key string) Value {
	members := v.members()
	raw, ok := members[key]
	if members != nil && !ok {
		v.report.add(v.child(key, nil).path, missing)
	}
	return v.child(key, raw)
}

func (v Value) members() map[string]json.RawMessage {
	if v.raw == nil {
		return nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(v.raw, &members); err != nil || members == nil {
		v.Wrong("write a JSON object")
		return nil
	}
	return members
}

func (v Value) child(key string, raw json.RawMessage) Value {
	path := key
	if v.path != "" {
		path = v.path + "." + key
	}
	return Value{path: path, raw: raw, report: v.report}
}

// Array returns the elements of a list.
func (v Value) Array() []Value {
	if v.raw == nil {
		return nil
	}
	var elements []json.RawMessage
	if err := json.Unmarshal(v.raw, &elements); err != nil || elements == nil {
		v.Wrong("write a JSON array, [] if there is nothing to do")
		return nil
	}
	values := make([]Value, len(elements))
	for i, raw := range elements {
		values[i] = Value{path: fmt.Sprintf("%s[%d]", v.path, i), raw: raw, report: v.report}
	}
	return values
}

// Text returns a string.
func (v Value) Text() string {
	if v.raw == nil {
		return ""
	}
	var text *string
	if err := json.Unmarshal(v.raw, &text); err != nil || text == nil {
		v.Wrong("write a JSON string")
		return ""
	}
	return *text
}

// Bool returns true or false.
func (v Value) Bool() bool {
	if v.raw == nil {
		return false
	}
	var value *bool
	if err := json.Unmarshal(v.raw, &value); err != nil || value == nil {
		v.Wrong("write true or false")
		return false
	}
	return *value
}

// Count returns an integer that is zero or more.
func (v Value) Count() int {
	if v.raw == nil {
		return 0
	}
	n, err := strconv.Atoi(string(v.raw))
	if err != nil || n < 0 {
		v.Wrong("write an integer that is 0 or more")
		return 0
	}
	return n
}

// Int returns an integer.
func (v Value) Int() int {
	if v.raw == nil {
		return 0
	}
	n, err := strconv.Atoi(string(v.raw))
	if err != nil {
		v.Wrong("write an integer")
		return 0
	}
	return n
}

// Names that the extension must not touch: Envoy routes and frames by them,
// and it drops most of these changes without a word.
var reservedNames = []string{"host", "content-length", "transfer-encoding", "connection"}

// HeaderName returns a header name that may be changed.
func (v Value) HeaderName() string {
	name := v.Text()
	switch {
	case v.raw == nil:
	case name == "" || strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", r))
	}):
		v.Wrong("write a header name in lower case, for example x-request-origin; pseudo-headers such as :path cannot be changed")
	case slices.Contains(reservedNames, name) || strings.HasPrefix(name, "x-envoy-"):
		v.Wrong("choose another header; pseudo-headers, " + strings.Join(reservedNames, ", ") + " and x-envoy-* belong to Envoy")
	default:
		return name
	}
	return ""
}

// HeaderValue returns a header value that Envoy accepts.
func (v Value) HeaderValue() string {
	value := v.Text()
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		v.Wrong("remove line breaks and other control characters")
		return ""
	}
	return value
}
