package extension

import (
	"regexp"
	"strconv"

	"ext-proc-server/internal/exchange"
	"ext-proc-server/internal/settings"
)

// claimsNamespace is where Envoy keeps what it verified of a token.
const claimsNamespace = "envoy.filters.http.jwt_authn"

// maxTenantBytes bounds what is kept of a client's text.
const maxTenantBytes = 128

var modelName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}$`)

func parse(root settings.Value) *Extension {
	m := root.Object("basePath", "otherPaths", "models", "tenant", "budget", "streamUsage", "clientHeaders", "guard")
	return &Extension{
		basePath:     parseBasePath(m["basePath"]),
		passOthers:   oneOf(m["otherPaths"], "deny", "pass") == "pass",
		models:       parseModels(m["models"]),
		tenantOf:     parseTenant(m["tenant"]),
		budgets:      parseBudget(m["budget"]),
		askForUsage:  oneOf(m["streamUsage"], "ask", "as-sent") == "ask",
		usageHeaders: oneOf(m["clientHeaders"], "none", "usage") == "usage",
		guard:        parseGuard(m["guard"]),
	}
}

func parseBasePath(v settings.Value) string {
	path := v.Text()
	if !regexp.MustCompile(`^(/[A-Za-z0-9_-][A-Za-z0-9._~-]*)*$`).MatchString(path) {
		v.Wrong("write a path without a slash at its end, for example /v1")
	}
	return path
}

func parseModels(list settings.Value) map[string]string {
	models := map[string]string{}
	for _, v := range list.Array() {
		m := v.Object("name", "upstream")
		name, upstream := m["name"].Text(), m["upstream"].Text()
		if upstream == "" {
			upstream = name
		}
		if !modelName.MatchString(name) {
			m["name"].Wrong("use up to 128 letters, digits and . _ : / @ -, for example gpt-4o-mini")
		} else if !modelName.MatchString(upstream) {
			m["upstream"].Wrong("use up to 128 letters, digits and . _ : / @ -, or nothing for the same name")
		}
		if _, there := models[name]; there {
			m["name"].Wrong("give each model a name of its own")
		}
		models[name] = upstream
	}
	return models
}

// parseTenant returns whose budget a request uses; "" for those who say none.
func parseTenant(v settings.Value) func(*exchange.Exchange) string {
	switch oneOf(v.Member("from"), "all", "header", "claim") {
	case "header":
		name := v.Object("from", "header")["header"].HeaderName()
		return func(x *exchange.Exchange) string {
			values := x.Request.Values(name)
			if len(values) != 1 {
				return "" // of several, nobody knows which counts
			}
			return bounded(values[0])
		}
	case "claim":
		m := v.Object("from", "provider", "claim")
		provider, path := m["provider"].Text(), []string{}
		for _, name := range m["claim"].Array() {
			path = append(path, name.Text())
		}
		if provider == "" {
			m["provider"].Wrong("name the provider in the SecurityPolicy")
		}
		if len(path) == 0 {
			m["claim"].Wrong(`name the claim, for example ["sub"]`)
		}
		return func(x *exchange.Exchange) string {
			return bounded(claimText(x.Metadata(claimsNamespace)[provider], path))
		}
	default:
		v.Object("from")
		return func(*exchange.Exchange) string { return "" }
	}
}

func bounded(tenant string) string {
	if len(tenant) > maxTenantBytes {
		return ""
	}
	return tenant
}

// claimText returns a claim that is a text, a number or a boolean.
func claimText(claims any, path []string) string {
	for _, name := range path {
		object, _ := claims.(map[string]any)
		claims = object[name]
	}
	switch v := claims.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

func parseBudget(v settings.Value) *budgets {
	m := v.Object("tokens", "windowSeconds", "maxTenants", "reserve", "withoutUsage")
	return newBudgets(
		int64(between(m["tokens"], 0, 1_000_000_000)),
		between(m["windowSeconds"], 1, 31*24*60*60),
		between(m["maxTenants"], 1, 100_000),
		int64(between(m["reserve"], 0, 1_000_000)),
		int64(between(m["withoutUsage"], 0, 1_000_000)),
	)
}

func parseGuard(list settings.Value) []*regexp.Regexp {
	var guard []*regexp.Regexp
	for _, v := range list.Array() {
		m := v.Object("name", "pattern")
		m["name"].Text()
		// Go's engine takes linear time, whatever the pattern.
		pattern, err := regexp.Compile("(?i)" + m["pattern"].Text())
		if err != nil || pattern.MatchString("") {
			m["pattern"].Wrong("write a regular expression that matches no empty text, for example ignore (all |the )?instructions")
			continue
		}
		guard = append(guard, pattern)
	}
	return guard
}

func oneOf(v settings.Value, allowed ...string) string {
	text := v.Text()
	for _, one := range allowed {
		if text == one {
			return text
		}
	}
	remedy := "use " + allowed[0]
	for _, one := range allowed[1:] {
		remedy += " or " + one
	}
	v.Wrong(remedy)
	return ""
}

func between(v settings.Value, low, high int) int {
	n := v.Count()
	if n < low || n > high {
		v.Wrong("use a whole number from " + strconv.Itoa(low) + " to " + strconv.Itoa(high))
		return low
	}
	return n
}
