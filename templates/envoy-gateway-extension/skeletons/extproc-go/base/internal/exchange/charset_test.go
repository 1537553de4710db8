package exchange

import "testing"

func TestCharsetsAre(t *testing.T) {
	known := func(charset string) bool { return charset == "utf-8" || charset == "ascii" }
	for _, plain := range [][]string{
		{},
		{"text/plain"},
		{`text/plain; boundary="a b;c"; format=flowed`},
		{"text/plain;charset=utf-8"},
		{"text/plain ;\tCharset = UTF-8 ; a=b"},
		{`text/plain; charset="utf-8"`},
		{"text/plain; charset=utf-8, text/html; charset=ascii"},
		{"text/plain; charset=utf-8", "text/plain"},
	} {
		if !withTypes(plain).CharsetsAre(known) {
			t.Errorf("%q is not plain", plain)
		}
	}
	for _, tricky := range [][]string{
		{"text/plain; charset=utf-7"},
		{"text/plain; charset="},
		{`text/plain; charset=""`},
		{"text/plain; charset"},
		{"text/plain; charset*0=utf-; charset*1=7"},
		{"text/plain; charset*0*=utf-8''utf-7"},
		{"text/plain; charset*=us-ascii''utf-7"},
		{"text/plain; charset*=utf-8"},
		{`text/plain; charset=" utf-8"`},
		{`text/plain; charset="utf-8 "`},
		{`text/plain; charset=";utf-7"`},
		{`text/plain; charset="utf-8;"`},
		{`text/plain; charset="utf-8`},
		{`text/plain; charset=utf-8"`},
		{`text/plain; charset="utf\-8"`},
		{"text/plain; charset='utf-8'"},
		{"text/plain; charset=utf-8; charset=utf-7"},
		{"text/plain; charset=utf-8, text/html; charset=utf-7"},
		{"text/plain; charset=utf-8", "text/plain; charset=utf-7"},
		{`text/plain; a=b"; charset=utf-7; c="`},
		{`text/plain; a="charset=utf-7"`},
		{"text/plain; a=b charset=utf-7"},
		{"text/plain; charset(a)=utf-8"},
		{"text/plain; charset\x0b=utf-8"},
		{"text/plain; char\u017fet=utf-7"},
		{"text/plain\xa0; a=b"},
	} {
		if withTypes(tricky).CharsetsAre(known) {
			t.Errorf("%q is plain", tricky)
		}
	}
}

func withTypes(lines []string) *Headers {
	h := NewHeaders()
	for _, line := range lines {
		h.Receive("content-type", line)
	}
	return h
}
