package notices

import (
	"fmt"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
)

// exhausted is the percentage from which API Gateway refuses calls.
const exhausted = 100

func quotaReached(a about, f events.QuotaThresholdReached) (Notice, bool) {
	n := quota(a, f)
	if f.Percent < 80 {
		n.Importance = Info
	}
	n.Title = fmt.Sprintf("%s has used %d %% of %s", a.key(f.Key), f.Percent, a.plan(f.Plan))
	n.Text = fmt.Sprintf("Your API key %s has used %d of the %d requests that %s allows %s.", a.key(f.Key), f.Used, f.Limit, a.plan(f.Plan), span(f.Period))
	n.Advice = "If that is not enough, change to a larger plan."
	return n, f.Percent < exhausted
}

func quotaExhausted(a about, f events.QuotaThresholdReached) (Notice, bool) {
	n := quota(a, f)
	n.Importance = Act
	n.Title = a.key(f.Key) + " has used up " + a.plan(f.Plan)
	n.Text = fmt.Sprintf("Your API key %s has used all of the %d requests that %s allows %s. API Gateway refuses further calls", a.key(f.Key), f.Limit, a.plan(f.Plan), span(f.Period))
	if !n.Until.IsZero() {
		n.Text += " until " + moment(n.Until)
	}
	n.Text += "."
	n.Advice = "Change to a larger plan, or wait."
	return n, f.Percent >= exhausted
}

func quota(a about, f events.QuotaThresholdReached) Notice {
	return Notice{
		Importance: Warn, About: "quota/" + string(f.Plan) + "/" + string(f.Key), Link: dashboard, Until: periodEnd(f.PeriodStart, f.Period),
	}
}

// periodEnd is the first moment after the period, zero if it is not known.
func periodEnd(start, period string) time.Time {
	first, err := time.Parse(time.DateOnly, start)
	switch {
	case err != nil:
		return time.Time{}
	case period == "DAY":
		return first.AddDate(0, 0, 1)
	case period == "WEEK":
		return first.AddDate(0, 0, 7)
	case period == "MONTH":
		return first.AddDate(0, 1, 0)
	}
	return time.Time{}
}

func span(period string) string {
	switch period {
	case "DAY":
		return "a day"
	case "WEEK":
		return "a week"
	case "MONTH":
		return "a month"
	}
	return "in its period"
}
