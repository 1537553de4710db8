package extension

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"ext-proc-server/internal/environment"
	"ext-proc-server/internal/exchange"
	"ext-proc-server/internal/settings"
)

const (
	hmacSecret      = "hmac-keys"
	hmacScheme      = "HMAC-SHA256"
	minSecretLength = 32
	maxHeaderLength = 1024
)

var (
	errNoSignature    = unauthorized("missing", "The signature is missing.")
	errWrongSignature = unauthorized("invalid", "The signature is not valid.")
	errTimestamp      = unauthorized("timestamp", "The timestamp is too far from the time of the gateway.")
	errReplayed       = unauthorized("replayed", "The request has been sent before.")
	errDigest         = unauthorized("digest", "The body does not match its digest.")
)

// signature verifies requests that are signed with a shared secret.
type signature struct {
	name    string
	window  time.Duration
	secrets map[string][]byte // by key id
	seen    *replays
	now     func() time.Time
}

func signatureSettings(v settings.Value) func(environment.Environment) (method, error) {
	members := v.Object("kind", "header", "windowSeconds", "remember")
	m := &signature{
		name:    members["header"].HeaderName(),
		window:  time.Duration(between(members["windowSeconds"], 1, 3600, "seconds")) * time.Second,
		secrets: map[string][]byte{},
		seen:    newReplays(between(members["remember"], 1000, 1_000_000, "requests")),
		now:     time.Now,
	}
	return func(env environment.Environment) (method, error) {
		text, err := env.Secret(hmacSecret)
		if err != nil {
			return nil, err
		}
		return m, eachEntry(hmacSecret, "key-id:secret with a secret of 32 characters or more", text, func(id, secret string) bool {
			_, twice := m.secrets[id]
			m.secrets[id] = []byte(secret)
			return !twice && len(secret) >= minSecretLength
		})
	}
}

func (m *signature) header() string { return m.name }
func (m *signature) scheme() string { return hmacScheme }

// signed is what the header says.
type signed struct {
	key, timestamp, nonce string
	digest, signature     [sha256.Size]byte
}

// parseSigned reads
//
//	HMAC-SHA256 key=ID, timestamp=SECONDS, nonce=TEXT, digest=HEX, signature=HEX
//
// in any order, each parameter once, no others.
func parseSigned(value string) (s signed, ok bool) {
	scheme, rest, _ := strings.Cut(value, " ")
	if len(value) > maxHeaderLength || !strings.EqualFold(scheme, hmacScheme) {
		return s, false
	}
	parameters := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		name, text, _ := strings.Cut(strings.Trim(part, " \t"), "=")
		if _, twice := parameters[name]; twice {
			return s, false
		}
		parameters[name] = text
	}
	s = signed{key: parameters["key"], timestamp: parameters["timestamp"], nonce: parameters["nonce"]}
	var digestOK, signatureOK bool
	s.digest, digestOK = parseHash(parameters["digest"])
	s.signature, signatureOK = parseHash(parameters["signature"])
	return s, len(parameters) == 5 && digestOK && signatureOK && isIdentity(s.key) && isTimestamp(s.timestamp) && isNonce(s.nonce)
}

// isTimestamp leaves one way to write a number, since the text is signed.
func isTimestamp(text string) bool {
	return text != "" && len(text) <= 12 && text[0] != '0' && strings.Trim(text, "0123456789") == ""
}

func isNonce(text string) bool {
	return len(text) >= 16 && len(text) <= 64 && strings.Trim(text, letters+"_-") == ""
}

// canonical is the text that is signed. No part can hold a line break.
func canonical(method, path string, s signed) string {
	return strings.Join([]string{hmacScheme, method, path, s.timestamp, s.nonce, hex.EncodeToString(s.digest[:])}, "\n")
}

func (m *signature) authenticate(_ context.Context, x *exchange.Exchange) (string, error) {
	values := x.Request.Values(m.name)
	if len(values) == 0 {
		return "", errNoSignature
	}
	s, ok := parseSigned(values[0])
	if !ok || len(values) > 1 {
		return "", errWrongSignature
	}
	// An unknown key costs the same time as a known one.
	secret, known := m.secrets[s.key]
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(canonical(x.Request.Get(":method"), x.Request.Get(":path"), s)))
	if !hmac.Equal(mac.Sum(nil), s.signature[:]) || !known {
		return "", errWrongSignature
	}
	seconds, _ := strconv.ParseInt(s.timestamp, 10, 64) // has been checked
	now, sent := m.now(), time.Unix(seconds, 0)
	if sent.Before(now.Add(-m.window)) || sent.After(now.Add(m.window)) {
		return "", errTimestamp
	}
	// Only who has a key gets here, so nobody else can fill the memory.
	if err := m.seen.add(s.key+" "+s.nonce, now, sent.Add(m.window)); err != nil {
		return "", err
	}
	if !x.HasRequestBody {
		return s.key, m.compare(s.digest, nil)
	}
	x.State = s.digest
	return s.key, nil
}

// wantsBody is true once the signature of a request with a body is right.
func (m *signature) wantsBody(x *exchange.Exchange) bool { return x.State != nil }

func (m *signature) checkBody(x *exchange.Exchange, body []byte) error {
	return m.compare(x.State.([sha256.Size]byte), body)
}

func (m *signature) compare(digest [sha256.Size]byte, body []byte) error {
	actual := sha256.Sum256(body)
	if subtle.ConstantTimeCompare(actual[:], digest[:]) == 0 {
		return errDigest
	}
	return nil
}
