package extension

import (
	"strings"
	"testing"

	"ext-proc-server/internal/environment"
)

// A claim that is compared with the request itself: as an allowing and as a
// denying rule, which must not be evaded.
func TestClaimsThatAreComparedWithTheRequest(t *testing.T) {
	const (
		segment = `"is":"equals-segment","claim":["sub"],"segment":2`
		header  = `"is":"equals-header","claim":["tenants"],"name":"x-tenant"`
		query   = `"is":"equals-query","claim":["sub"],"name":"user"`
		host    = `"is":"equals-host","claim":["host"]`
	)
	claims := map[string]any{"sub": "Ann é", "tenants": []any{"a", 7.0}, "host": "Shop.example.com", "empty": ""}
	both := func(is bool) [2]bool { return [2]bool{is, is} }
	for _, tt := range []struct {
		name, condition, path string
		headers               []string
		holds                 [2]bool // where the rule allows, where it denies
	}{
		{"segment", segment, "/users/Ann%20%C3%A9", nil, both(true)},
		{"segment and more", segment, "/users/Ann%20é/orders", nil, both(true)},
		{"other segment", segment, "/users/Bob", nil, both(false)},
		{"other case", segment, "/users/ann%20%C3%A9", nil, both(false)},
		{"plus is no blank in a path", segment, "/users/Ann+%C3%A9", nil, both(false)},
		{"no such segment", segment, "/users", nil, both(false)},
		{"empty segment", `"is":"equals-segment","claim":["empty"],"segment":2`, "/users/", nil, both(false)},
		{"header", header, "/", []string{"x-tenant", "a"}, both(true)},
		{"header, number", header, "/", []string{"x-tenant", "7"}, both(true)},
		{"other header", header, "/", []string{"x-tenant", "b"}, both(false)},
		{"no header", header, "/", nil, both(false)},
		{"a list in a header", header, "/", []string{"x-tenant", "b, a"}, [2]bool{false, true}},
		{"two headers", header, "/", []string{"x-tenant", "a", "x-tenant", "b"}, [2]bool{false, true}},
		{"query", query, "/?user=Ann+%C3%A9", nil, both(true)},
		{"query among others", query, "/?x&=&user=Ann%20é&y=1", nil, both(true)},
		{"other query", query, "/?user=Bob", nil, both(false)},
		{"no query", query, "/", nil, both(false)},
		{"two parameters", query, "/?user=Ann+é&user=Bob", nil, [2]bool{false, true}},
		{"second parameter with an encoded name", query, "/?user=Ann+é&%75ser=Bob", nil, [2]bool{false, true}},
		{"second parameter in the other case", query, "/?user=Ann+é&USER=Bob", nil, [2]bool{false, true}},
		{"second parameter as a member of a list", query, "/?user=Ann+é&user[]=Bob", nil, [2]bool{false, true}},
		{"second parameter with an encoded bracket", query, "/?user=Ann+é&user%5Bx%5D=Bob", nil, [2]bool{false, true}},
		{"second parameter with a zero byte", query, "/?user=Ann+é&user%00x=Bob", nil, [2]bool{false, true}},
		{"second parameter with blanks", query, "/?user=Ann+é&+user%09=Bob", nil, [2]bool{false, true}},
		{"a dot for an underscore", `"is":"equals-query","claim":["sub"],"name":"user_id"`, "/?user_id=Ann+é&user.id=Bob", nil, [2]bool{false, true}},
		{"another parameter that begins alike", query, "/?user=Ann+é&users=Bob", nil, both(true)},
		{"semicolon", query, "/?user=Ann+é;user=Bob", nil, [2]bool{false, true}},
		{"escape that is none", query, "/?user=Bob&x=%", nil, [2]bool{false, true}},
		{"host", host, "/", []string{":authority", "shop.EXAMPLE.com"}, both(true)},
		{"host with port", host, "/", []string{":authority", "shop.example.com:8443"}, both(true)},
		{"host with the dot of the root", host, "/", []string{":authority", "shop.example.com."}, both(true)},
		{"other host", host, "/", []string{":authority", "shop.example.com.evil"}, both(false)},
		{"no host", host, "/", nil, both(false)},
	} {
		allowing, _ := load(t, rules(`"claims":[{`+tt.condition+`}]`))
		denying, _ := load(t, rules(`"effect":"deny","claims":[{`+tt.condition+`}]`, ``))
		headers := append([]string{":path", tt.path}, tt.headers...)
		if got := ask(t, allowing, claims, headers...) == "allow"; got != tt.holds[0] {
			t.Errorf("%s: allowed: %t", tt.name, got)
		}
		if got := ask(t, denying, claims, headers...) != "allow"; got != tt.holds[1] {
			t.Errorf("%s: denied: %t", tt.name, got)
		}
		if got := ask(t, allowing, nil, headers...); got != noID {
			t.Errorf("%s without claims: %s", tt.name, got)
		}
	}
}

func TestCaseOfSegmentsThatAreComparedWithClaims(t *testing.T) {
	e, _ := load(t, rules(`"claims":[{"is":"equals-segment","claim":["sub"],"segment":2}]`)+`,"pathCase":"ignored"`)
	if got := ask(t, e, map[string]any{"sub": "aNN"}, ":path", "/users/AnN"); got != "allow" {
		t.Error(got)
	}
}

func TestComparisonsThatAreRefused(t *testing.T) {
	for condition, want := range map[string]string{
		`"is":"equals-segment","claim":["sub"],"segment":0`:                 "1 or more",
		`"is":"equals-segment","claim":["sub"]`:                             "segment: the key is missing",
		`"is":"equals-header","claim":["sub"],"name":"cookie"`:              "choose another header",
		`"is":"equals-query","claim":["sub"],"name":"a b"`:                  "letters, digits",
		`"is":"equals-query","claim":["sub"],"name":"a","value":"x"`:        "remove this key",
		`"is":"equals-host","claim":[]`:                                     "from the outside in",
		`"is":"equals-host","claim":["sub"],"name":"x-forwarded-something"`: "remove this key",
	} {
		_, err := Load(strings.NewReader(settingsWith(rules(`"claims":[{`+condition+`}]`))), environment.Empty())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", condition, err)
		}
	}
}
