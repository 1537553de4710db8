package extension

import (
	"bytes"
	"encoding/json"
)

// maxEventBytes bounds what is kept of an event. A longer one goes by unread.
const maxEventBytes = 1 << 20

// eventReader reads a stream of server-sent events that comes in pieces, and
// takes out the event that only the extension asked for. Every other event goes
// on as soon as it is complete; if nothing is hidden, every byte does.
type eventReader struct {
	hides    bool
	estimate *estimate
	last     *usage // what was said last

	event   []byte // as far as it is here
	inLine  bool   // the line has at least one character
	afterCR bool   // a line feed would still belong to the line end
	tooLong bool   // the event goes by unread
	hidden  bool   // the event before was taken out
	begun   bool   // an event has ended
}

func (r *eventReader) write(piece []byte) []byte {
	var out []byte
	for _, c := range piece {
		out = r.next(out, c)
	}
	if !r.hides {
		return piece
	}
	return out
}

func (r *eventReader) next(out []byte, c byte) []byte {
	if c == '\n' && r.afterCR {
		r.afterCR = false
		switch {
		case len(r.event) > 0:
			r.event = append(r.event, c)
			return out
		case r.hidden:
			return out
		default: // the event has gone on, or goes by
			return append(out, c)
		}
	}
	r.afterCR = c == '\r'
	if r.tooLong {
		out = append(out, c)
		r.estimate.answer++
	} else {
		r.event = append(r.event, c)
	}
	if c != '\n' && c != '\r' {
		r.inLine = true
		if len(r.event) > maxEventBytes {
			out = append(out, r.event...)
			r.estimate.answer += len(r.event)
			r.event, r.tooLong = r.event[:0], true
		}
		return out
	}
	if r.inLine {
		r.inLine = false
		return out
	}
	return r.finish(out)
}

// finish ends an event.
func (r *eventReader) finish(out []byte) []byte {
	r.hidden = !r.tooLong && r.read(r.event) && r.hides
	if !r.hidden {
		out = append(out, r.event...)
	}
	r.event, r.tooLong, r.begun = r.event[:0], false, true
	return out
}

// read notes the usage of an event and tells whether it says nothing else.
func (r *eventReader) read(event []byte) bool {
	if !r.begun {
		// A stream may begin with a byte order mark (WHATWG HTML, 9.2.5).
		event = bytes.TrimPrefix(event, []byte("\ufeff"))
	}
	var value struct {
		Usage, Choices, Delta, Response json.RawMessage
	}
	if json.Unmarshal(dataOf(event), &value) != nil {
		return false
	}
	r.estimate.event(value.Choices, value.Delta)
	said := value.Usage
	if len(said) == 0 || string(said) == "null" {
		var response struct{ Usage json.RawMessage }
		if json.Unmarshal(value.Response, &response) == nil {
			said = response.Usage
		}
	}
	if u := parseUsage(said); u != nil {
		r.last = u
	}
	return bytes.HasPrefix(value.Usage, []byte("{")) && isEmptyList(value.Choices)
}

func isEmptyList(text []byte) bool {
	var list []json.RawMessage
	return len(text) > 0 && text[0] == '[' && json.Unmarshal(text, &list) == nil && len(list) == 0
}

// dataOf joins the data lines of an event.
func dataOf(event []byte) []byte {
	var data []byte
	for len(event) > 0 {
		end := bytes.IndexAny(event, "\r\n")
		line := event
		if end >= 0 {
			line, event = event[:end], event[end+1:]
		} else {
			event = nil
		}
		if rest, found := bytes.CutPrefix(line, []byte("data:")); found {
			if data != nil {
				data = append(data, '\n')
			}
			data = append(data, bytes.TrimPrefix(rest, []byte(" "))...)
		}
	}
	return data
}

// streamTransform reads a stream while it goes by.
type streamTransform struct {
	reader eventReader
	done   func(*usage)
}

func (t *streamTransform) Chunk(chunk []byte, end bool) ([]byte, error) {
	out := t.reader.write(chunk)
	if end {
		if rest := t.reader.finish(nil); t.reader.hides {
			out = append(out, rest...)
		}
		t.done(t.reader.last)
	}
	return out, nil
}
