package extension

import (
	"bytes"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	jwt = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODB9.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // RFC 7519
	pem = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIEow+/=\n-----END RSA PRIVATE KEY-----"
)

func masking(d detector) []rule { return []rule{{d, mask}} }

func whole(rules []rule, text string) string {
	out, _ := newInspector(rules, '*').feed([]byte(text), true)
	return string(out)
}

// stars hides what stands between « and », the notation of the tests below.
var marked = regexp.MustCompile(`(?s)«.*?»`)

func stars(text string) string {
	return marked.ReplaceAllStringFunc(text, func(m string) string {
		return strings.Repeat("*", len(strings.Trim(m, "«»")))
	})
}

// TestDetectors: what is found is between « and ». Card numbers are the test
// numbers that the brands publish.
func TestDetectors(t *testing.T) {
	tests := []struct {
		name     string
		detector detector
		text     string
	}{
		{"Visa", cards(0), "a «4111111111111111», «4012888888881881».\n«4222222222222»"},
		{"Mastercard, Discover, JCB", cards(0), "«5555555555554444» «2223003122003222» «6011111111111117» «3530111333300000»"},
		{"Amex and Diners Club", cards(0), `{"n":«378282246310005»,"m":"«30569309025904»"}`},
		{"19 digits", cards(0), "«4111111111111111110»"},
		{"wrong check digit", cards(0), "4111111111111112"},
		{"too long", cards(0), "41111111111111111111"},
		{"too short", cards(0), "411111111116"},
		{"begins like no card", cards(0), "1111111111111117 0000000000000000 9111111111111110"},
		{"part of a word", cards(0), "a4111111111111111 4111111111111111b _4111111111111111"},
		{"a fraction", cards(0), "0.4111111111111111 «4111111111111111».5"},
		{"one behind digits that pass with its beginning", cards(0), "customer «200000006» «4111» «1111» «1111» «1111»"},
		{"one behind a digit", cards(0), "item «6» «4111» «1111» «1111» «1111»"},
		{"behind a full stop", cards(0), "No.«4111111111111111»"},

		{"an address", emails, "mail «jane.doe+tag@mail.example.com», or <«a@b.co».>"},
		{"no address", emails, "jane@localhost @example.com a@b.c jane@.com a@b..com"},
		{"a name that is too long", emails, strings.Repeat("a", 65) + "@example.com «" + strings.Repeat("a", 64) + "@example.com»"},
		{"the domain ends with letters", emails, "«a@example.com».1 «a@b.example».x1"},
		{"two addresses that overlap", emails, "«x@jane.doe@example.com»"},
		{"bytes around it", emails, "\xff«a@example.com»\xff"},

		{"AWS", credentials, "«AKIAIOSFODNN7EXAMPLE» AKIAIOSFODNN7EXAMPLE1 xAKIAIOSFODNN7EXAMPLE"},
		{"Google", credentials, "key=«AIza" + strings.Repeat("a", 35) + "»&b"},
		{"GitHub", credentials, "«ghp_" + strings.Repeat("a", 36) + "» ghp_" + strings.Repeat("a", 35) + " «github_pat_" + strings.Repeat("a", 82) + "»"},
		{"prefix and length", credentials, "«glpat-" + strings.Repeat("a", 20) + "» «sk_live_" + strings.Repeat("a", 24) + "» «xoxb-123456789012-abc» «sk-ant-api03-" + strings.Repeat("a", 90) + "» «npm_" + strings.Repeat("a", 36) + "»"},
		{"prefix only", credentials, "sk_live_ ghp_ AKIA xoxb-1 eyJ eyJhbGciOiJ.x"},
		{"a JWT", credentials, "Bearer «" + jwt + "»\""},
		{"a JWT of any length", credentials, "«" + jwt + strings.Repeat("x", 5000) + "» y"},
		{"a private key", credentials, "«" + pem + "» b"},
		{"a private key in JSON", credentials, `{"k":"«-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----»\n"}`},
		{"a private key without an end", credentials, "«-----BEGIN EC PRIVATE KEY-----\n" + strings.Repeat("MHcCAQEE", 1000) + "»\""},
		{"a JWT behind a token", credentials, "«xoxb-123456789012-" + jwt + "»"},
		{"a private key behind a token", credentials, "«glpat-" + strings.Repeat("a", 20) + pem + "» b"},
		{"a public key", credentials, "-----BEGIN PUBLIC KEY-----\nMIIE"},

		{"UNION", sqlInjection, "1 «UNION SELECT» a, «union/**/all%20select»+b reunion select"},
		{"always true", sqlInjection, "x«' or '1'=»'1' «\" OR 1=»1 «%27+and+a%3d»1 it's or not"},
		{"always true without quotes", sqlInjection, "id=1 «or 1=1» -- 5 for 5=5"},
		{"a second statement", sqlInjection, "1«; DROP TABLE» x «;delete from» y «%3Binsert%20into» z; drop the ball"},
		{"a comment at the end", sqlInjection, "admin«'--» '--flag' it's -- so"},
		{"functions", sqlInjection, "«sleep(5»), «pg_sleep(10»), sleep(x), «waitfor delay» '0:0:5', «INTO OUTFILE» «information_schema.»tables «xp_cmdshell»"},

		{"up", pathTraversal, "a/«../»«..\\»«%2e%2E%2f»«..%252f»«..;/»b .../ .. /"},
		{"files", pathTraversal, "«/etc/passwd» /etc/passwords «/proc/self/»environ c:«\\WINDOWS\\System32»"},

		{"a pattern", custom("p", regexp.MustCompile(`EMP-\d{6}|x{2,3}`)), "«EMP-123456»7 EMP-12345 «xxx»«xx» x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.NewReplacer("«", "", "»", "").Replace(tt.text)
			if got, want := whole(masking(tt.detector), text), stars(tt.text); got != want {
				t.Errorf("\n got %q\nwant %q", got, want)
			}
		})
	}
}

