package extension

import (
	"regexp"
	"strings"
)

// form is one thing that a detector finds.
type form struct {
	// first are the bytes that it can begin with: most positions of a text need
	// no closer look.
	first string
	match matcher
	// tail prolongs a match of any length; nil if match tells its end.
	tail tail
}

// detector finds one kind of content.
type detector struct {
	name string // in events
	// searches are independent of each other: what one finds hides nothing from
	// another.
	searches []search
	// overlaps means that matches of one search can overlap. Each is found, or
	// what stands before a card number could hide it.
	overlaps bool
	// digitsOnly masks nothing but the digits of a match, and of these not the
	// last ones.
	digitsOnly bool
	keepDigits int
}

// search returns the first match that begins in text[from:limit]; start is -1 if
// there is none.
type search func(text []byte, from, limit int) (start, end int, t tail)

// formsOf returns a detector for several forms. Where two begin at one place,
// the first in the list counts.
func formsOf(name string, forms ...form) detector {
	return detector{name: name, searches: []search{searchFor(forms...)}}
}

func searchFor(forms ...form) search {
	byFirst := [256][]form{}
	for _, f := range forms {
		for _, b := range []byte(f.first) {
			byFirst[b] = append(byFirst[b], f)
		}
	}
	return func(text []byte, from, limit int) (int, int, tail) {
		for at := from; at < limit; at++ {
			for _, f := range byFirst[text[at]] {
				if end := f.match(text[:min(len(text), at+window)], at); end >= 0 {
					return at, end, f.tail
				}
			}
		}
		return -1, -1, nil
	}
}

// cards finds payment card numbers: 13 to 19 digits (ISO/IEC 7812), one blank or
// hyphen between any two, that pass the Luhn check.
func cards(keepDigits int) detector {
	d := formsOf("cards", form{first: "23456", match: card})
	d.overlaps, d.digitsOnly, d.keepDigits = true, true, keepDigits
	return d
}

func card(text []byte, at int) int {
	if wordByte.is(text, at-1) || at > 1 && text[at-1] == '.' && digit[text[at-2]] {
		return -1 // within a longer number or word, or behind a decimal point
	}
	best := -1
	var digits []byte
	for end := at; len(digits) < 19; {
		if len(digits) > 0 && end < len(text) && (text[end] == ' ' || text[end] == '-') {
			end++
		}
		if !digit.is(text, end) {
			break
		}
		digits = append(digits, text[end]-'0')
		end++
		if len(digits) >= 13 && !wordByte.is(text, end) && luhn(digits) {
			best = end
		}
	}
	return best
}

// luhn is the check of ISO/IEC 7812-1, annex B.
func luhn(digits []byte) bool {
	sum := 0
	for i, d := range digits {
		if (len(digits)-i)%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += int(d)
	}
	return sum%10 == 0
}

const lettersAndDigits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

var (
	mailByte   = set("0-9A-Za-z._%+-")
	labelByte  = set("0-9A-Za-z-")
	upperDigit = set("0-9A-Z")
	alphanum   = set("0-9A-Za-z")

	emails = detector{name: "emails", overlaps: true, searches: []search{searchFor(form{
		first: lettersAndDigits + "._%+-",
		match: sequence(notAfter(mailByte), run(mailByte, 1, 64), oneOf("@"), domain),
	})}}
)

// domain matches the longest text that ends with a top-level domain.
func domain(text []byte, at int) int {
	best := -1
	for label := 0; ; label++ {
		end := at
		for labelByte.is(text, end) {
			end++
		}
		if end == at || end-at > 63 {
			return best
		}
		if label > 0 && end-at > 1 && run(letter, end-at, end-at)(text, at) == end {
			best = end
		}
		if end >= len(text) || text[end] != '.' {
			return best
		}
		at = end + 1
	}
}

// token is a form of the credentials: a prefix and what follows.
func token(first string, parts ...matcher) form {
	return form{first: first, match: sequence(append([]matcher{notAfter(wordByte)}, parts...)...)}
}

func (f form) goesOn(t tail) form {
	f.tail = t
	return f
}

