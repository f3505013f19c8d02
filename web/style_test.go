package web

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/catalog"
)

// luminance returns the relative luminance of a colour (WCAG 2.2).
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	rgb, err := strconv.ParseUint(strings.TrimPrefix(hex, "#"), 16, 32)
	if err != nil || len(hex) != 7 {
		t.Fatalf("%q is not a colour", hex)
	}
	linear := func(channel uint64) float64 {
		c := float64(channel&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(rgb>>16) + 0.7152*linear(rgb>>8) + 0.0722*linear(rgb)
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func TestTheColoursAreReadableInBothSchemes(t *testing.T) {
	t.Parallel()
	css, err := assetFiles.ReadFile("assets/portal.css")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllStringSubmatch(string(css), -1)
	if len(blocks) != 2 {
		t.Fatalf("%d blocks of colours, want light and dark", len(blocks))
	}
	text := [][2]string{
		{"ink", "paper"}, {"ink", "card"}, {"ink", "sunk"}, {"muted", "paper"}, {"muted", "card"}, {"muted", "sunk"}, {"muted", "glow"},
		{"accent", "paper"}, {"accent", "card"}, {"accent", "sunk"}, {"accent", "glow"}, {"accent-strong", "paper"},
		{"on-accent", "accent"}, {"on-accent", "accent-strong"}, {"card", "bad"}, {"ink", "line"},
		{"ok", "ok-soft"}, {"busy", "busy-soft"}, {"warn", "warn-soft"}, {"bad", "bad-soft"}, {"ink", "busy-soft"}, {"ink", "bad-soft"}, {"accent", "busy-soft"}, {"accent", "bad-soft"},
	}
	shapes := [][2]string{{"edge", "paper"}, {"edge", "card"}, {"focus", "paper"}, {"focus", "card"}, {"accent", "card"}, {"busy", "paper"}, {"warn", "card"}}
	for i, block := range blocks {
		colours := map[string]string{}
		for _, token := range regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6});`).FindAllStringSubmatch(block[1], -1) {
			colours[token[1]] = token[2]
		}
		for _, pair := range text {
			if got := contrast(t, colours[pair[0]], colours[pair[1]]); got < 4.5 {
				t.Errorf("scheme %d: %s on %s has %.2f : 1, want 4.5", i, pair[0], pair[1], got)
			}
		}
		for _, pair := range shapes {
			if got := contrast(t, colours[pair[0]], colours[pair[1]]); got < 3 {
				t.Errorf("scheme %d: %s on %s has %.2f : 1, want 3", i, pair[0], pair[1], got)
			}
		}
	}
}

func TestTimesHaveOneUnitAndOldOnesAreDates(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		-time.Minute:                      "just now",
		4 * time.Second:                   "just now",
		59 * time.Second:                  "59 seconds ago",
		time.Minute:                       "1 minute ago",
		119 * time.Minute:                 "1 hour ago",
		49 * time.Hour:                    "2 days ago",
		time.Hour - time.Nanosecond:       "59 minutes ago",
		24*time.Hour - time.Nanosecond:    "23 hours ago",
		30 * 24 * time.Hour:               "30 days ago",
		31*24*time.Hour - time.Nanosecond: "30 days ago",
		31 * 24 * time.Hour:               "on 22 October 2026",
		(365 + 31) * 24 * time.Hour:       "on 22 October 2025",
	} {
		if got := ago(now.Add(-d), now); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

func TestNumbersAreGrouped(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -100: "-100"} {
		if got := grouped(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestAPlanListsItsLimits(t *testing.T) {
	t.Parallel()
	got := limitsOf(catalog.Plan{Throttle: &catalog.Throttle{Rate: 1, Burst: 2}, Quota: &catalog.Quota{Limit: 1, Period: "WEEK"}})
	want := []limit{{"Rate", "1 request a second", false}, {"Burst", "2 requests at once", false}, {"Quota", "1 request a week", false}}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%v, want %v", got[i], want[i])
		}
	}
}