func TestCardsKeepTheirLastDigitsAndSeparators(t *testing.T) {
	if got := whole(masking(cards(4)), "4111-1111 1111-1111"); got != "****-**** ****-1111" {
		t.Errorf("got %q", got)
	}
}

// TestEveryCardIsMasked puts every short number before and after a card number:
// one of ten makes a number with a part of it that passes the Luhn check.
func TestEveryCardIsMasked(t *testing.T) {
	const card = "4111 1111 1111 1111"
	for _, separator := range []string{" ", "-"} {
		for n := range 2000 {
			for _, digits := range []string{strconv.Itoa(n), strconv.Itoa(200000000 + n)} {
				text := digits + separator + card + separator + digits
				if got := whole(masking(cards(4)), text); !strings.HasPrefix(got[len(digits)+1:], "**** **** **** ") {
					t.Fatalf("%q became %q", text, got)
				}
			}
		}
	}
}

// A text that makes as many overlapping matches as it can takes time in
// proportion to its length: no byte is looked at in more than so many matches.
func TestOverlapsTakeLinearTime(t *testing.T) {
	for _, part := range []string{"4 4 4 4-", "2 ", "a@b.cd", "xoxb-aaaaaaaaaa-", "eyJaaaaaaaaaa.eyJ-", "-----BEGIN PRIVATE KEY-----"} {
		looks := 0
		counting := func(d detector) rule {
			searches := slices.Clone(d.searches)
			for i, find := range searches {
				searches[i] = func(text []byte, from, limit int) (int, int, tail) {
					start, end, open := find(text, from, limit)
					looks += max(1, end-start)
					if open == nil {
						return start, end, nil
					}
					return start, end, func(text []byte, at int) (int, bool) {
						looks++
						return open(text, at)
					}
				}
			}
			d.searches = searches
			return rule{d, mask}
		}
		text := strings.Repeat(part, 200_000/len(part))
		newInspector([]rule{counting(cards(4)), counting(emails), counting(credentials)}, '*').feed([]byte(text), true)
		if looks > 40*len(text) {
			t.Errorf("%q: %d looks at %d bytes", part, looks, len(text))
		}
	}
}

func TestEveryRuleSeesTheTextAsItCame(t *testing.T) {
	rules := []rule{{custom("a", regexp.MustCompile("ab")), mask}, {custom("b", regexp.MustCompile("bc")), report}}
	s := newInspector(rules, '#')
	if out, _ := s.feed([]byte("abc"), true); string(out) != "##c" || !slices.Equal(s.found(), []int{1, 1}) {
		t.Errorf("got %s, %v", out, s.found())
	}
}

func TestHoldsBackNoMoreThanItsWindow(t *testing.T) {
	s := newInspector(masking(emails), '*')
	in, out := 0, 0
	for range 100 {
		piece := bytes.Repeat([]byte("a b@c.de "), 40)
		part, _ := s.feed(piece, false)
		in, out = in+len(piece), out+len(part)
		if in-out > window || cap(s.raw.scan.text) > 16*window {
			t.Fatalf("holds %d bytes, %d in memory", in-out, cap(s.raw.scan.text))
		}
	}
}

