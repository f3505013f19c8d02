package portal_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestKeysMayHaveAnyReadableName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"CI": "CI", "  CI \n": "CI", "🚢 Hafen-Bot": "🚢 Hafen-Bot", "مفتاح الإنتاج": "مفتاح الإنتاج", "👩‍💻 laptop": "👩‍💻 laptop",
		strings.Repeat("ü", portal.MaxKeyName): strings.Repeat("ü", portal.MaxKeyName),
	} {
		got, err := portal.KeyName(name)
		if err != nil || got != want {
			t.Errorf("%q is %q, %v", name, got, err)
		}
	}
}

func TestANameThatCannotBeUsedIsRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"": "Give the key a name", " \t\n ": "Give the key a name",
		strings.Repeat("a", 10_000): "longer than 100 characters", strings.Repeat("ü", portal.MaxKeyName+1): "longer than 100 characters",
		"two\nlines": "control character", "bell\a": "control character", "nul\x00": "control character",
		"live\u202etset": "direction of text", "a\u2066b": "direction of text",
		"\xff\xfe": "not valid UTF-8", "\u200b\u200b": "no visible character",
	} {
		got, err := portal.KeyName(name)
		if err == nil || portal.CodeOf(err) != portal.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q is %.20q, %v; want an error that contains %q", name, got, err, want)
		}
	}
}
