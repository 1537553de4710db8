package extension

import (
	"slices"
	"strings"

	"ext-proc-server/internal/exchange"
	"ext-proc-server/internal/settings"
)

// request is what the rules look at.
type request struct {
	method   string
	path     string // with the query
	headers  *exchange.Headers
	claims   map[string]any
	verified bool // there are claims, perhaps none
}

type reason string

const (
	byRule        reason = "rule"
	noRule        reason = "no_rule"
	claimsMissing reason = "claims_missing"
	ambiguousPath reason = "ambiguous_path"
)

type decision struct {
	allowed bool
	reason  reason
	rule    string // "" if none matched
}

type policy struct {
	rules      []rule
	ignoreCase bool
}

type rule struct {
	name    string
	allows  bool
	methods []string      // any if empty
	paths   []pathPattern // any if empty
	headers []headerCondition
	claims  []claimCondition
}

func (p policy) needsClaims() bool {
	return slices.ContainsFunc(p.rules, func(r rule) bool { return len(r.claims) > 0 })
}

// decide lets the first rule that matches decide; what none matches is denied.
func (p policy) decide(q request) decision {
	segments, ok := segmentsOf(q.path)
	if !ok {
		return decision{reason: ambiguousPath}
	}
	if p.ignoreCase {
		for i, s := range segments {
			segments[i] = lowerASCII(s)
		}
	}
	missed := false // a rule would have allowed it, had there been claims
	result := decision{reason: noRule}
	for _, r := range p.rules {
		if !r.matches(q, segments) {
			continue
		}
		if len(r.claims) > 0 && !q.verified {
			missed = missed || r.allows
			continue
		}
		if !slices.ContainsFunc(r.claims, func(c claimCondition) bool { return !c.holds(q, segments, r.allows) }) {
			result = decision{allowed: r.allows, reason: byRule, rule: r.name}
			break
		}
	}
	if missed && !result.allowed {
		return decision{reason: claimsMissing}
	}
	return result
}

// matches leaves the claims aside.
func (r rule) matches(q request, segments []string) bool {
	return (len(r.methods) == 0 || slices.Contains(r.methods, q.method)) &&
		(len(r.paths) == 0 || slices.ContainsFunc(r.paths, func(p pathPattern) bool { return p.matches(segments) })) &&
		!slices.ContainsFunc(r.headers, func(c headerCondition) bool { return !c.holds(q.headers, r.allows) })
}

// headerCondition asks something of all lines of one header.
type headerCondition struct {
	name   string
	values []string // nil: any
}

// holds is strict with repeated lines, which parties downstream may read in
// either order: another line never widens what is allowed, and never evades
// what is denied. Nor does a list in one line, which means the same (RFC 9110,
// 5.3).
func (c headerCondition) holds(headers *exchange.Headers, allows bool) bool {
	lines := headers.Values(c.name)
	if c.values == nil {
		return len(lines) > 0
	}
	isOne := func(line string) bool { return slices.Contains(c.values, line) }
	if allows {
		return len(lines) > 0 && !slices.ContainsFunc(lines, func(line string) bool { return !isOne(line) })
	}
	return slices.ContainsFunc(lines, isOne) || slices.ContainsFunc(elements(lines), isOne)
}

// elements are those of all lines that are lists with commas.
func elements(lines []string) []string {
	var all []string
	for _, line := range lines {
		for element := range strings.SplitSeq(line, ",") {
			all = append(all, strings.Trim(element, " \t"))
		}
	}
	return all
}

// methods that rules may name.
var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

func parseRules(list settings.Value, ignoreCase bool) []rule {
	var rules []rule
	names := map[string]bool{}
	for _, v := range list.Array() {
		m := v.Object("name", "effect", "methods", "paths", "headers", "claims")
		r := rule{
			name:   filled(m["name"]),
			allows: oneOf(m["effect"], "allow", "deny") == "allow",
		}
		if names[r.name] {
			m["name"].Wrong("give every rule a name of its own")
		}
		names[r.name] = true
		for _, method := range m["methods"].Array() {
			r.methods = append(r.methods, oneOf(method, methods...))
		}
		for _, p := range m["paths"].Array() {
			r.paths = append(r.paths, parsePath(p, ignoreCase))
		}
		for _, h := range m["headers"].Array() {
			r.headers = append(r.headers, parseHeader(h))
		}
		for _, c := range m["claims"].Array() {
			r.claims = append(r.claims, parseClaim(c, ignoreCase))
		}
		rules = append(rules, r)
	}
	return rules
}

