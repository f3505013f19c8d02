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
		if title, date, _ := titleAndDate(heading); title != want[0] || date != want[1] {
			t.Errorf("%q: %q, %q", heading, title, date)
		}
	}
	if _, _, when := titleAndDate("1.1.0 - 2026-10-05"); when != "5 October 2026" {
		t.Errorf("the day is %q", when)
	}
}
