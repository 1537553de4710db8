package extension

// A reader may not read a text as it came: a form is percent-decoded, a JSON
// string has escapes, a text can be UTF-16. Which it is depends on the reader
// and not on what the sender claims, so a text is looked at in every reading
// that its bytes allow. docs/purpose.md lists them.

// decoder takes one character off the beginning of a text. It returns the
// character, other for all that are not ASCII, and how many bytes it took: none
// if more of the text is needed, which is never so at its end.
type decoder func(text []byte, end bool) (char byte, taken int)

// other stands for a character that is not ASCII.
const other = 0xff

// kind is one way to read a text.
type kind struct {
	decode decoder
	// wakes are the bytes without which the text stays as it is. Until one of
	// them comes, the reading is not worth its time.
	wakes *class
	// blank means that without these bytes nothing at all can be read.
	blank bool
	// inside are the ways to read what has been read so.
	inside []*kind
}

var (
	overlongLeads = "\xc0\xc1\xe0\xf0\xf8\xfc"

	jsonString = &kind{decode: unescape, wakes: set(`\`)}
	urlNested  = &kind{decode: percentDeep, wakes: set("%" + overlongLeads)}
	urlEncoded = &kind{decode: percentOnce, wakes: set("%+" + overlongLeads), inside: []*kind{jsonString, urlNested}}
	wideLittle = &kind{decode: littleEndian, wakes: set("\x00"), blank: true, inside: []*kind{urlEncoded, jsonString}}
	wideBig    = &kind{decode: bigEndian, wakes: set("\x00"), blank: true, inside: []*kind{urlEncoded, jsonString}}

	asItCame = &kind{inside: []*kind{urlEncoded, jsonString, wideLittle, wideBig}}
)

const (
	notHex = -1
	cutOff = -2
)

// hexAt reads some hexadecimal digits: a number, notHex or cutOff.
func hexAt(text []byte, at, digits int) int {
	value := 0
	for i := at; i < at+digits; i++ {
		if i >= len(text) {
			return cutOff
		}
		if !hexDigit[text[i]] {
			return notHex
		}
		value = value<<4 | int(hexValue(text[i]))
	}
	return value
}

func hexValue(b byte) byte {
	if b <= '9' {
		return b - '0'
	}
	return b&^0x20 - 'A' + 10
}

// escape reads an escape with its digits at text[at]. What is none stands for
// itself.
func escape(text []byte, at, digits int, end bool) (char byte, taken int) {
	switch value := hexAt(text, at, digits); {
	case value == cutOff && !end:
		return 0, 0
	case value < 0:
		return text[0], 1
	case digits == 4 && value > 0x7f:
		return other, at + digits
	default:
		return byte(value), at + digits
	}
}

// percentOnce takes percent-encoding off once, and reads + as a blank: a form
// or a query (URL Standard). %uHHHH is an old writing that some servers read.
func percentOnce(text []byte, end bool) (byte, int) {
	if text[0] == '+' {
		return ' ', 1
	}
	return percent(text, end)
}

func percent(text []byte, end bool) (byte, int) {
	switch {
	case text[0] != '%':
		return text[0], 1
	case len(text) > 1 && (text[1] == 'u' || text[1] == 'U'):
		return escape(text, 2, 4, end)
	default:
		return escape(text, 1, 2, end)
	}
}

// maxNested bounds how much of %2525… is one character.
const maxNested = 128

// percentDeep takes off percent-encoding that was put on several times (%2534),
// and reads overlong UTF-8 as what it stands for. RFC 3629 forbids that, and
// some servers do it.
func percentDeep(text []byte, end bool) (byte, int) {
	first, taken := percentNested(text, end)
	more, value := 0, 0
	switch first {
	case 0xc0, 0xc1:
		more, value = 1, int(first&1)
	case 0xe0:
		more = 2
	case 0xf0:
		more = 3
	case 0xf8:
		more = 4
	case 0xfc:
		more = 5
	}
	if taken == 0 || more == 0 {
		return first, taken
	}
	all := taken
	for range more {
		if all >= len(text) {
			if end {
				return first, taken
			}
			return 0, 0
		}
		next, n := percentNested(text[all:], end)
		if n == 0 {
			return 0, 0
		}
		if next&0xc0 != 0x80 {
			return first, taken
		}
		value, all = value<<6|int(next&0x3f), all+n
	}
	if value > 0x7f {
		return first, taken
	}
	return byte(value), all
}

// percentNested reads %34, %2534, %252534 and so on as the same.
func percentNested(text []byte, end bool) (byte, int) {
	char, taken := percent(text, end)
	for taken > 1 && taken < maxNested && char == '%' {
		switch value := hexAt(text, taken, 2); {
		case value == cutOff && !end:
			return 0, 0
		case value < 0:
			return char, taken
		default:
			char, taken = byte(value), taken+2
		}
	}
	return char, taken
}

// unescape reads the escapes of JSON strings (RFC 8259), and \x34 of JavaScript.
func unescape(text []byte, end bool) (byte, int) {
	if text[0] != '\\' {
		return text[0], 1
	}
	if len(text) < 2 {
		if end {
			return text[0], 1
		}
		return 0, 0
	}
	switch text[1] {
	case 'u':
		return escape(text, 2, 4, end)
	case 'x':
		return escape(text, 2, 2, end)
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case '"', '\'', '\\', '/':
		return text[1], 2
	}
	return text[0], 1
}

// littleEndian reads ASCII in UTF-16LE and UTF-32LE, whatever is around it, with
// or without a byte order mark, and wherever in the text it begins.
func littleEndian(text []byte, end bool) (byte, int) {
	if text[0] == 0 {
		return other, 1
	}
	zeros := 0
	for zeros < 3 && 1+zeros < len(text) && text[1+zeros] == 0 {
		zeros++
	}
	switch {
	case 1+zeros == len(text) && zeros < 3 && !end:
		return 0, 0
	case zeros == 3:
		return text[0], 4
	case zeros > 0:
		return text[0], 2
	}
	return other, 1
}

// bigEndian is the same for UTF-16BE and UTF-32BE.
func bigEndian(text []byte, end bool) (byte, int) {
	zeros := 0
	for zeros < len(text) && zeros < 4 && text[zeros] == 0 {
		zeros++
	}
	switch {
	case zeros == len(text) && zeros < 4 && !end:
		return 0, 0
	case zeros == len(text):
		return other, 1
	case zeros == 1 || zeros == 3:
		return text[zeros], zeros + 1
	}
	return other, 1
}

// reading is a text, read in one way, while it comes in pieces.
type reading struct {
	*kind
	scan   *scanner // nil while it sleeps
	text   []byte   // what could not be decoded yet
	ends   []int    // where its bytes end in the source
	inside []*reading
}

func newReading(k *kind, scan *scanner) *reading {
	r := &reading{kind: k, scan: scan}
	for _, inner := range k.inside {
		r.inside = append(r.inside, newReading(inner, nil))
	}
	return r
}

func (r *reading) clone() *reading {
	c := &reading{kind: r.kind, text: append([]byte(nil), r.text...), ends: append([]int(nil), r.ends...)}
	if r.scan != nil {
		c.scan = r.scan.clone()
	}
	for _, inner := range r.inside {
		c.inside = append(c.inside, inner.clone())
	}
	return c
}

// each calls f for every reading that is awake.
func (r *reading) each(f func(*scanner)) {
	if r.scan == nil {
		return
	}
	f(r.scan)
	for _, inner := range r.inside {
		inner.each(f)
	}
}

// take reads the next piece of the text that this is a reading of: its
// characters, and where each ends in the source. settle decides everything that
// is there, as nothing that follows belongs to it.
func (r *reading) take(text []byte, ends []int, settle bool, hide func(from, to int)) (blocked bool) {
	for i, inner := range r.inside {
		if inner.scan == nil && inner.wakes.any(text) {
			r.inside[i] = r.wake(inner.kind)
		}
	}
	blocked = r.scan.feed(text, ends, settle, hide)
	for _, inner := range r.inside {
		if inner.scan != nil && inner.read(text, ends, settle, hide) {
			blocked = true
		}
	}
	return blocked
}

// wake begins a reading. Up to here it would have been the same as r, or blank.
func (r *reading) wake(k *kind) *reading {
	woken := newReading(k, r.scan.clone())
	if k.blank {
		woken.text, woken.ends = woken.scan.forgetChars()
		return woken
	}
	for i, inner := range woken.inside {
		for _, same := range r.inside {
			if same.kind == inner.kind && same.scan != nil {
				woken.inside[i] = same.clone()
			}
		}
	}
	return woken
}

func (r *reading) read(text []byte, ends []int, settle bool, hide func(from, to int)) bool {
	r.text, r.ends = append(r.text, text...), append(r.ends, ends...)
	var chars []byte
	var charEnds []int
	done := 0
	for done < len(r.text) {
		char, taken := r.decode(r.text[done:], settle)
		if taken == 0 {
			break
		}
		done += taken
		chars, charEnds = append(chars, char), append(charEnds, r.ends[done-1])
	}
	r.text, r.ends = append(r.text[:0], r.text[done:]...), append(r.ends[:0], r.ends[done:]...)
	return r.take(chars, charEnds, settle, hide)
}
