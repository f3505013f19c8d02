package web

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/usage"
)

type usageReading interface {
	Report(ctx context.Context, account portal.AccountID, q usage.Query) (usage.Report, error)
	Current(ctx context.Context, account portal.AccountID, now time.Time) (usage.Report, error)
}

const (
	lastWeek   = "7d"
	lastMonth  = "30d"
	thisPeriod = "period"
	customDays = "custom"
)

type usagePage struct {
	Fault            string
	Ranges           []usageRange
	Start, End, Days string
	Custom           bool
	Plans, Keys      []usageChoice
	CSV              string
	AsOf             moment
	// Total sums all charts; Before compares it with the days before.
	Total, Before string
	Charts        []usageChart
	Subscribed    bool
}

type usageRange struct {
	Text, Href string
	Current    bool
}

type usageChoice struct {
	ID, Name string
	Chosen   bool
}

type usageChart struct {
	ID        string
	Plan, Key string
	Total     string
	OfQuota   *quotaUsage
	Bars      barChart
	Pace      *paceChart
}

type quotaUsage struct {
	Text, Forecast string
	Percent        int
	Badge          badge
}

type question struct {
	rng string
	usage.Query
}

func (s *Web) usage(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	account, err := s.views.Account(r.Context(), id.Account)
	if err != nil {
		return err
	}
	values := r.URL.Query()
	names, err := usage.NamesOf(account).WithPast(r.Context(), s.views, id.Account, portal.KeyID(values.Get("key")))
	if err != nil {
		return err
	}
	asked, fault := s.usageQuestion(values, names)
	if fault != nil && portal.CodeOf(fault) != portal.Invalid && portal.CodeOf(fault) != portal.NotFound {
		return fault
	}
	page, status := usagePage{Subscribed: subscribed(account)}, http.StatusOK
	if fault != nil {
		page.Fault, status = portal.MessageOf(fault), s.status(fault)
		page.frame(asked, values, names)
		page.Start, page.End = values.Get("start"), values.Get("end")
	} else {
		all, err := s.counters.Report(r.Context(), id.Account, s.wide(asked))
		if err != nil {
			return err
		}
		if names, err = names.WithPast(r.Context(), s.views, id.Account, all.Keys()...); err != nil {
			return err
		}
		if asked.rng == thisPeriod {
			asked.Query = asked.since(all, s.now())
		}
		page.frame(asked, values, names)
		page.fill(r.Context(), s, all, asked.Query, names)
	}
	if _, viewed := accountViewed(r.Context()); viewed {
		page.CSV = "" // the JSON API answers for the admin
	}
	s.render(w, r, status, view{page: "usage", Title: "Usage", Section: "usage", Body: page})
	return nil
}

func subscribed(account projections.Account) bool {
	return slices.ContainsFunc(account.Subscriptions, func(s projections.Subscription) bool { return s.State != projections.SubscriptionEnded })
}

// usageQuestion reads the address. If that is faulty, the error says why, and the question is
// about the last 30 days.
func (s *Web) usageQuestion(values url.Values, names usage.Names) (question, error) {
	now := s.now()
	fallback, _ := usage.ParseDays("", "", now)
	asked := question{lastMonth, fallback}
	rng := values.Get("range")
	if rng == "" && (values.Get("start") != "" || values.Get("end") != "") {
		rng = customDays
	}
	switch rng {
	case "", lastMonth:
	case lastWeek:
		asked.rng, asked.First = rng, fallback.Last.AddDate(0, 0, -6)
	case thisPeriod:
		asked.rng, asked.First = rng, usage.Monthly.Start(now)
	case customDays:
		q, err := usage.ParseDays(values.Get("start"), values.Get("end"), now)
		if err != nil {
			asked.rng = rng
			return asked, err
		}
		asked = question{rng, q}
	default:
		return asked, portal.Fail(portal.Invalid, "There is no such range. Choose 7 days, 30 days, this period, or days of your own.")
	}
	asked.Plan, asked.Key = portal.PlanID(values.Get("plan")), portal.KeyID(values.Get("key"))
	if err := names.Check(asked.Query); err != nil {
		asked.Plan, asked.Key = "", ""
		return asked, err
	}
	return asked, nil
}

// wide is a query for the days, as many days before, and the present period, so that one read is
// enough.
func (s *Web) wide(asked question) usage.Query {
	q := asked.Query
	q.First = earliest(q.Before().First, usage.Monthly.Start(s.now()), usage.Weekly.Start(s.now()))
	q.Last = s.now().UTC().Truncate(24 * time.Hour)
	return q
}

func earliest(times ...time.Time) time.Time { return slices.MinFunc(times, time.Time.Compare) }

// since asks about the longest present period among the quotas, or the month without one.
func (q question) since(all usage.Report, now time.Time) usage.Query {
	query := q.Query
	first := query.Last.AddDate(0, 0, 1)
	for _, s := range all.Series {
		if standing, ok := s.Standing(now); ok {
			first = earliest(first, standing.Start)
		}
	}
	if query.First = first; first.After(query.Last) {
		query.First = usage.Monthly.Start(now)
	}
	return query
}

