package extension

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"strings"

	"ext-proc-server/internal/environment"
	"ext-proc-server/internal/exchange"
	"ext-proc-server/internal/settings"
)

const (
	apiKeysSecret = "api-keys"
	maxKeys       = 1000
	letters       = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
)

var (
	errNoKey    = unauthorized("missing", "The API key is missing.")
	errWrongKey = unauthorized("invalid", "The API key is not valid.")
)

// apiKey knows hashes only.
type apiKey struct {
	headersOnly
	name string
	keys []hashedKey
}

type hashedKey struct {
	identity string
	sha256   [sha256.Size]byte
}

func apiKeySettings(v settings.Value) func(environment.Environment) (method, error) {
	members := v.Object("kind", "header", "keys")
	m := &apiKey{name: members["header"].HeaderName()}
	list := members["keys"].Array()
	if len(list) > maxKeys {
		members["keys"].Wrong(fmt.Sprintf("use at most %d keys", maxKeys))
	}
	for _, entry := range list {
		key := entry.Object("identity", "sha256")
		identity := key["identity"].Text()
		if !isIdentity(identity) {
			key["identity"].Wrong("use 1 to 128 letters, digits and . _ @ -")
		}
		hash, ok := parseHash(key["sha256"].Text())
		if !ok {
			key["sha256"].Wrong("write the SHA-256 of the key as 64 hexadecimal digits")
		}
		m.keys = append(m.keys, hashedKey{identity, hash})
	}
	return func(env environment.Environment) (method, error) {
		if len(m.keys) > 0 {
			return m, nil
		}
		text, err := env.Secret(apiKeysSecret)
		if err != nil {
			return nil, err
		}
		m.keys, err = parseKeys(text)
		return m, err
	}
}

// parseKeys reads one identity:sha256 per line. Errors name the line, never
// what is in it.
func parseKeys(text string) ([]hashedKey, error) {
	var keys []hashedKey
	err := eachEntry(apiKeysSecret, "identity:sha256", text, func(identity, value string) bool {
		hash, ok := parseHash(value)
		keys = append(keys, hashedKey{identity, hash})
		return ok
	})
	return keys, err
}

// eachEntry reads the lines identity:value of a secret. Empty lines and those
// that begin with # say nothing.
func eachEntry(secret, form, text string, add func(identity, value string) bool) error {
	count := 0
	for number, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		identity, value, _ := strings.Cut(line, ":")
		if count++; count > maxKeys {
			return fmt.Errorf("secret %q: more than %d keys; use fewer", secret, maxKeys)
		}
		if !isIdentity(identity) || !add(identity, value) {
			return fmt.Errorf("secret %q: line %d is not right; write %s, as docs/purpose.md describes", secret, number+1, form)
		}
	}
	if count == 0 {
		return fmt.Errorf("secret %q has no key; write %s into it, one line for each key", secret, form)
	}
	return nil
}

func isIdentity(text string) bool {
	return text != "" && len(text) <= 128 && strings.Trim(text, letters+"._@-") == ""
}

func parseHash(text string) (hash [sha256.Size]byte, ok bool) {
	bytes, err := hex.DecodeString(text)
	return [sha256.Size]byte(append(bytes, hash[:]...)[:sha256.Size]), err == nil && len(bytes) == sha256.Size
}

func (m *apiKey) header() string { return m.name }
func (m *apiKey) scheme() string { return "ApiKey" }

func (m *apiKey) authenticate(_ context.Context, x *exchange.Exchange) (string, error) {
	values := x.Request.Values(m.name)
	switch {
	case len(values) == 0:
		return "", errNoKey
	case len(values) > 1:
		return "", errWrongKey
	}
	// All keys are compared in full, whichever it is: the time says nothing.
	hash := sha256.Sum256([]byte(values[0]))
	found := -1
	for i := range m.keys {
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(hash[:], m.keys[i].sha256[:]), i, found)
	}
	if found < 0 {
		return "", errWrongKey
	}
	return m.keys[found].identity, nil
}
