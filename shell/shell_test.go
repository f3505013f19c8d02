package shell_test

import (
	"os/exec"
	"testing"

	"github.com/gatehouse-portal/gatehouse/shell"
)

func TestAShellReadsAWordAsTheTextItWas(t *testing.T) {
	t.Parallel()
	for text, word := range map[string]string{
		"": "''", "acme": "acme", "arn:aws:iam::111122223333:role/a+b=c,d.e@f-g_h%": "arn:aws:iam::111122223333:role/a+b=c,d.e@f-g_h%",
		"two words": "'two words'", "it's": `'it'\''s'`, "$HOME": "'$HOME'", "a\nb": "'a\nb'", "ü": "'ü'",
	} {
		if got := shell.Word(text); got != word {
			t.Errorf("%q is %s, want %s", text, got, word)
		}
		for _, written := range []string{shell.Word(text), shell.Quote(text)} {
			if out, err := exec.CommandContext(t.Context(), "sh", "-c", "printf %s "+written).Output(); err != nil || string(out) != text {
				t.Errorf("a shell reads %s as %q, %v", written, out, err)
			}
		}
	}
}
