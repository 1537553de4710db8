package extension

import "encoding/json"

// bytesPerToken is the usual rule of thumb for English text.
// Source: OpenAI, "What are tokens and how to count them?"
const bytesPerToken = 4

// estimate guesses the tokens of a call whose answer does not say them, from
// what went by.
type estimate struct {
	request int // bytes of the body
	answer  int // bytes of text
	deltas  int // pieces of text; providers send about one for each token
}

func (e estimate) tokens() int64 {
	return int64(tokensOf(e.request) + max(tokensOf(e.answer), e.deltas))
}

func tokensOf(size int) int { return (size + bytesPerToken - 1) / bytesPerToken }

// event counts the texts that an event of a stream adds to the answer: those of
// chat completions, completions and responses.
func (e *estimate) event(choices, delta json.RawMessage) {
	var list []struct{ Delta, Text any }
	size := 0
	if json.Unmarshal(choices, &list) == nil {
		for _, choice := range list {
			size += textBytes(choice.Delta) + textBytes(choice.Text)
		}
	}
	var text string
	if json.Unmarshal(delta, &text) == nil {
		size += len(text)
	}
	if size > 0 {
		e.answer += size
		e.deltas++
	}
}

// textBytes is the size of all texts in a value, without the names of members.
func textBytes(value any) int {
	size := 0
	switch v := value.(type) {
	case string:
		size = len(v)
	case []any:
		for _, one := range v {
			size += textBytes(one)
		}
	case map[string]any:
		for _, one := range v {
			size += textBytes(one)
		}
	}
	return size
}
