package web

import (
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/branding"
	"github.com/gatehouse-portal/gatehouse/catalog"
)

// rule is one of the stylesheet's, outside of media queries for other colours.
var rule = regexp.MustCompile(`(?m)^ *([^@{}\n]+) \{([^{}]*)\}`)

func TestTheColoursAreReadableInBothSchemes(t *testing.T) {
	t.Parallel()
	own := Palette()
	for name, scheme := range map[string]branding.Scheme{"light": own.Light, "dark": own.Dark} {
		for _, pair := range branding.Pairs {
			if got := branding.Contrast(scheme[pair.Front], scheme[pair.Back]); got < pair.Least {
				t.Errorf("%s: %s on %s has %.2f : 1, want %g", name, pair.Front, pair.Back, got, pair.Least)
			}
		}
	}
}

// TestTheListOfPairsHasThoseOfTheStylesheet finds rules that set both colours, and colours of text
// on no background of their own.
func TestTheListOfPairsHasThoseOfTheStylesheet(t *testing.T) {
	t.Parallel()
	css, err := assetFiles.ReadFile("assets/portal.css")
	if err != nil {
		t.Fatal(err)
	}
	listed := func(front, back string) bool {
		return slices.ContainsFunc(branding.Pairs, func(p branding.Pair) bool {
			return (p.Front == front && (p.Back == back || back == "")) && p.Least >= 4.5
		})
	}
	text, background := regexp.MustCompile(`(?:^|[ ;])color: var\(--([a-z-]+)\)`), regexp.MustCompile(`background: var\(--([a-z-]+)\)`)
	found := 0
	for _, r := range rule.FindAllStringSubmatch(string(css), -1) {
		front, back := text.FindStringSubmatch(r[2]), background.FindStringSubmatch(r[2])
		if front == nil {
			continue
		}
		found++
		on := ""
		if back != nil {
			on = back[1]
		}
		if !listed(front[1], on) {
			t.Errorf("%s: --%s on --%s is not in branding.Pairs, so an operator's colours are not checked there", r[1], front[1], on)
		}
	}
	if found < 40 {
		t.Errorf("%d rules with a colour of text, want all", found)
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
		if got := (times{now, time.UTC}).ago(now.Add(-d)); got != want {
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
