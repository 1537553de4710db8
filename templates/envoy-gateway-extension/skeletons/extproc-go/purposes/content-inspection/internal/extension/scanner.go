package extension

import "slices"

const (
	// window is how many characters from its beginning decide whether a text is
	// a match. So much of a body is held back until more of it comes.
	window = 1024
	// before is how many characters a matcher may look back.
	before = 2
	// maxPiece bounds what is worked on at once.
	maxPiece = 16 << 10
)

// rule is a detector and what is done with what it finds.
type rule struct {
	detector
	action action
}

// inspector looks for the matches of all rules in a text that comes in pieces,
// in every reading of it. What it finds does not depend on how the text is cut:
// whether a match begins at a place is decided by the two characters before it
// and the window after it, and only once all of that is there.
//
// Every rule sees the text as it came, whatever others mask of it.
type inspector struct {
	rules []rule
	with  byte
	holds bool // something may still be hidden from the receiver

	counts []int // of matches in the texts that have ended, by rule
	raw    *reading
	source []byte // what has not gone on yet, with what is masked
	gone   int    // how much has
}

func newInspector(rules []rule, with byte) *inspector {
	i := &inspector{
		rules: rules, with: with, counts: make([]int, len(rules)),
		holds: slices.ContainsFunc(rules, func(r rule) bool { return r.action == mask || r.action == block }),
	}
	i.begin()
	return i
}

func (i *inspector) begin() {
	i.raw, i.source, i.gone = newReading(asItCame, newScanner(i.rules)), nil, 0
}

// feed takes the next piece and returns what goes on in its place, and whether
// something was found that is to be blocked. After the end another text can come.
func (i *inspector) feed(piece []byte, end bool) (out []byte, blocked bool) {
	out, blocked = i.settle(piece, end)
	if end {
		i.counts = i.found()
		i.begin()
	}
	return out, blocked
}

// settle is feed for a text that goes on. With all set, no match lies on both
// sides of the piece's end, and nothing is held back.
func (i *inspector) settle(piece []byte, all bool) (out []byte, blocked bool) {
	for {
		part := piece[:min(len(piece), maxPiece)]
		piece = piece[len(part):]
		went, stop := i.part(part, all && len(piece) == 0)
		out, blocked = append(out, went...), blocked || stop
		if len(piece) == 0 {
			return out, blocked
		}
	}
}

func (i *inspector) part(piece []byte, all bool) (out []byte, blocked bool) {
	i.source = append(i.source, piece...)
	ends := make([]int, len(piece))
	for n := range ends {
		ends[n] = i.gone + len(i.source) - len(piece) + n + 1
	}
	blocked = i.raw.take(piece, ends, all, i.hide)
	goes := i.gone + len(i.source)
	if i.holds {
		i.raw.each(func(s *scanner) { goes = min(goes, s.decidedEnd()) })
	}
	n := max(0, goes-i.gone)
	out = slices.Clone(i.source[:n])
	i.source, i.gone = append(i.source[:0], i.source[n:]...), i.gone+n
	return out, blocked
}

// hide masks a part of the source. A NUL is no character but a half of one.
func (i *inspector) hide(from, to int) {
	for at := max(from, i.gone); at < to; at++ {
		if b := &i.source[at-i.gone]; *b != 0 {
			*b = i.with
		}
	}
}

// found counts the matches by rule. In another reading the same match is there
// again, so the reading with the most counts.
func (i *inspector) found() []int {
	counts := slices.Clone(i.counts)
	i.raw.each(func(s *scanner) {
		for n, count := range s.counts {
			counts[n] = max(counts[n], i.counts[n]+count)
		}
	})
	return counts
}

// scanner looks for the matches of all rules in one reading of a text.
type scanner struct {
	rules  []rule
	counts []int // of matches, by rule

	text    []byte // what has not been decided, and a little before it
	ends    []int  // where its characters end in the source
	start   int    // where the first begins
	decided int    // index in text
	places  []place
}

