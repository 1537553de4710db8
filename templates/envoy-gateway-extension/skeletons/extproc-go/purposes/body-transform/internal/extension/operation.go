package extension

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"ext-proc-server/internal/settings"
)

// operation is one edit at one place of a document.
type operation struct {
	path []token // of the JSON pointer; never empty
	kind action
	// value of set, as canonical JSON text
	value []byte
	// to is the new key of rename, as canonical JSON text.
	to string
	// keep is how many characters mask leaves.
	keep int
}

type action int

const (
	actionSet action = iota
	actionRemove
	actionRename
	actionMask
)

// token is one step of a JSON pointer.
type token struct {
	key   string // as canonical JSON text
	index int    // in an array; -1 if it is no index
}

func parseOperations(list settings.Value) []operation {
	var ops []operation
	for _, v := range list.Array() {
		ops = append(ops, parseOperation(v))
	}
	return ops
}

func parseOperation(v settings.Value) operation {
	action := v.Member("action")
	switch action.Text() {
	case "set":
		m := v.Object("action", "pointer", "value")
		return set(pointerOf(m["pointer"]), quote(m["value"].Text()))
	case "set-json":
		m := v.Object("action", "pointer", "value")
		value := []byte(m["value"].Text())
		if !isDocument(value) {
			m["value"].Wrong(`write JSON text as a string, for example "{\"x\":[1]}"`)
			return operation{}
		}
		return set(pointerOf(m["pointer"]), (&scanner{text: value}).copyTo(nil))
	case "remove":
		return remove(pointerOf(v.Object("action", "pointer")["pointer"]))
	case "rename":
		m := v.Object("action", "pointer", "to")
		return rename(pointerOf(m["pointer"]), m["to"].Text())
	case "mask":
		m := v.Object("action", "pointer", "keep")
		return mask(pointerOf(m["pointer"]), m["keep"].Count())
	default:
		action.Wrong("use set, set-json, remove, rename or mask")
		return operation{}
	}
}

func pointerOf(v settings.Value) []token {
	path, err := parsePointer(v.Text())
	if err != nil {
		v.Wrong(err.Error())
	}
	return path
}

// parsePointer splits a JSON pointer (RFC 6901).
func parsePointer(pointer string) ([]token, error) {
	if !strings.HasPrefix(pointer, "/") {
		return nil, errors.New("write a JSON pointer that starts with /, for example /user/name")
	}
	var path []token
	for escaped := range strings.SplitSeq(pointer[1:], "/") {
		if strings.Contains(strings.NewReplacer("~0", "", "~1", "").Replace(escaped), "~") {
			return nil, errors.New("write ~ as ~0 and / as ~1 inside a JSON pointer")
		}
		key := strings.NewReplacer("~1", "/", "~0", "~").Replace(escaped)
		// An index has no sign and no leading zero.
		index, err := strconv.Atoi(key)
		if err != nil || index < 0 || strconv.Itoa(index) != key {
			index = -1
		}
		path = append(path, token{key: string(quote(key)), index: index})
	}
	return path, nil
}

// set replaces a value or adds a missing member of an object.
func set(path []token, text []byte) operation {
	return operation{path: path, kind: actionSet, value: text}
}

// remove drops a member or an element.
func remove(path []token) operation { return operation{path: path, kind: actionRemove} }

// rename gives a member another key, in place of one that has it already. An
// array's elements have no key.
func rename(path []token, to string) operation {
	return operation{path: path, kind: actionRename, to: string(quote(to))}
}

// mask hides a value except for its last characters.
func mask(path []token, keep int) operation {
	return operation{path: path, kind: actionMask, keep: keep}
}

// beginsWithIndex tells whether an operation could find its place in an array.
func beginsWithIndex(ops []operation) bool {
	return slices.ContainsFunc(ops, func(op operation) bool { return op.path[0].index >= 0 })
}

func masked(value []byte, keep int) []byte {
	switch value[0] {
	case 't', 'f', 'n', '{', '[':
		return []byte(`"***"`)
	case '"':
		value = appendCanonical(nil, value)
		value = value[1 : len(value)-1]
	}
	// value is now the text of a number or the inside of a string.
	total := 0
	for rest := value; len(rest) > 0; rest = rest[charLen(rest):] {
		total++
	}
	hidden := total
	if total > keep {
		hidden = total - keep
	}
	dst := append([]byte{'"'}, bytes.Repeat([]byte{'*'}, hidden)...)
	for range hidden {
		value = value[charLen(value):]
	}
	return append(append(dst, value...), '"')
}

// charLen is the length of the first character; an escape sequence is one.
func charLen(s []byte) int {
	switch {
	case s[0] != '\\':
		_, size := utf8.DecodeRune(s)
		return size
	case s[1] == 'u':
		return len(`\u0000`)
	default:
		return len(`\n`)
	}
}
