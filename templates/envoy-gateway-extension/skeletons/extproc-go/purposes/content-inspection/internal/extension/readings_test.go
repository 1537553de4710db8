package extension

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"
)

func percentEncoded(text string) string {
	var out strings.Builder
	for _, b := range []byte(text) {
		fmt.Fprintf(&out, "%%%02x", b)
	}
	return out.String()
}

func jsonEscaped(text string) string {
	var out strings.Builder
	for _, unit := range utf16.Encode([]rune(text)) {
		fmt.Fprintf(&out, `\u%04X`, unit)
	}
	return out.String()
}

func littleEndianText(text string) string {
	var out []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		out = append(out, byte(unit), byte(unit>>8))
	}
	return string(out)
}

func bigEndianText(text string) string {
	var out []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		out = append(out, byte(unit>>8), byte(unit))
	}
	return string(out)
}

// writings are ways to write a text, each with how a masked character looks.
var writings = map[string]struct {
	write  func(string) string
	masked string
}{
	"as it came":              {func(s string) string { return s }, "*"},
	"percent":                 {percentEncoded, "***"},
	"percent twice":           {func(s string) string { return percentEncoded(percentEncoded(s)) }, "*********"},
	"percent of the percent":  {func(s string) string { return strings.ReplaceAll(percentEncoded(s), "%", "%2525") }, "*******"},
	"%u":                      {func(s string) string { return strings.ReplaceAll(jsonEscaped(s), `\`, "%") }, "******"},
	"JSON":                    {jsonEscaped, "******"},
	"JSON in a form":          {func(s string) string { return percentEncoded(jsonEscaped(s)) }, strings.Repeat("*", 18)},
	"UTF-16LE":                {littleEndianText, "*\x00"},
	"UTF-16BE":                {bigEndianText, "\x00*"},
	"UTF-32LE":                {func(s string) string { return strings.ReplaceAll(littleEndianText(s), "\x00", "\x00\x00\x00") }, "*\x00\x00\x00"},
	"UTF-32BE":                {func(s string) string { return strings.ReplaceAll(bigEndianText(s), "\x00", "\x00\x00\x00") }, "\x00\x00\x00*"},
	"JSON in UTF-16LE":        {func(s string) string { return littleEndianText(jsonEscaped(s)) }, strings.Repeat("*\x00", 6)},
	"a form in UTF-16BE":      {func(s string) string { return bigEndianText(percentEncoded(s)) }, strings.Repeat("\x00*", 3)},
	"JSON of JavaScript":      {func(s string) string { return strings.ReplaceAll(percentEncoded(s), "%", `\x`) }, "****"},
	"overlong UTF-8, encoded": {func(s string) string { return percentEncoded(overlong(s)) }, "******"},
}

// overlong writes each character with two bytes.
func overlong(text string) string {
	var out []byte
	for _, b := range []byte(text) {
		out = append(out, 0xc0|b>>6, 0x80|b&0x3f)
	}
	return string(out)
}

// TestWritings cuts each writing in two, at every place.
func TestWritings(t *testing.T) {
	for name, w := range writings {
		for _, text := range []string{"4111111111111111", "AKIAIOSFODNN7EXAMPLE"} {
			before, after := w.write("é 2("), w.write(") é")
			whole := before + w.write(text) + after
			want := before + strings.Repeat(w.masked, len(text)) + after
			for cut := range len(whole) + 1 {
				i := newInspector([]rule{{cards(0), mask}, {credentials, mask}}, '*')
				first, _ := i.feed([]byte(whole[:cut]), false)
				second, _ := i.feed([]byte(whole[cut:]), true)
				if got := string(first) + string(second); got != want {
					t.Fatalf("%s, cut at %d:\n got %q\nwant %q", name, cut, got, want)
				}
				if found := i.found(); found[0]+found[1] != 1 {
					t.Fatalf("%s, cut at %d: found %v", name, cut, found)
				}
			}
		}
	}
}

func TestAttacksInEveryWriting(t *testing.T) {
	rules := []rule{{sqlInjection, block}, {pathTraversal, block}}
	for name, w := range writings {
		for _, text := range []string{"x' or 'a'='a", "a/../../b", "/etc/passwd"} {
			if _, blocked := newInspector(rules, '*').feed([]byte(w.write(text)), true); !blocked {
				t.Errorf("%s: %s passes", name, text)
			}
		}
	}
	for _, text := range []string{
		"/%c0%ae%c0%ae%c0%af", "/%e0%80%ae%e0%80%ae%e0%80%af", "/%f0%80%80%ae./", "/%fc%80%80%80%80%ae./", "/\xc0\xae\xc0\xae/",
		`{"a":"..\/..\/"}`, "/%25c0%25ae./", "%2e%2e/", "..%c1%9c",
	} {
		if _, blocked := newInspector(rules, '*').feed([]byte(text), true); !blocked {
			t.Errorf("%q passes", text)
		}
	}
	for _, text := range []string{"100% of it", "a+b %", `c:\new \`, "caf\xc3\xa9 \xe0\xa4\x84", "%u", "%25", "\x00\x00\x00\x00\x00", "%c0 %e0%80", `\u12`} {
		if _, blocked := newInspector(rules, '*').feed([]byte(text), true); blocked {
			t.Errorf("%q is blocked", text)
		}
	}
}

// What stands before a match in one reading only must not hide it in another.
func TestWhatStandsAround(t *testing.T) {
	for text, want := range map[string]string{
		"4111111111111111%41":                       "****************%41",
		`4111111111111111\u0041`:                    `****************\u0041`,
		"%41 %34111111111111111":                    "%41 ******************",
		"N4" + "\x00" + "1":                         "N4\x001",
		"AN" + littleEndianText("4111111111111111"): "AN" + strings.Repeat("*\x00", 16),
	} {
		if got := whole(masking(cards(0)), text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

// BenchmarkEveryReading reads a text that is made to keep every reading awake.
func BenchmarkEveryReading(b *testing.B) {
	text := []byte(strings.Repeat("a%41\\u0041b\x00c\x00%\x00\\\x00 ", 4000))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		newInspector(everything()[:5], '*').feed(text, true)
	}
}
