package extension

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"ext-proc-server/internal/bucket"
	"ext-proc-server/internal/environment"
	"ext-proc-server/internal/exchange"
	"ext-proc-server/internal/settings"
)

// Most that the settings may ask for. Redis counts in floating-point numbers,
// which are exact with these: see bucket.Level.
const (
	maxQuota         = 1_000_000
	maxWindowSeconds = 31 * 24 * 60 * 60
	maxKeys          = 500_000 // k8s/deployment.yaml has the memory for those of the settings: sizing_test.go
)

// limit is one bucket for each key.
type limit struct {
	name   string
	policy bucket.Policy
	key    []part
	// skipAbsent lets requests without a part of the key pass; else they share a bucket.
	skipAbsent bool
	cost       cost
	prefix     string // of keys, if others use the same store
}

var names = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

func parseLimits(list settings.Value, provider, prefix string) []limit {
	var limits []limit
	for _, v := range list.Array() {
		m := v.Object("name", "quota", "windowSeconds", "key", "whenAbsent", "cost")
		l := limit{
			name: m["name"].Text(),
			policy: bucket.Policy{
				Quota:  int64(between(m["quota"], 1, maxQuota)),
				Window: time.Duration(between(m["windowSeconds"], 1, maxWindowSeconds)) * time.Second,
			},
			skipAbsent: oneOf(m["whenAbsent"], "share", "skip") == "skip",
			cost:       parseCost(m["cost"]),
			prefix:     prefix,
		}
		if !names.MatchString(l.name) {
			m["name"].Wrong("use up to 32 lower-case letters, digits and hyphens, beginning with a letter, for example per-client")
		}
		if slices.ContainsFunc(limits, func(other limit) bool { return other.name == l.name }) {
			m["name"].Wrong("give every limit a name of its own")
		}
		for _, p := range m["key"].Array() {
			l.key = append(l.key, parsePart(p, provider))
		}
		limits = append(limits, l)
	}
	if len(limits) == 0 {
		list.Wrong("write at least one limit")
	}
	return limits
}

// cost says how many units a request takes: one, unless a header says so.
type cost struct{ requestHeader, responseHeader string }

func parseCost(v settings.Value) cost {
	from := v.Member("from")
	switch oneOf(from, "one", "request-header", "response-header") {
	case "one":
		v.Object("from")
	case "request-header":
		return cost{requestHeader: v.Object("from", "header")["header"].HeaderName()}
	case "response-header":
		return cost{responseHeader: v.Object("from", "header")["header"].HeaderName()}
	}
	return cost{}
}

// ofRequest returns what is taken before the request goes on. More than the
// quota could never be granted, so it is refused as no cost.
func (c cost) ofRequest(x *exchange.Exchange, quota int64) (int64, error) {
	if c.requestHeader == "" || !x.Request.Has(c.requestHeader) {
		return 1, nil
	}
	units, ok := unitsOf(x.Request.Values(c.requestHeader))
	if !ok || units < 1 || units > quota {
		return 0, badCost(c.requestHeader, quota)
	}
	return units, nil
}

// ofResponse returns what the response cost, from 1 to the quota; 1 if it does
// not say.
func (c cost) ofResponse(x *exchange.Exchange, quota int64) int64 {
	if c.responseHeader == "" {
		return 1
	}
	units, _ := unitsOf(x.Response.Values(c.responseHeader))
	return min(max(units, 1), quota)
}

// unitsOf reads a whole number from the only value of a header.
func unitsOf(values []string) (int64, bool) {
	if len(values) != 1 {
		return 0, false
	}
	text := strings.Trim(values[0], " \t")
	if len(text) > 15 || strings.ContainsFunc(text, func(r rune) bool { return r < '0' || r > '9' }) {
		return 0, false
	}
	units, err := strconv.ParseInt(text, 10, 64)
	return units, err == nil
}

// storeConfig says where the buckets are.
type storeConfig struct {
	kind, prefix, whenAway string
	maxKeys                int // in memory
	timeout                time.Duration
	password               bool
}

func parseStore(v settings.Value) storeConfig {
	kind := v.Member("kind")
	switch oneOf(kind, "memory", "redis") {
	case "memory":
		return storeConfig{kind: "memory", maxKeys: between(v.Object("kind", "maxKeys")["maxKeys"], 1, maxKeys)}
	case "redis":
		m := v.Object("kind", "prefix", "timeoutMilliseconds", "whenAway", "maxKeys", "password")
		c := storeConfig{
			kind:     "redis",
			prefix:   m["prefix"].Text(),
			timeout:  time.Duration(between(m["timeoutMilliseconds"], 1, 1000)) * time.Millisecond,
			whenAway: oneOf(m["whenAway"], "deny", "allow", "local"),
			maxKeys:  between(m["maxKeys"], 1, maxKeys),
			password: oneOf(m["password"], "none", "secret") == "secret",
		}
		if !names.MatchString(c.prefix) {
			m["prefix"].Wrong("use up to 32 lower-case letters, digits and hyphens, beginning with a letter, for example shop-limits")
		}
		return c
	}
	return storeConfig{}
}

// redisAddress returns where Redis is and its password. An address is no secret,
// so it must not carry the password.
func redisAddress(c storeConfig, env environment.Environment) (address, password string, err error) {
	address = env.Getenv("REDIS_URL")
	if address == "" {
		return "", "", errors.New("REDIS_URL is not set; set it to the address of the Redis, for example redis://redis:6379/0")
	}
	if u, err := url.Parse(address); err == nil {
		if _, has := u.User.Password(); has {
			return "", "", errors.New("REDIS_URL has a password; set store.password to \"secret\" and put it into the secret redis-password")
		}
	}
	if c.password {
		password, err = env.Secret("redis-password")
	}
	return address, password, err
}

func between(v settings.Value, least, most int) int {
	n := v.Count()
	if n < least || n > most {
		v.Wrong(fmt.Sprintf("use a whole number from %d to %d", least, most))
		return least
	}
	return n
}

func oneOf(v settings.Value, allowed ...string) string {
	text := v.Text()
	if !slices.Contains(allowed, text) {
		v.Wrong("use one of " + strings.Join(allowed, ", "))
	}
	return text
}
