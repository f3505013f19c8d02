package web

import (
	"strconv"
	"strings"

	"github.com/gatehouse-portal/gatehouse/catalog"
)

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

// limitsOf lists the limits of a plan. Even an unlimited plan has API Gateway's limits for
// account and stage.
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
