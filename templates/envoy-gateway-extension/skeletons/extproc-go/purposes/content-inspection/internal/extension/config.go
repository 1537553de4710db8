package extension

import (
	"fmt"
	"io"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"ext-proc-server/internal/settings"
)

// action is what is done with what a detector finds.
type action string

const (
	off    action = "off"
	report action = "report"
	mask   action = "mask"
	block  action = "block"
	pass   action = "pass" // of what cannot be read
)

// unreadable is the name of what cannot be read in events.
const unreadable = "unreadable"

// config is the settings file.
type config struct {
	path, body        bool // places of requests
	headers           []string
	request, response []rule // without those that are off
	with              byte
	contentTypes      []string
	rejectUnreadable  bool
}

func parseConfig(r io.Reader) (*config, error) {
	root, err := settings.Parse(r)
	if err != nil {
		return nil, err
	}
	members := root.Object("request", "response", "patterns", "maskWith", "keepDigits", "contentTypes", "unreadable")
	request := members["request"].Object("places", "headers", "cards", "emails", "credentials", "sqlInjection", "pathTraversal")
	response := members["response"].Object("cards", "emails", "credentials")

	c := &config{rejectUnreadable: oneOfTexts(members["unreadable"], "reject", "pass") == "reject"}
	for _, v := range request["places"].Array() {
		switch oneOfTexts(v, "path", "body") {
		case "path":
			c.path = true
		case "body":
			c.body = true
		}
	}
	for _, v := range request["headers"].Array() {
		c.headers = append(c.headers, v.HeaderName())
	}
	if with := oneOfTexts(members["maskWith"], "*", "x", "X", "#", "1"); with != "" {
		c.with = with[0]
	}
	keep := members["keepDigits"].Count()
	if keep > 4 {
		members["keepDigits"].Wrong("write a number from 0 to 4")
	}
	for _, v := range members["contentTypes"].Array() {
		c.contentTypes = append(c.contentTypes, mediaTypePattern(v))
	}

	add := func(d detector, request, response action) {
		if request != off {
			c.request = append(c.request, rule{d, request})
		}
		if response != off {
			c.response = append(c.response, rule{d, response})
		}
	}
	add(cards(keep), anyAction(request["cards"]), anyAction(response["cards"]))
	add(emails, anyAction(request["emails"]), anyAction(response["emails"]))
	add(credentials, anyAction(request["credentials"]), anyAction(response["credentials"]))
	add(sqlInjection, attackAction(request["sqlInjection"]), off)
	add(pathTraversal, attackAction(request["pathTraversal"]), off)
	for _, v := range members["patterns"].Array() {
		own := v.Object("name", "pattern", "request", "response")
		re := parsePattern(own["pattern"])
		add(custom(own["name"].Text(), re), anyAction(own["request"]), anyAction(own["response"]))
	}
	return c, root.Err()
}

func oneOfTexts(v settings.Value, allowed ...string) string {
	text := v.Text()
	if !slices.Contains(allowed, text) {
		v.Wrong("write one of " + strings.Join(allowed, ", "))
		return ""
	}
	return text
}

func anyAction(v settings.Value) action {
	return action(oneOfTexts(v, string(off), string(report), string(mask), string(block)))
}

// attackAction knows no mask: an attack that is cut out of a text may leave
// another one.
func attackAction(v settings.Value) action {
	return action(oneOfTexts(v, string(off), string(report), string(block)))
}

// mediaTypePattern reads a media type with at most one *.
func mediaTypePattern(v settings.Value) string {
	text := v.Text()
	if text == "" || strings.Count(text, "*") > 1 || text != strings.ToLower(text) || strings.ContainsAny(text, "; ") {
		v.Wrong("write a media type in lower case without parameters, with at most one *, for example application/*+json")
	}
	return text
}

// parsePattern reads a regular expression of which every match has at most
// maxPatternBytes of ASCII and depends on nothing around it: that is what makes
// the window long enough.
func parsePattern(v settings.Value) *regexp.Regexp {
	text := v.Text()
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		v.Wrong(fmt.Sprintf("write a regular expression of Go's package regexp (%v)", err))
		return regexp.MustCompile(`[^\x00-\x{10FFFF}]`)
	}
	least, most, err := lengths(tree)
	switch {
	case err != nil:
		v.Wrong(err.Error())
	case least == 0:
		v.Wrong("it matches the empty text; make a part of it obligatory")
	case most > maxPatternBytes:
		v.Wrong(fmt.Sprintf("its matches can have more than %d bytes; use smaller quantities", maxPatternBytes))
	default:
		return regexp.MustCompile(text)
	}
	return regexp.MustCompile(`[^\x00-\x{10FFFF}]`) // matches nothing; Load fails
}

// lengths returns how short and how long a match can be. Lengths above
// maxPatternBytes are all alike.
func lengths(re *syntax.Regexp) (least, most int, err error) {
	if re.Flags&(syntax.FoldCase|syntax.NonGreedy) != 0 && re.Op != syntax.OpLiteral && re.Op != syntax.OpCharClass || re.Op == syntax.OpLiteral && re.Flags&syntax.FoldCase != 0 {
		return 0, 0, fmt.Errorf("it has flags or lazy quantifiers; write both cases as [aA], and plain quantifiers")
	}
	bounded := func(n int) int { return min(n, maxPatternBytes+1) }
	switch re.Op {
	case syntax.OpEmptyMatch:
		return 0, 0, nil
	case syntax.OpLiteral, syntax.OpCharClass:
		for _, r := range re.Rune {
			if r > 0x7f {
				return 0, 0, fmt.Errorf("it matches characters beyond ASCII; list the characters that may be there, for example [a-z ] instead of [^,]")
			}
		}
		if re.Op == syntax.OpCharClass {
			return 1, 1, nil
		}
		return len(re.Rune), bounded(len(re.Rune)), nil
	case syntax.OpCapture:
		return lengths(re.Sub[0])
	case syntax.OpQuest:
		_, most, err = lengths(re.Sub[0])
		return 0, most, err
	case syntax.OpRepeat:
		if re.Max < 0 {
			break
		}
		least, most, err = lengths(re.Sub[0])
		return bounded(least * re.Min), bounded(most * re.Max), err
	case syntax.OpConcat, syntax.OpAlternate:
		for i, sub := range re.Sub {
			subLeast, subMost, err := lengths(sub)
			switch {
			case err != nil:
				return 0, 0, err
			case re.Op == syntax.OpConcat:
				least, most = least+subLeast, bounded(most+subMost)
			case i == 0:
				least, most = subLeast, subMost
			default:
				least, most = min(least, subLeast), max(most, subMost)
			}
		}
		return least, most, nil
	}
	return 0, 0, fmt.Errorf(`it has *, +, {n,}, ., anchors or \b; use bounded quantifiers such as {1,20} and lists such as [a-z ]`)
}