// place is where one search of a rule has come to, as an index of text.
type place struct {
	rule int
	find search
	next int
	open tail // the last match may go on there; nil if not
}

func newScanner(rules []rule) *scanner {
	s := &scanner{rules: rules, counts: make([]int, len(rules))}
	for i, r := range rules {
		for _, find := range r.searches {
			s.places = append(s.places, place{rule: i, find: find})
		}
	}
	return s
}

func (s *scanner) clone() *scanner {
	c := *s
	c.counts, c.text, c.ends, c.places = slices.Clone(s.counts), slices.Clone(s.text), slices.Clone(s.ends), slices.Clone(s.places)
	return &c
}

// forgetChars makes a blank of what has been read, and takes the last character
// out of it: it may be the beginning of the next.
func (s *scanner) forgetChars() (text []byte, ends []int) {
	clear(s.counts)
	last := max(0, len(s.text)-1)
	text, ends = slices.Clone(s.text[last:]), slices.Clone(s.ends[last:])
	s.text, s.ends = s.text[:last], s.ends[:last]
	s.decided = min(s.decided, last)
	for i := range s.text {
		s.text[i] = other
	}
	for i := range s.places {
		s.places[i].next, s.places[i].open = s.decided, nil
	}
	return text, ends
}

// feed takes the next characters, and tells whether something was found that is
// to be blocked.
func (s *scanner) feed(text []byte, ends []int, settle bool, hide func(from, to int)) (blocked bool) {
	s.text, s.ends = append(s.text, text...), append(s.ends, ends...)
	limit := len(s.text)
	if !settle {
		limit = max(s.decided, limit-window)
	}
	for i := range s.places {
		p := &s.places[i]
		if s.advance(p, limit, hide) && s.rules[p.rule].action == block {
			blocked = true
		}
	}
	s.forget(limit)
	return blocked
}

// decidedEnd is how much of the source has been decided.
func (s *scanner) decidedEnd() int { return s.end(s.decided) }

// end is where in the source the characters before an index of text end.
func (s *scanner) end(index int) int {
	if index == 0 {
		return s.start
	}
	return s.ends[index-1]
}

// advance lets one search decide up to the limit, and tells whether it has found
// something.
func (s *scanner) advance(p *place, limit int, hide func(from, to int)) (found bool) {
	r := s.rules[p.rule]
	for p.next < limit {
		if p.open != nil {
			end, more := p.open(s.text[:min(len(s.text), p.next+window)], p.next)
			s.mask(r, p.next, end, hide)
			p.next = end
			if !more {
				p.open = nil
			}
			continue
		}
		start, end, open := p.find(s.text, p.next, limit)
		if start < 0 {
			p.next = limit
			return found
		}
		found = true
		s.counts[p.rule]++
		s.mask(r, start, end, hide)
		p.next, p.open = end, open
		if r.overlaps {
			p.next = start + 1
		}
	}
	return found
}

// mask hides a match. Of a card number the last digits and the separators stay;
// of numbers that overlap, the digits that stay in each.
func (s *scanner) mask(r rule, start, end int, hide func(from, to int)) {
	if r.action != mask {
		return
	}
	kept := 0
	for at := end - 1; at >= start; at-- {
		switch {
		case r.digitsOnly && !digit[s.text[at]]:
		case r.digitsOnly && kept < r.keepDigits:
			kept++
		default:
			hide(s.end(at), s.ends[at])
		}
	}
}

// forget drops what is decided, except what a matcher may look back at.
func (s *scanner) forget(limit int) {
	drop := max(0, limit-before)
	s.start = s.end(drop)
	s.text = append(s.text[:0], s.text[drop:]...)
	s.ends = append(s.ends[:0], s.ends[drop:]...)
	for i := range s.places {
		s.places[i].next -= drop
	}
	s.decided = limit - drop
}
