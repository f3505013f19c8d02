package portal_test

import (
	"strings"
	"testing"
	"time"

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

func TestKeysAreToldApart(t *testing.T) {
	t.Parallel()
	at := func(day, hour int) time.Time { return time.Date(2026, 11, day, hour, 2, 0, 0, time.UTC) }
	got := portal.KeyLabels([]portal.NamedKey{
		{ID: "a", Name: "CI", ReplacedAt: at(26, 9)}, {ID: "b", Name: "CI", ReplacedAt: at(27, 9)}, {ID: "c", Name: "CI", ReplacedAt: at(27, 14)}, {ID: "d", Name: "CI"},
		{ID: "e", Name: "🚢 مفتاح"}, {ID: "g", Name: "Twin"}, {ID: "f", Name: "Twin"},
		{ID: "i", Name: "Key", WantedAt: at(26, 9)}, {ID: "h", Name: "Key", WantedAt: at(27, 9)}, {ID: "j", Name: "Key"}, {ID: "k", Name: "Key", WantedAt: at(26, 8)},
	})
	want := map[portal.KeyID]string{
		"a": "CI (replaced 26 Nov)", "b": "CI (replaced 27 Nov at 09:02)", "c": "CI (replaced 27 Nov at 14:02)", "d": "CI",
		"e": "🚢 مفتاح", "f": "Twin", "g": "Twin (2)",
		"j": "Key", "k": "Key (2)", "i": "Key (3)", "h": "Key (4)",
	}
	for id, label := range want {
		if got[id] != label {
			t.Errorf("%s is called %q, want %q", id, got[id], label)
		}
	}
	if len(got) != len(want) {
		t.Errorf("there are %d labels", len(got))
	}
}
