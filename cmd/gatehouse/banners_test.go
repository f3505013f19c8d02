package main

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/banners"
)

func TestABannerOfTheCommandLineHasItsTimes(t *testing.T) {
	t.Parallel()
	var start, end pointInTime
	for text, want := range map[string]time.Time{
		"2026-12-31T18:00:00+01:00": time.Date(2026, 12, 31, 17, 0, 0, 0, time.UTC), "2026-12-31T18:00": time.Date(2026, 12, 31, 18, 0, 0, 0, time.UTC), "2026-12-31 18:00": time.Date(2026, 12, 31, 18, 0, 0, 0, time.UTC),
	} {
		if err := start.UnmarshalText([]byte(text)); err != nil || !time.Time(start).Equal(want) {
			t.Errorf("%s is read as %v, %v", text, time.Time(start), err)
		}
	}
	for _, text := range []string{"", "tomorrow", "2026-12-31", "18:00"} {
		if err := end.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is read as %v", text, time.Time(end))
		}
	}
	for name, c := range map[string]struct {
		command    bannersAddCommand
		start, end time.Time
	}{
		"now, until it is ended": {bannersAddCommand{Audience: "all"}, time.Time{}, time.Time{}},
		"now, for two hours":     {bannersAddCommand{Audience: "all", Lasting: age(2 * time.Hour)}, noon, noon.Add(2 * time.Hour)},
		"later, for two hours":   {bannersAddCommand{Audience: "all", Start: pointInTime(noon.Add(time.Hour)), Lasting: age(2 * time.Hour)}, noon.Add(time.Hour), noon.Add(3 * time.Hour)},
		"to an end":              {bannersAddCommand{Audience: "all", End: pointInTime(noon.Add(time.Hour))}, time.Time{}, noon.Add(time.Hour)},
	} {
		if b := c.command.banner(noon); !b.Start.Equal(c.start) || !b.End.Equal(c.end) || b.Audience != banners.Everybody {
			t.Errorf("%s: %+v", name, b)
		}
	}
	if b := (bannersAddCommand{Audience: "signed-in"}).banner(noon); b.Audience != banners.SignedIn {
		t.Errorf("the audience is %q", b.Audience)
	}
}

func TestABannerIsPrintedWithoutControlCharacters(t *testing.T) {
	t.Parallel()
	text := printed(func(w *strings.Builder) {
		printBanner(w, bannerJSONOf(banners.Banner{ID: "b-1", Text: "Down\n\x1b[31mtonight", Kind: banners.Warning, Audience: banners.SignedIn, Start: noon, By: "account-root"}, noon))
		printBanner(w, bannerJSONOf(banners.Banner{ID: "b-2", Text: "x", Kind: banners.Info, Audience: banners.Everybody, Start: noon.Add(-time.Hour), End: noon, Operator: "ops@bastion"}, noon))
	})
	for _, want := range []string{
		"banner        b-1\nstate         shown, warning for people who are signed in\nshown         from 2026-03-01 12:00:00 UTC until somebody ends it\nwritten by    account-root\n",
		"state         over, info for everybody\nshown         from 2026-03-01 11:00:00 UTC to 2026-03-01 12:00:00 UTC\nwritten by    ops@bastion\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it prints\n%s\nwithout\n%s", text, want)
		}
	}
	if strings.Contains(text, "\x1b") {
		t.Errorf("it prints %q", text)
	}
}
