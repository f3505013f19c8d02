package web

import (
	"context"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/usage"
)

type usedLine struct {
	// Key is the key's label, "" if the plan has one key.
	Key  string
	Text string
	// Bar says that Percent is known.
	Bar     bool
	Percent int
	AsOf    moment
}

// currentUsage returns the account's usage in the current periods. It returns nil if no plan is subscribed to, or if the
// usage cannot be read; the dashboard is then shown without it.
func (s *Web) currentUsage(ctx context.Context, id portal.AccountID, account projections.Account) *usage.Report {
	if s.counters == nil || !subscribed(account) {
		return nil
	}
	report, err := s.counters.Current(ctx, id, s.now())
	if err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Msg("the dashboard is shown without usage")
		return nil
	}
	return &report
}

// usedLines returns a line for each key of the subscription, except those that are pending, ending or ended.
func (when times) usedLines(report *usage.Report, account projections.Account, sub projections.Subscription, plan catalog.Plan) []usedLine {
	var lines []usedLine
	labels := portal.KeyLabels(account.NamedKeys())
	for _, key := range account.Keys {
		if key.Ring != sub.Ring || key.State == projections.KeyPending || key.State == projections.KeyEnding || key.State == projections.KeyEnded {
			continue
		}
		line := usedLine{Text: "The usage cannot be read right now."}
		if report != nil {
			line = when.usedOf(report.Of(sub.Plan, key.ID), plan.Quota)
		}
		line.Key = labels[key.ID]
		lines = append(lines, line)
	}
	if len(lines) == 1 {
		lines[0].Key = ""
	}
	return lines
}

func (when times) usedOf(series usage.Series, quota *catalog.Quota) usedLine {
	if now, ok := series.Standing(when.now); ok {
		text := fmt.Sprintf("%s of %s %s%s.", grouped(int(now.Used)), count(int(now.Limit), "request"), periodNames[now.Period], share(", ", now))
		text += " The quota"
		if now.Remaining <= 0 {
			text += " is used up. It"
		}
		text += " starts again on " + shortDay(now.Next) + " (UTC)."
		return usedLine{Text: text, Bar: true, Percent: now.Percent(), AsOf: when.moment(now.AsOf)}
	}
	if quota != nil {
		return usedLine{Text: fmt.Sprintf("No data yet %s. The quota is %s.", periodNames[usage.Period(quota.Period)], count(quota.Limit, "request"))}
	}
	return when.unlimited(series)
}

func (when times) unlimited(series usage.Series) usedLine {
	used, asOf, first := int64(0), time.Time{}, usage.Monthly.Start(when.now)
	for _, d := range series.Days {
		if !d.Day.Before(first) {
			used, asOf = used+d.Used, d.AsOf
		}
	}
	if asOf.IsZero() {
		return usedLine{Text: "No data yet this month. The plan has no quota."}
	}
	return usedLine{Text: count(int(used), "request") + " this month (UTC). The plan has no quota.", AsOf: when.moment(asOf)}
}
