package extension

import "encoding/json"

// maxUsageBytes bounds what is kept of a usage.
const maxUsageBytes = 4096

// maxTokens is more than any answer has.
const maxTokens = 1_000_000_000

// usage is the tokens of an answer.
type usage struct{ prompt, completion, total int64 }

// parseUsage returns nil for what says no tokens.
func parseUsage(text []byte) *usage {
	var u *struct {
		Prompt     *int64 `json:"prompt_tokens"`
		Input      *int64 `json:"input_tokens"`
		Completion *int64 `json:"completion_tokens"`
		Output     *int64 `json:"output_tokens"`
		Total      *int64 `json:"total_tokens"`
	}
	if json.Unmarshal(text, &u) != nil || u == nil {
		return nil
	}
	if u.Prompt == nil {
		u.Prompt = u.Input
	}
	if u.Completion == nil {
		u.Completion = u.Output
	}
	var result usage
	known := false
	for _, n := range []struct{ from, to *int64 }{{u.Prompt, &result.prompt}, {u.Completion, &result.completion}, {u.Total, &result.total}} {
		if n.from == nil {
			continue
		}
		if *n.from < 0 || *n.from > maxTokens {
			return nil
		}
		known, *n.to = true, *n.from
	}
	if !known {
		return nil
	}
	if u.Total == nil {
		result.total = result.prompt + result.completion
	}
	return &result
}

// usageReader finds the member `usage` of the outermost object in JSON that goes
// by in pieces. It keeps no more than that member.
type usageReader struct {
	depth            int
	inText, escaped  bool
	isValue          bool   // behind a colon of the outermost object
	name             []byte // of the member, as far as it matters
	keep             bool   // the value is that of usage
	value            []byte
	found            []byte
	ended, malformed bool
}

const usageName = `"usage"`

func (r *usageReader) write(piece []byte) {
	for _, c := range piece {
		r.next(c)
	}
}

func (r *usageReader) next(c byte) {
	if r.inText {
		r.add(c)
		switch {
		case r.escaped:
			r.escaped = false
		case c == '\\':
			r.escaped = true
		case c == '"':
			r.inText = false
		}
		return
	}
	switch c {
	case ' ', '\t', '\r', '\n':
		return
	case '"':
		r.inText = true
		if r.depth == 1 && !r.isValue {
			r.name = r.name[:0]
		}
	case '{', '[':
		if r.depth == 0 && (c != '{' || r.ended) {
			r.malformed = true
		}
		r.add(c)
		r.depth++
		return
	case '}', ']':
		r.depth--
		if r.depth == 0 {
			r.endMember()
			r.ended = true
			return
		}
		if r.depth < 0 {
			r.malformed, r.depth = true, 0
		}
	case ':':
		if r.depth == 1 {
			r.isValue = true
			r.keep = string(r.name) == usageName
			r.value = r.value[:0]
			return
		}
	case ',':
		if r.depth == 1 {
			r.endMember()
			return
		}
	}
	r.add(c)
}

// add keeps a byte of the name or of the value.
func (r *usageReader) add(c byte) {
	switch {
	case r.depth == 1 && !r.isValue && r.inText && len(r.name) <= len(usageName):
		r.name = append(r.name, c)
	case r.isValue && r.keep && len(r.value) <= maxUsageBytes:
		r.value = append(r.value, c)
	}
}

func (r *usageReader) endMember() {
	if r.keep && len(r.value) <= maxUsageBytes {
		r.found = append(r.found[:0], r.value...)
	}
	r.isValue, r.keep = false, false
}

// usage returns what was found in a complete object.
func (r *usageReader) usage() *usage {
	if !r.ended || r.malformed {
		return nil
	}
	return parseUsage(r.found)
}

// documentTransform lets an answer go by and reads it.
type documentTransform struct {
	reader   usageReader
	estimate *estimate
	done     func(*usage)
}

func (t *documentTransform) Chunk(chunk []byte, end bool) ([]byte, error) {
	t.reader.write(chunk)
	t.estimate.answer += len(chunk)
	if end {
		t.done(t.reader.usage())
	}
	return chunk, nil
}