func (p *usagePage) frame(asked question, values url.Values, names usage.Names) {
	p.Start, p.End, p.Custom = asked.First.Format(time.DateOnly), asked.Last.Format(time.DateOnly), asked.rng == customDays
	p.Days = shortDay(asked.First) + " to " + shortDay(asked.Last)
	keep := url.Values{}
	for _, name := range []string{"plan", "key"} {
		if value := values.Get(name); value != "" {
			keep.Set(name, value)
		}
	}
	for _, r := range []struct{ id, text string }{{lastWeek, "7 days"}, {lastMonth, "30 days"}, {thisPeriod, "This period"}} {
		query := maps.Clone(keep)
		query.Set("range", r.id)
		p.Ranges = append(p.Ranges, usageRange{Text: r.text, Href: "/usage?" + query.Encode(), Current: asked.rng == r.id})
	}
	query := maps.Clone(keep)
	query.Set("start", p.Start)
	query.Set("end", p.End)
	query.Set("format", "csv")
	p.CSV = "/api/v1/usage?" + query.Encode()
	for _, id := range slices.Sorted(maps.Keys(names.Plans)) {
		p.Plans = append(p.Plans, usageChoice{string(id), names.Plan(id), id == asked.Plan})
	}
	for _, id := range slices.Sorted(maps.Keys(names.Keys)) {
		p.Keys = append(p.Keys, usageChoice{string(id), names.Key(id), id == asked.Key})
	}
	byName := func(a, b usageChoice) int { return strings.Compare(a.Name+a.ID, b.Name+b.ID) }
	slices.SortFunc(p.Plans, byName)
	slices.SortFunc(p.Keys, byName)
}

func (p *usagePage) fill(ctx context.Context, s *Web, all usage.Report, q usage.Query, names usage.Names) {
	shown, before := all.Between(q), all.Between(q.Before())
	p.AsOf = s.times(ctx).moment(shown.AsOf)
	p.Total = count(int(shown.Used()), "request")
	p.Before = compared(shown.Used(), before.Used(), q.Days(), len(before.Series) > 0)
	for i, one := range shown.Series {
		chart := usageChart{
			ID: fmt.Sprintf("usage-%d", i+1), Plan: names.Plan(one.Plan), Key: names.Key(one.Key), Total: count(int(one.Used()), "request"),
			Bars: barsOf(one, before.Of(one.Plan, one.Key), q),
		}
		if standing, ok := all.Of(one.Plan, one.Key).Standing(s.now()); ok {
			chart.OfQuota = quotaText(standing, s.now())
			chart.Pace = paceOf(all.Of(one.Plan, one.Key), standing)
		}
		p.Charts = append(p.Charts, chart)
	}
}

func compared(now, before int64, days int, known bool) string {
	span := "the " + count(days, "day") + " before"
	if days == 1 {
		span = "the day before"
	}
	switch {
	case !known:
		return "Nothing is known about " + span + "."
	case now == before:
		return "As many as in " + span + "."
	case before == 0:
		return "There were none in " + span + "."
	case now >= 10*before:
		return fmt.Sprintf("%s times as many as in %s (%s).", grouped(int(now/before)), span, grouped(int(before)))
	case now > before:
		return fmt.Sprintf("%s more than in %s (%s).", percentage(now-before, before), span, grouped(int(before)))
	}
	return fmt.Sprintf("%s less than in %s (%s).", percentage(before-now, before), span, grouped(int(before)))
}

func percentage(part, whole int64) string {
	percent := part * 100 / whole
	if percent == 0 {
		return "Less than 1 %"
	}
	return grouped(int(percent)) + " %"
}

var periodNames = map[usage.Period]string{usage.Daily: "today", usage.Weekly: "this week", usage.Monthly: "this month"}

func quotaText(now usage.Standing, at time.Time) *quotaUsage {
	text := fmt.Sprintf("%s of %s %s%s.", grouped(int(now.Used)), count(int(now.Limit), "request"), periodNames[now.Period], share(": ", now))
	shown := &quotaUsage{Text: text, Percent: now.Percent(), Badge: badge{"ok", "check", fmt.Sprintf("%s left", grouped(int(now.Remaining)))}}
	today := at.UTC().Truncate(24 * time.Hour)
	switch {
	case now.Remaining <= 0:
		shown.Badge = badge{"bad", "cross", "Used up"}
		shown.Forecast = fmt.Sprintf("The quota is used up. It starts again on %s (UTC).", shortDay(now.Next))
	case !now.OutOn.IsZero() && !now.OutOn.After(today):
		shown.Forecast = "At this pace you run out today."
	case !now.OutOn.IsZero():
		shown.Forecast = fmt.Sprintf("At this pace you run out on %s.", shortDay(now.OutOn))
	case now.Used > 0 && at.Sub(now.Start) > 12*time.Hour:
		shown.Forecast = fmt.Sprintf("At this pace it lasts until it starts again on %s (UTC).", shortDay(now.Next))
	}
	if now.Remaining > 0 && now.Percent() >= 80 {
		shown.Badge.Tone, shown.Badge.Icon = "warn", "warning"
	}
	return shown
}

// share ends a sentence with how much of the quota is used, "" if nothing is.
func share(before string, now usage.Standing) string {
	switch {
	case now.Used <= 0:
		return ""
	case now.Percent() == 0:
		return before + "less than 1 %"
	}
	return fmt.Sprintf("%s%d %%", before, now.Percent())
}

func shortDay(day time.Time) string { return day.Format("2 January 2006") }
