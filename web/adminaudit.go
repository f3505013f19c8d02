package web

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const (
	auditPath      = adminPath + "/audit"
	auditCSVPath   = "/api/v1/admin/audit"
	entriesPerPage = 25
)

// auditFilters are the filters of the audit, as the admin wrote them.
type auditFilters struct {
	Account, By, What string
	// From and To are days in the reader's time zone, such as 2026-11-22, "" for none. Both count.
	From, To string
	times    members.AuditFilter
}

func (when times) auditFilters(values url.Values) (auditFilters, error) {
	f := auditFilters{Account: values.Get("account"), By: values.Get("admin"), What: values.Get("what"), From: values.Get("from"), To: values.Get("to")}
	for _, text := range []*string{&f.Account, &f.By, &f.What, &f.From, &f.To} {
		*text = strings.TrimSpace(*text)
		if len(*text) > maxFilter || !utf8.ValidString(*text) {
			return f, portal.Fail(portal.Invalid, "A filter is too long, or not text.")
		}
	}
	from, err := when.startOf(f.From)
	if err != nil {
		return f, err
	}
	to, err := when.startOf(f.To)
	switch {
	case err != nil:
		return f, err
	case !from.IsZero() && !to.IsZero() && to.Before(from):
		return f, portal.Fail(portal.Invalid, "The first day comes after the last. Swap them.")
	case !to.IsZero():
		to = to.AddDate(0, 0, 1)
	}
	f.times = members.AuditFilter{From: from, To: to}
	return f, nil
}

// startOf returns when a day begins, the zero time for "".
func (when times) startOf(day string) (time.Time, error) {
	if day == "" {
		return time.Time{}, nil
	}
	at, err := time.ParseInLocation(time.DateOnly, day, when.zone)
	if err != nil || at.Year() < 1970 {
		return at, portal.Fail(portal.Invalid, "Give a day such as 2026-11-22.")
	}
	return at, nil
}

func (f auditFilters) filter() members.AuditFilter {
	chosen := f.times
	chosen.By, chosen.Subject, chosen.What = f.By, portal.AccountID(f.Account), f.What
	return chosen
}

func (f auditFilters) query() url.Values {
	return valuesOf("account", f.Account, "admin", f.By, "what", f.What, "from", f.From, "to", f.To)
}

// valuesOf returns names with their values, without those that are "".
func valuesOf(pairs ...string) url.Values {
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			values.Set(pairs[i], pairs[i+1])
		}
	}
	return values
}

// Any reports whether a filter is set.
func (f auditFilters) Any() bool { return len(f.query()) > 0 }

// csv is the address of the file with all that fits.
func (f auditFilters) csv() string {
	moment := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	values := valuesOf("account", f.Account, "admin", f.By, "what", f.What, "from", moment(f.times.From), "to", moment(f.times.To))
	values.Set("format", "csv")
	return withQuery(auditCSVPath, values)
}

type auditPage struct {
	Filters auditFilters
	Kinds   []usageChoice
	Lines   []auditLine
	CSV     string
	// Start leads to the first page; it is "" on that page.
	Start, Older string
}

// auditLine is a line of the audit.
type auditLine struct {
	At   moment
	What string
	// By is the admin or, without an address, the operator.
	By     personLink
	To     personLink
	Plan   string
	Answer badge
	Count  string
	Choice string
	Reason string
	// Operation leads to the operation, or is "".
	Operation string
}

// personLink is an account under its owner's name; the id is "" for nobody.
type personLink struct {
	ID   portal.AccountID
	Name string
}

func (s *Web) audit(w http.ResponseWriter, r *http.Request, _ identity.Identity) error {
	when, query := s.times(r.Context()), r.URL.Query()
	filters, err := when.auditFilters(query)
	if err != nil {
		return err
	}
	after := query.Get("after")
	if len(after) > maxID || !utf8.ValidString(after) {
		return errNothing
	}
	entries, next, err := s.admin.Audit.Audit(r.Context(), filters.filter(), after, entriesPerPage)
	if err != nil {
		return err
	}
	body := auditPage{Filters: filters, Kinds: auditKinds(), CSV: filters.csv()}
	if body.Lines, err = s.auditLines(r, when, entries); err != nil {
		return err
	}
	if after != "" {
		body.Start = withQuery(auditPath, filters.query())
	}
	if next != "" {
		more := filters.query()
		more.Set("after", next)
		body.Older = withQuery(auditPath, more)
	}
	s.render(w, r, http.StatusOK, adminView("admin-audit", "Audit", tabAudit, body))
	return nil
}

// auditKinds are what admins and operators do, in words, by those.
func auditKinds() []usageChoice {
	kinds := append([]string{typeSuspend, typeReinstate, typeDeleteAccount, typePromote, typeDemote, typeReview, typeReviewPlan}, members.AuditKinds()...)
	var all []usageChoice
	for _, kind := range kinds {
		all = append(all, usageChoice{ID: kind, Name: sentence(kind)})
	}
	slices.SortFunc(all, func(a, b usageChoice) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func (s *Web) auditLines(r *http.Request, when times, entries []members.AuditEntry) ([]auditLine, error) {
	shelf, err := s.shelf(r)
	if err != nil {
		return nil, err
	}
	var ids []portal.AccountID
	for _, d := range entries {
		ids = append(ids, d.Admin, d.Subject)
	}
	names, err := s.namesOf(r.Context(), ids)
	if err != nil {
		return nil, err
	}
	offered := offersIn(shelf.Products)
	lines := make([]auditLine, 0, len(entries))
	for _, d := range entries {
		line := auditLine{
			At: when.moment(d.At), What: sentence(d.What), By: personLink{d.Admin, names[d.Admin]}, To: personLink{d.Subject, names[d.Subject]},
			Answer: answerBadge(d.Answer), Choice: d.Choice, Reason: d.Reason,
		}
		if d.Admin == "" {
			line.By.Name = cmp.Or(d.Operator, "nobody known")
		}
		if d.Count > 0 {
			line.Count = grouped(d.Count)
		}
		if d.Plan != "" {
			line.Plan = cmp.Or(offered[d.Plan].Plan.Name, string(d.Plan))
		}
		if d.Operation != "" {
			line.Operation = escapedPath("admin", "operations", d.Operation)
		}
		lines = append(lines, line)
	}
	return lines, nil
}

func answerBadge(answer string) badge {
	switch answer {
	case "approved":
		return badge{"ok", "check", "Approved"}
	case "denied":
		return badge{"bad", "cross", "Denied"}
	}
	return badge{}
}

// namesOf returns the names, e-mail addresses or else ids of accounts. "" is left out.
func (s *Web) namesOf(ctx context.Context, ids []portal.AccountID) (map[portal.AccountID]string, error) {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	ids = slices.DeleteFunc(slices.Compact(ids), func(id portal.AccountID) bool { return id == "" })
	names, mu := map[portal.AccountID]string{}, sync.Mutex{}
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, id := range ids {
		group.Go(portal.Guard(func() error {
			person, err := s.admin.People.Person(within, id)
			if err != nil && portal.CodeOf(err) != portal.NotFound {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			names[id] = cmp.Or(person.Name, person.Email, string(id))
			return nil
		}))
	}
	return names, group.Wait()
}
