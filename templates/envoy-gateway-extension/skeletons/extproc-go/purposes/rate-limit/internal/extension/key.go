package extension

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"ext-proc-server/internal/exchange"
	"ext-proc-server/internal/settings"
)

// claimsNamespace is where Envoy keeps what it verified of a token.
const claimsNamespace = "envoy.filters.http.jwt_authn"

// part is one thing that tells clients apart; "" if the request has it not.
type part func(*exchange.Exchange) string

func parsePart(v settings.Value, provider string) part {
	from := v.Member("from")
	switch oneOf(from, "client-address", "forwarded-for", "header", "claim", "path") {
	case "client-address":
		v.Object("from")
		return func(x *exchange.Exchange) string { return clientAddress(x.Attribute("source.address")) }
	case "forwarded-for":
		hops := between(v.Object("from", "trustedHops")["trustedHops"], 1, 10)
		return func(x *exchange.Exchange) string { return forwardedFor(x.Request.Values("x-forwarded-for"), hops) }
	case "header":
		name := v.Object("from", "header")["header"].HeaderName()
		return func(x *exchange.Exchange) string { return strings.Join(x.Request.Values(name), ",") }
	case "claim":
		claim := v.Object("from", "claim")["claim"]
		var path []string
		for _, name := range claim.Array() {
			path = append(path, name.Text())
		}
		switch {
		case len(path) == 0:
			claim.Wrong(`name the claim, for example ["sub"]`)
		case provider == "":
			claim.Wrong("name the provider of the claims in the setting provider")
		}
		return func(x *exchange.Exchange) string { return claimText(x.Metadata(claimsNamespace)[provider], path) }
	case "path":
		segments := between(v.Object("from", "segments")["segments"], 1, 10)
		return func(x *exchange.Exchange) string { return pathPrefix(x.Request.Get(":path"), segments) }
	}
	return nil
}

// keyOf returns whose bucket it is. What clients send is hashed, so that a key
// is short and nothing but letters and digits, whatever they send.
func (l *limit) keyOf(x *exchange.Exchange) (key string, applies bool) {
	hash := sha256.New()
	for _, p := range l.key {
		value := p(x)
		if value == "" && l.skipAbsent {
			return "", false
		}
		// With its length, so that ("a", "bc") and ("ab", "c") differ.
		hash.Write(binary.BigEndian.AppendUint32(nil, uint32(len(value))))
		hash.Write([]byte(value))
	}
	key = l.name + ":" + hex.EncodeToString(hash.Sum(nil)[:16])
	if l.prefix != "" {
		key = l.prefix + ":" + key
	}
	return key, true
}

// clientAddress takes the port off an address as Envoy writes it.
func clientAddress(address string) string {
	if a, err := netip.ParseAddrPort(address); err == nil {
		return client(a.Addr())
	}
	return ""
}

// forwardedFor returns the address that the last trusted proxy saw. The last
// entry is the peer of Envoy, which Envoy itself appended.
func forwardedFor(lines []string, trustedHops int) string {
	entries := strings.Split(strings.Join(lines, ","), ",")
	if trustedHops >= len(entries) {
		return ""
	}
	a, err := netip.ParseAddr(strings.Trim(entries[len(entries)-1-trustedHops], " \t"))
	if err != nil {
		return ""
	}
	return client(a)
}

// client returns what stands for one client: an IPv4 address, or the 64 bits of
// an IPv6 address that a network is given, since a client can choose the rest.
func client(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	network, err := a.Prefix(64)
	if err != nil {
		return ""
	}
	return network.String()
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

// pathPrefix returns the first segments of a path in one spelling, so that
// /a//b, /%61/b and /a;x/b are no buckets of their own.
func pathPrefix(path string, segments int) string {
	path, _, _ = strings.Cut(path, "?")
	path, _, _ = strings.Cut(path, "#")
	prefix, n := "/", 0
	for segment := range strings.SplitSeq(path, "/") {
		segment, _, _ = strings.Cut(segment, ";")
		if segment == "" || n == segments {
			continue
		}
		if decoded, err := url.PathUnescape(segment); err == nil {
			segment = decoded
		}
		prefix += segment + "/"
		n++
	}
	return prefix
}
