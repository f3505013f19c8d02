package web

import (
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/catalog"
)

// moment is a time as pages show it. The script converts it to the reader's time zone.
type moment struct {
	// Machine is RFC 3339, UTC; "" if there is no such time.
	Machine  string
	Absolute string
	Relative string
}

func (s *Web) moment(t time.Time) moment {
	if t.IsZero() {
		return moment{}
	}
	return moment{
		Machine:  t.UTC().Format(time.RFC3339),
		Absolute: t.UTC().Format("2 January 2006, 15:04:05 UTC"),
		Relative: ago(t, s.now()),
	}
}

// ago returns how long ago a time was, in one unit, or the day if it was more than a month
// ago. The script updates it with the same words.
func ago(t, now time.Time) string {
	const day = 24 * time.Hour
	switch d := now.Sub(t); {
	case d < 5*time.Second:
		return "just now"
	case d < time.Minute:
		return count(int(d/time.Second), "second") + " ago"
	case d < time.Hour:
		return count(int(d/time.Minute), "minute") + " ago"
	case d < day:
		return count(int(d/time.Hour), "hour") + " ago"
	case d < 31*day:
		return count(int(d/day), "day") + " ago"
	}
	return "on " + t.UTC().Format("2 January 2006")
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return grouped(n) + " " + noun + "s"
}

// grouped formats a number with commas: 1,250,000.
func grouped(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

type limit struct {
	Name, Value string
	Long        bool
}

// limitsOf lists the limits of a plan. Even a plan without limits is limited by API Gateway's
// own for the account and the stage.
func limitsOf(plan catalog.Plan) []limit {
	limits := []limit{
		{Name: "Rate", Value: "No limit in this plan"}, {Name: "Burst", Value: "No limit in this plan"}, {Name: "Quota", Value: "No limit in this plan"},
	}
	if t := plan.Throttle; t != nil {
		limits[0].Value = rate(t.Rate)
		limits[1].Value = count(t.Burst, "request") + " at once"
	}
	if q := plan.Quota; q != nil {
		limits[2].Value = count(q.Limit, "request") + " a " + strings.ToLower(q.Period)
	}
	for _, m := range plan.Methods {
		limits = append(limits, limit{m.Method + " " + m.Path, rate(m.Rate) + ", " + count(m.Burst, "request") + " at once", true})
	}
	return limits
}

func rate(perSecond float64) string {
	if perSecond == float64(int(perSecond)) {
		return count(int(perSecond), "request") + " a second"
	}
	return strconv.FormatFloat(perSecond, 'f', -1, 64) + " requests a second"
}

// badge is a state in a word. The icon is for people who do not see colours.
type badge struct {
	Tone string // ok, busy, warn, bad or quiet
	Icon string
	Text string
}
