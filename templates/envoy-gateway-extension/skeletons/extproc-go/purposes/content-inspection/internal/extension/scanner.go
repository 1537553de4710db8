package extension

import "slices"

const (
	// window is how many bytes from its beginning decide whether a text is a
	// match. So much of a body is held back until more of it comes.
	window = 1024
	// before is how many bytes a matcher may look back.
	before = 2
)

// rule is a detector and what is done with what it finds.
type rule struct {
	detector
	action action
}

// scanner looks for the matches of all rules in a text that comes in pieces.
// What it finds does not depend on how the text is cut: whether a match begins
// at a place is decided by the two bytes before it and the window after it, and
// only once all of that is there.
//
// Every rule sees the text as it came, whatever others mask of it.
type scanner struct {
	rules  []rule
	with   byte
	counts []int // of matches, by rule

	holds bool // something may still be hidden from the receiver

	text, masked []byte // what has not been decided, and a little before it
	decided      int    // index in text
	places       []place
}

// place is where one rule has come to, as an index of text.
type place struct {
	next int
	open tail // the last match may go on there; nil if not
}

func newScanner(rules []rule, with byte) *scanner {
	return &scanner{
		rules: rules, with: with,
		counts: make([]int, len(rules)),
		places: make([]place, len(rules)),
		holds:  slices.ContainsFunc(rules, func(r rule) bool { return r.action != report }),
	}
}

// feed takes the next piece and returns what goes on in its place, and whether
// something was found that is to be blocked.
func (s *scanner) feed(piece []byte, end bool) (out []byte, blocked bool) {
	s.text, s.masked = append(s.text, piece...), append(s.masked, piece...)
	limit := len(s.text)
	if !end {
		limit = max(s.decided, limit-window)
	}
	for i := range s.rules {
		if s.advance(i, limit) && s.rules[i].action == block {
			blocked = true
		}
	}
	if s.holds {
		out = slices.Clone(s.masked[s.decided:limit])
	} else {
		out = piece
	}
	s.forget(limit)
	if end {
		clear(s.places)
		s.text, s.masked, s.decided = nil, nil, 0
	}
	return out, blocked
}

// advance lets one rule decide up to the limit, and tells whether it has found
// something.
func (s *scanner) advance(i, limit int) (found bool) {
	r, p := s.rules[i], &s.places[i]
	for p.next < limit {
		if p.open != nil {
			end, more := p.open(s.text[:min(len(s.text), p.next+window)], p.next)
			s.hide(r, p.next, end)
			p.next = end
			if !more {
				p.open = nil
			}
			continue
		}
		start, end, open := r.find(s.text, p.next, limit)
		if start < 0 {
			p.next = limit
			return found
		}
		found = true
		s.counts[i]++
		s.hide(r, start, end)
		p.next, p.open = end, open
	}
	return found
}

func (s *scanner) hide(r rule, start, end int) {
	if r.action == mask {
		r.mask(s.masked[start:end], s.with)
	}
}

// forget drops what is decided, except what a matcher may look back at.
func (s *scanner) forget(limit int) {
	drop := max(0, limit-before)
	s.text = append(s.text[:0], s.text[drop:]...)
	s.masked = append(s.masked[:0], s.masked[drop:]...)
	for i := range s.places {
		s.places[i].next -= drop
	}
	s.decided = limit - drop
}
