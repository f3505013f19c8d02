package markdown_test

import (
	"testing"

	"github.com/gatehouse-portal/gatehouse/markdown"
)

func TestNothingInATextDisturbsWhatIsAround(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"plain ä🐟\r\n\t":         "plain ä🐟\r\n\t",
		"a\u202egnp.exe\u202c":   "agnp.exe",
		"a\x00b\x1b[31mc\x7f":    "a\uFFFDb\uFFFD[31mc\uFFFD",
		"\u2067שלום\u2069\u200f": "\u2067שלום\u2069\u200f",
		"a\u009b31mb\u0085c":     "a\uFFFD31mb\uFFFDc",
		"":                       "",
	} {
		if got := string(markdown.Legible([]byte(given))); got != want {
			t.Errorf("%q becomes %q, want %q", given, got, want)
		}
	}
}
