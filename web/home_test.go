package web

import "testing"

func TestAHeadingOfAChangelogIsATitleAndADate(t *testing.T) {
	t.Parallel()
	for heading, want := range map[string][2]string{
		"1.1.0 - 2026-10-05":      {"1.1.0", "2026-10-05"},
		"[1.1.0] – 2026-10-05":    {"1.1.0", "2026-10-05"},
		"2026-10-05: New depths":  {"New depths", "2026-10-05"},
		"1.2.0-rc.1 (2026-10-05)": {"1.2.0-rc.1", "2026-10-05"},
		"2026-10-05":              {"", "2026-10-05"},
		"The autumn release":      {"The autumn release", ""},
	} {
		if title, date := dated(heading); title != want[0] || date != want[1] {
			t.Errorf("%q: %q, %q", heading, title, date)
		}
	}
	if got := (newsLine{Date: "2026-10-05"}).Day() + (newsLine{}).Day() + (newsLine{Date: "2026-99-99"}).Day(); got != "5 October 20262026-99-99" {
		t.Error(got)
	}
}