func TestReportHoldsNothingBack(t *testing.T) {
	s := newInspector([]rule{{emails, report}}, '*')
	for _, piece := range []string{"a@exam", "ple.c", "om b@c.de"} {
		if out, _ := s.feed([]byte(piece), false); string(out) != piece {
			t.Errorf("%q became %q", piece, out)
		}
	}
	if s.feed(nil, true); s.found()[0] != 2 {
		t.Errorf("found %d", s.found()[0])
	}
}

func TestNothingOfWhatIsBlockedGoesOn(t *testing.T) {
	s := newInspector([]rule{{cards(0), block}}, '*')
	seen := []byte{}
	for _, b := range []byte("a 4111111111111111 " + strings.Repeat("z", 2*window)) {
		out, blocked := s.feed([]byte{b}, false)
		if blocked {
			if string(seen) != "a " {
				t.Errorf("passed: %q", seen)
			}
			return
		}
		seen = append(seen, out...)
	}
	t.Error("not blocked")
}

// everything are all rules at once, with patterns that may prolong a match.
func everything() []rule {
	var rules []rule
	for _, d := range []detector{
		cards(4), emails, credentials, sqlInjection, pathTraversal,
		custom("a", regexp.MustCompile(`a{2,256}`)), custom("b", regexp.MustCompile(`(?:ab?c|b){1,20}d?`)),
	} {
		rules = append(rules, rule{d, mask})
	}
	return rules
}

// checkChunks compares a text in pieces with the text as a whole.
func checkChunks(t *testing.T, text []byte, seed uint64) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 0))
	one, many := newInspector(everything(), '*'), newInspector(everything(), '*')
	want, _ := one.feed(text, true)
	got := []byte{}
	for rest := text; ; {
		n := min(len(rest), random.IntN(1+random.IntN(700)))
		out, _ := many.feed(slices.Clone(rest[:n]), n == len(rest))
		got = append(got, out...)
		if n == len(rest) {
			break
		}
		rest = rest[n:]
	}
	if !bytes.Equal(got, want) || !slices.Equal(one.found(), many.found()) {
		t.Errorf("%q in pieces of seed %d:\n got %q %v\nwant %q %v", text, seed, got, many.found(), want, one.found())
	}
	if len(want) != len(text) {
		t.Errorf("%q changed its length: %q", text, want)
	}
	for i := range want {
		if want[i] != text[i] && want[i] != '*' {
			t.Errorf("byte %d of %q became %q", i, text, want[i])
		}
	}
}

var seeds = []string{
	"", "4111 1111 1111 1111", "a@example.com", jwt, pem, "' or '1'='1", "../../etc/passwd", "aaabcbcd",
	"sk_live_abcdefghijklmnopqrstuvwx", "-----END ", "4111-1111-", "\xff\xfe\x00é",
	percentEncoded("4111 1111 1111 1111"), jsonEscaped("a@example.com"), littleEndianText("4111111111111111"), bigEndianText("' or '1'='1"),
	percentEncoded(percentEncoded("../../etc/passwd")), jsonEscaped("sk_live_abcdefghijklmnopqrstuvwx") + "yz", `\u00`, "%2", "%25", "\x00", "\xc0%ae",
	percentEncoded(jsonEscaped("AKIAIOSFODNN7EXAMPLE")), littleEndianText(percentEncoded("a@example.com")),
}

// TestPieces cuts texts that are made of what the detectors look for.
func TestPieces(t *testing.T) {
	parts := append(slices.Clone(seeds), " ", ".", "-", "4", "a", "@", strings.Repeat("a", 300), strings.Repeat("1.a", 500), "eyJ"+strings.Repeat("a", 1000), ".eyJ")
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1))
		var text []byte
		for range random.IntN(12) {
			part := parts[random.IntN(len(parts))]
			text = append(text, part[:random.IntN(len(part)+1)]...)
			if random.IntN(2) == 0 {
				text = append(text, part...)
			}
		}
		checkChunks(t, text, seed)
	}
}

func FuzzPieces(f *testing.F) {
	for i, text := range seeds {
		f.Add([]byte(text), uint64(i))
		f.Add(bytes.Repeat([]byte(text), 100), uint64(i))
	}
	f.Fuzz(checkChunks)
}

func BenchmarkScanner(b *testing.B) {
	text := []byte(strings.Repeat(`{"name":"Jane Doe","id":"5f1d7a84","note":"nothing to see"} `, 1000))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		newInspector(everything()[:5], '*').feed(text, true)
	}
}