func parsePath(v settings.Value, ignoreCase bool) pathPattern {
	m := v.Object("match", "path")
	match, path := oneOf(m["match"], "exact", "prefix", "segments"), m["path"].Text()
	if remedy := pathRemedy(match, path); remedy != "" {
		m["path"].Wrong(remedy)
		return pathPattern{}
	}
	return newPathPattern(match, path, ignoreCase)
}

// pathRemedy is "" for a pattern that some path can match.
func pathRemedy(match, path string) string {
	if segments, ok := segmentsOf(path); !ok || strings.ContainsAny(path, "?%") {
		return "begin with / and write the characters themselves, without percent-encoding, ?, #, ;, \\, empty and dot segments"
	} else if match == "segments" {
		for i, s := range segments {
			if strings.Contains(s, "*") && s != "*" && (s != "**" || i < len(segments)-1) {
				return "let * stand for one whole segment, and ** only at the end for any number, for example /users/*/orders/**"
			}
		}
		return ""
	}
	switch {
	case strings.Contains(path, "*"):
		return `use "match": "segments" for patterns with *`
	case match == "prefix" && path != "/" && strings.HasSuffix(path, "/"):
		return "remove the / at the end: a prefix matches itself and everything below"
	}
	return ""
}

// unmatchable headers say nothing that a decision may rest on: they are
// credentials that nobody has verified, addresses that anyone can send, or set
// by Envoy itself.
var unmatchable = []string{
	"authorization", "proxy-authorization", "cookie", "forwarded", "x-real-ip", "x-request-id",
	"host", "connection", "content-length", "expect", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
}

func parseHeader(v settings.Value) headerCondition {
	is, values := parseIs(v, "name", "present", "equals", "one-of")
	c := headerCondition{name: headerName(v.Member("name")), values: values}
	if is != "present" && c.values == nil {
		c.values = []string{} // wrong, and reported; matches nothing
	}
	return c
}

// headerName returns the name of a header that a decision may rest on.
func headerName(v settings.Value) string {
	name := v.Text()
	isToken := name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-')
	})
	switch {
	case !isToken:
		v.Wrong("write the name of a header in lower case, for example x-tenant")
	case slices.Contains(unmatchable, name) || strings.HasPrefix(name, "x-forwarded-") || strings.HasPrefix(name, "x-envoy-"):
		v.Wrong("choose another header: a decision must not rest on this one; see docs/purpose.md")
	}
	return name
}

// places are the conditions that compare a claim with the request itself.
var places = []string{"equals-segment", "equals-header", "equals-query", "equals-host"}

func parseClaim(v settings.Value, ignoreCase bool) claimCondition {
	is, values := parseIs(v, "claim", append([]string{"present", "equals", "contains", "one-of"}, places...)...)
	claim := v.Member("claim")
	c := claimCondition{names: texts(claim), is: is, values: values}
	if slices.Contains(places, is) {
		p := parsePlace(v, is, ignoreCase)
		c.place = &p
	}
	if len(c.names) == 0 {
		claim.Wrong(`write the names from the outside in, for example ["realm_access", "roles"]`)
	}
	return c
}

// parseIs reads which condition it is, and the values that it asks for.
func parseIs(v settings.Value, subject string, allowed ...string) (is string, values []string) {
	is = oneOf(v.Member("is"), allowed...)
	switch is {
	case "equals", "contains":
		return is, []string{filled(v.Object("is", subject, "value")["value"])}
	case "one-of":
		list := v.Object("is", subject, "values")["values"]
		values = texts(list)
		if len(values) == 0 {
			list.Wrong("write at least one value")
		}
		return is, values
	case "present":
		v.Object("is", subject)
	}
	return is, nil
}

// oneOf returns a text that is one of these.
func oneOf(v settings.Value, allowed ...string) string {
	text := v.Text()
	if !slices.Contains(allowed, text) {
		v.Wrong("write one of " + strings.Join(allowed, ", "))
		return ""
	}
	return text
}

func filled(v settings.Value) string {
	text := v.Text()
	if text == "" {
		v.Wrong("write a text that is not empty")
	}
	return text
}

func texts(list settings.Value) []string {
	var result []string
	for _, v := range list.Array() {
		result = append(result, filled(v))
	}
	return result
}