// credentials have the forms that their issuers document. To add one, give its
// prefix and the least that follows.
//
// Forms with the same tail share a search: a match that begins within another is
// masked with it, as all of its bytes are bytes of the tail.
var credentials = detector{name: "credentials", searches: []search{
	searchFor(
		token("A", oneOf("AKIA", "ASIA"), run(upperDigit, 16, 16), notBefore(wordByte)), // AWS access key id
		token("A", oneOf("AIza"), run(tokenByte, 35, 35), notBefore(tokenByte)),         // Google API key
	),
	searchFor(
		token("gn", oneOf("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "npm_"), run(alphanum, 36, 36)).goesOn(while(tokenByte)),
		token("g", oneOf("github_pat_"), run(wordByte, 22, 22)).goesOn(while(tokenByte)),
		token("gs", oneOf("glpat-", "sk-ant-", "sk-proj-"), run(tokenByte, 20, 20)).goesOn(while(tokenByte)),               // GitLab, Anthropic, OpenAI
		token("sr", oneOf("sk_live_", "sk_test_", "rk_live_", "rk_test_"), run(alphanum, 16, 16)).goesOn(while(tokenByte)), // Stripe
		token("x", oneOf("xoxa-", "xoxb-", "xoxp-", "xoxr-", "xoxs-"), run(labelByte, 10, 10)).goesOn(while(tokenByte)),    // Slack
	),
	searchFor(token("e", oneOf("eyJ"), run(tokenByte, 10, 1000), oneOf(".eyJ")).goesOn(while(set("0-9A-Za-z._-")))), // JWT
	searchFor(form{first: "-", match: sequence(oneOf("-----BEGIN "), oneOf(
		"PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY",
		"OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "PGP PRIVATE KEY BLOCK",
	), oneOf("-----")), tail: pemBody}),
}}

// The beginnings of attacks, in any case, and with percent-encoding where it is
// usual in forms. They are heuristics: what they miss is no proof of innocence.
var (
	blank     = anyCase(" ", "\t", "\r", "\n", "+", "%20", "%09", "%0a", "%0d", "/**/")
	blanks    = times(blank, 1, 8)
	anyBlanks = times(blank, 0, 8)
	quote     = anyCase("'", `"`, "%27", "%22")
	wordEnd   = notBefore(wordByte)

	sqlInjection = formsOf("sql-injection",
		phrase("u", anyCase("union"), blanks, optional(sequence(anyCase("all"), blanks)), anyCase("select"), wordEnd),
		form{first: `'"%`, match: sequence(quote, anyBlanks, anyCase("or", "and"), blanks, optional(quote),
			run(wordByte, 1, 16), optional(quote), anyBlanks, anyCase("=", "%3d", "<", ">"))},
		phrase("oa", anyCase("or", "and"), blanks, run(digit, 1, 8), anyBlanks, anyCase("=", "%3d"), anyBlanks, run(digit, 1, 8)),
		form{first: ";%", match: sequence(anyCase(";", "%3b"), anyBlanks, anyCase("drop", "truncate", "alter"), blanks,
			anyCase("table", "database", "schema"), wordEnd)},
		form{first: ";%", match: sequence(anyCase(";", "%3b"), anyBlanks, anyCase("delete"), blanks, anyCase("from"), wordEnd)},
		form{first: ";%", match: sequence(anyCase(";", "%3b"), anyBlanks, anyCase("insert"), blanks, anyCase("into"), wordEnd)},
		form{first: "'%", match: sequence(anyCase("'", "%27"), anyBlanks, optional(anyCase(";", "%3b")), anyBlanks,
			oneOf("--"), notBefore(tokenByte))},
		phrase("spb", anyCase("sleep", "pg_sleep", "benchmark"), oneOf("("), run(digit, 1, 16)),
		phrase("w", anyCase("waitfor"), blanks, anyCase("delay"), wordEnd),
		phrase("i", anyCase("into"), blanks, anyCase("outfile", "dumpfile"), wordEnd),
		phrase("ix", anyCase("information_schema.", "xp_cmdshell")),
	)

	dot = anyCase(".", "%2e", "%252e")

	pathTraversal = formsOf("path-traversal",
		form{first: ".%", match: sequence(notAfter(set(".")), dot, dot,
			anyCase("/", `\`, "%2f", "%5c", "%252f", "%255c", ";/"))},
		form{first: "/", match: sequence(anyCase("/etc/passwd", "/etc/shadow"), wordEnd)},
		form{first: "/", match: anyCase("/proc/self/")},
		form{first: `\`, match: anyCase(`\windows\system32`, `\windows\win.ini`)},
	)
)

// phrase begins with a word in any case.
func phrase(first string, parts ...matcher) form {
	return token(first+strings.ToUpper(first), parts...)
}

// maxPatternBytes is the longest match of a pattern; it is far below window.
const maxPatternBytes = 256

// custom finds the matches of a regular expression that parsePattern accepts.
func custom(name string, re *regexp.Regexp) detector {
	return detector{name: "pattern:" + name, searches: []search{func(text []byte, from, limit int) (int, int, tail) {
		if from >= limit {
			return -1, -1, nil
		}
		// Beyond the limit a match could be cut off; there it is not asked for.
		place := re.FindIndex(text[from:min(len(text), limit+maxPatternBytes)])
		if place == nil || from+place[0] >= limit {
			return -1, -1, nil
		}
		return from + place[0], from + place[1], nil
	}}}
}
