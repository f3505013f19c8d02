package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/go-chi/chi/v5"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/usage"
)

type summing interface {
	// Next is that of usage.Summaries.
	Next(ctx context.Context, q usage.Query, more func() bool) (last, progress *usage.Summary, err error)
}

const (
	allUsagePath = adminPath + "/usage"
	// shownPlans bounds the table of plans.
	shownPlans   = 25
	thisMonth    = "month"
	monthBefore  = "last-month"
	lastQuarter  = "90d"
	customPeriod = "custom"
)

func (s *Web) allUsageRoutes(r chi.Router) {
	if s.admin.Usage != nil {
		get(r, allUsagePath, s.page(s.administrator(s.allUsage)))
	}
}

type allUsagePage struct {
	Error            string
	Ranges           []usageRange
	Start, End, Days string
	CSV              string
	// Progress says how far a summary is that is being made.
	Progress string
	// Known: there is a summary to show.
	Known    bool
	Total    string
	Accounts string
	AsOf     moment
	Top      []topAccount
	Plans    []topPlan
	// OtherPlans are so many more.
	OtherPlans int
	Bars       *barChart
}

type topAccount struct {
	Person, Email, Account, Href string
	Used, Share                  string
}

type topPlan struct {
	Name, ID, Href string
	Used, Share    string
	Accounts       string
}

// allUsage shows the accounts and plans with the most calls in a period. While the summary is being made,
// the page shows how far it is and reloads.
func (s *Web) allUsage(w http.ResponseWriter, r *http.Request, _ identity.Identity) error {
	values := r.URL.Query()
	rng, q, err := s.periodOf(values)
	if err != nil {
		body := allUsagePage{Error: portal.MessageOf(err), Start: values.Get("start"), End: values.Get("end"), Ranges: periods("")}
		s.render(w, r, s.status(err), adminView("admin-usage", "Usage of all", tabAllUsage, body))
		return nil
	}
	last, progress, err := s.admin.Usage.Next(r.Context(), q, halfOf(r.Context()))
	if err != nil {
		return err
	}
	days := url.Values{"start": {q.First.Format(time.DateOnly)}, "end": {q.Last.Format(time.DateOnly)}}
	body := allUsagePage{Ranges: periods(rng), Start: days.Get("start"), End: days.Get("end"), Days: shortDay(q.First) + " to " + shortDay(q.Last)}
	days.Set("format", "csv")
	body.CSV = withQuery("/api/v1/admin/usage", days)
	if progress != nil {
		body.Progress = count(progress.Accounts, "account") + " read so far."
	}
	if last != nil {
		if err := s.fillUsage(r, &body, q, *last); err != nil {
			return err
		}
	}
	page := adminView("admin-usage", "Usage of all", tabAllUsage, body)
	page.Refresh = progress != nil
	s.render(w, r, http.StatusOK, page)
	return nil
}

// halfOf returns a function that is true for the first half of the time that the request has. The rest is
// for the page.
func halfOf(ctx context.Context) func() bool {
	deadline, ok := ctx.Deadline()
	half := time.Now().Add(time.Until(deadline) / 2)
	return func() bool { return ok && time.Now().Before(half) }
}

func (s *Web) periodOf(values url.Values) (rng string, q usage.Query, err error) {
	now := s.now()
	q, _ = usage.ParseDays("", "", now)
	month := usage.Monthly.Start(now)
	rng = cmp.Or(values.Get("range"), thisMonth)
	if values.Get("range") == "" && values.Get("start")+values.Get("end") != "" {
		rng = customPeriod
	}
	switch rng {
	case thisMonth:
		q.First = month
	case monthBefore:
		q.First, q.Last = month.AddDate(0, -1, 0), month.AddDate(0, 0, -1)
	case lastMonth:
	case lastQuarter:
		q.First = q.Last.AddDate(0, 0, -89)
	case customPeriod:
		q, err = usage.ParseDays(values.Get("start"), values.Get("end"), now)
	default:
		err = portal.Fail(portal.Invalid, "There is no such period. Choose one of those above, or days of your own.")
	}
	return rng, q, err
}

func periods(current string) (ranges []usageRange) {
	for _, r := range []struct{ id, text string }{{thisMonth, "This month"}, {monthBefore, "Last month"}, {lastMonth, "30 days"}, {lastQuarter, "90 days"}} {
		ranges = append(ranges, usageRange{Text: r.text, Href: withQuery(allUsagePath, url.Values{"range": {r.id}}), Current: r.id == current})
	}
	return ranges
}

func (s *Web) fillUsage(r *http.Request, body *allUsagePage, q usage.Query, sum usage.Summary) error {
	body.Known, body.AsOf = true, s.times(r.Context()).moment(sum.Ended)
	body.Total = count(int(sum.Used), "request")
	body.Accounts = fmt.Sprintf("%s of %s", grouped(sum.Active), count(sum.Accounts, "account"))
	if days := (usage.Report{Series: []usage.Series{sum.Series()}}).Between(q); len(days.Series) > 0 {
		bars := barsOf(days.Series[0], usage.Series{}, q)
		body.Bars = &bars
	}
	shelf, err := s.shelf(r)
	if err != nil {
		return err
	}
	ranked := sum.Ranked()
	body.OtherPlans = max(len(ranked)-shownPlans, 0)
	for _, plan := range ranked[:min(len(ranked), shownPlans)] {
		body.Plans = append(body.Plans, topPlanOf(plan, shelf, sum.Used))
	}
	body.Top = make([]topAccount, len(sum.Top))
	group, within := errgroup.WithContext(r.Context())
	group.SetLimit(atOnce)
	for i, one := range sum.Top {
		group.Go(portal.Guard(func() error {
			person, err := s.admin.People.Person(within, one.Account)
			if portal.CodeOf(err) == portal.NotFound {
				err = nil
			}
			body.Top[i] = topAccount{
				Person: cmp.Or(person.Name, person.Email, string(one.Account)), Email: person.Email, Account: string(one.Account), Href: escapedPath("admin", "accounts", one.Account),
				Used: grouped(int(one.Used)), Share: percentage(one.Used, sum.Used),
			}
			return err
		}))
	}
	return group.Wait()
}

func topPlanOf(plan usage.RankedPlan, shelf *library.Shelf, all int64) topPlan {
	shown := topPlan{Name: string(plan.Plan), ID: string(plan.Plan), Used: grouped(int(plan.Used)), Share: percentage(plan.Used, all), Accounts: grouped(plan.Accounts)}
	if found, product, ok := shelf.Plan(plan.Plan); ok {
		shown.Name, shown.Href = found.Name+" ("+product.FullName()+")", escapedPath("apis", product.ID)
	}
	return shown
}
