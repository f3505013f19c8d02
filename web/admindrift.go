package web

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
)

type drifting interface {
	Drift(ctx context.Context) (administration.Drift, error)
	Compare(ctx context.Context, admin portal.AccountID) error
}

const (
	driftPath          = adminPath + "/drift"
	differencesPerPage = 50
)

// driftWords says what a kind of difference is, what the workers do about it and what an admin can do.
type driftWords struct {
	Name, Means, Workers, You string
}

// driftKinds has the words of each kind. A kind of a newer version shows its name.
var driftKinds = map[string]driftWords{
	"key_missing":        {"Missing keys", "API Gateway does not have a key that the journal has.", "A worker makes it again with the same value, or takes over the key that has that value.", ""},
	"key_renamed":        {"Renamed keys", "Somebody has renamed the key in API Gateway.", "A worker gives it its name back.", ""},
	"key_disabled":       {"Keys disabled by hand", "Somebody has disabled the key in API Gateway.", "A worker records it and leaves the key disabled. Its owner sees that.", "Enable the key in API Gateway if that was a mistake."},
	"key_enabled":        {"Keys enabled by hand", "Somebody has enabled a key in API Gateway that was disabled by hand.", "A worker records it and leaves the key enabled.", ""},
	"key_unblocked":      {"Enabled keys that must not work", "The key has ended or its account is suspended, and API Gateway accepts it.", "A worker disables it.", ""},
	"key_customer":       {"Wrong customer identifiers", "The key has a wrong customer identifier of AWS Marketplace, or lacks one.", "A worker sets the right one.", ""},
	"key_unrecorded":     {"Keys that ended before they were recorded", "API Gateway has a key that ended before its creation was recorded.", "A worker disables or deletes it.", ""},
	"key_returned":       {"Released keys that exist again", "API Gateway has a key again that a worker had deleted because nothing used it.", "A worker disables or deletes it.", ""},
	"key_value":          {"Keys with another value", "The key has another value than the portal shows.", "", "Run `gatehouse keys reconcile --values --kind key_value --yes`. Programs that use the other value then stop working."},
	"stray":              {"Strays", "A key has a name of the portal's, and is not the key that the journal has under that name. It works with the plans that it is in.", "", "If nobody needs it, delete it: those that the portal has made with `gatehouse keys reconcile --yes`, all others in API Gateway."},
	"attachment_missing": {"Keys missing in a plan", "A key is not in a plan of its account.", "A worker adds it.", ""},
	"attachment_extra":   {"Keys in a plan that is not theirs", "A key is in a plan that its account does not have.", "A worker removes it from the plan.", ""},
	"plan_gone":          {"Plans that are gone", "An account has or wants a plan that does not exist.", "A worker ends the subscription, and its owner is told.", ""},
}

type driftPage struct {
	// Swept is zero without a sweep in the last 90 days.
	Swept moment
	// Running tells of a sweep that goes on or waits, "" without one.
	Running string
	Asked   bool
	Total   string
	Notes   []string
	Kinds   []driftKindLine
	// Kind is the kind that is listed alone, "" for all.
	Kind, KindName string
	Lines          []differenceLine
	// Cut says that differences beyond those that the sweep keeps are not listed.
	Cut   bool
	First bool
	Next  string
}

type driftKindLine struct {
	driftWords
	ID    string
	Count string
	Badge badge
	Show  string
}

type differenceLine struct {
	administration.Difference
	What, PlanName string
	Badge          badge
}

// drift shows what the last sweep found. The query's kind restricts the list, and from skips its beginning.
func (s *Web) drift(w http.ResponseWriter, r *http.Request, _ identity.Identity) error {
	query := r.URL.Query()
	kind, from, err := driftFilter(query)
	if err != nil {
		return err
	}
	found, err := s.admin.Drift.Drift(r.Context())
	if err != nil {
		return err
	}
	if kind != "" && driftKinds[kind].Name == "" && !slices.ContainsFunc(found.Kinds, func(one administration.DriftKind) bool { return one.Kind == kind }) {
		return portal.Fail(portal.Invalid, "There is no such kind of difference.")
	}
	body := driftPage{Swept: s.times(r.Context()).moment(found.Ended), Asked: query.Get("asked") != "", First: from == 0}
	body.Running = sweepText(found.Job)
	body.Total, body.Notes = count(found.Keys, "key"), driftNotes(found)
	for _, one := range found.Kinds {
		body.Kinds = append(body.Kinds, driftKindLine{
			wordsOfDrift(one.Kind), one.Kind, grouped(one.Count), driftBadge(one.Kind, ""), withQuery(driftPath, url.Values{"kind": {one.Kind}}) + "#differences",
		})
	}
	if kind != "" {
		body.Kind, body.KindName = kind, wordsOfDrift(kind).Name
	}
	body.Cut = found.Total() > len(found.Differences)
	if body.Lines, body.Next, err = s.differences(r, found.Differences, kind, from); err != nil {
		return err
	}
	s.render(w, r, http.StatusOK, adminView("admin-drift", "Drift", tabDrift, body))
	return nil
}

func driftFilter(query url.Values) (kind string, from int, err error) {
	kind = query.Get("kind")
	if text := query.Get("from"); text != "" {
		if from, err = strconv.Atoi(text); err != nil || from < 0 {
			return "", 0, portal.Fail(portal.Invalid, "This page of the list does not exist.")
		}
	}
	return kind, from, nil
}

func (s *Web) differences(r *http.Request, all []administration.Difference, kind string, from int) (lines []differenceLine, next string, err error) {
	shelf, err := s.shelf(r)
	if err != nil {
		return nil, "", err
	}
	if kind != "" {
		all = slices.DeleteFunc(slices.Clone(all), func(d administration.Difference) bool { return d.Kind != kind })
	}
	rest := all[min(from, len(all)):]
	for _, d := range rest[:min(differencesPerPage, len(rest))] {
		plan, _, _ := shelf.Plan(d.Plan)
		lines = append(lines, differenceLine{d, wordsOfDrift(d.Kind).Means, plan.Name, driftBadge(d.Kind, d.Mending)})
	}
	if len(rest) > differencesPerPage {
		values := url.Values{"from": {strconv.Itoa(from + differencesPerPage)}}
		if kind != "" {
			values.Set("kind", kind)
		}
		next = withQuery(driftPath, values) + "#differences"
	}
	return lines, next, nil
}

func wordsOfDrift(kind string) driftWords {
	words := driftKinds[kind]
	words.Name = cmp.Or(words.Name, kind)
	return words
}

// driftBadge says who mends a difference. Strays of one kind differ in that, so mending tells it of a single one.
func driftBadge(kind, mending string) badge {
	switch {
	case mending == "leave":
		return badge{"quiet", "minus", "Left alone"}
	case driftKinds[kind].Name == "":
		return badge{"quiet", "minus", "Found by a newer version"}
	case kind == "stray" || kind == "key_value":
		return badge{"warn", "warning", "Needs you"}
	}
	return badge{"busy", "clock", "Workers mend it"}
}

func sweepText(job administration.JobState) string {
	switch {
	case job.Waits:
		return "A sweep is under way, and another one begins when it ends."
	case job.UnderWay:
		return "A sweep is under way. Reload the page to see what it finds."
	}
	return ""
}

func driftNotes(found administration.Drift) (notes []string) {
	if found.Others > 0 {
		notes = append(notes, count(found.Others, "key")+" with other names belong to other people and are left alone.")
	}
	if found.Recent > 0 {
		notes = append(notes, count(found.Recent, "account")+" changed just before the sweep. The next one compares them.")
	}
	if found.Unreadable > 0 {
		notes = append(notes, count(found.Unreadable, "stream")+" of the journal could not be read, so their keys were not compared. The workers' log says why.")
	}
	return notes
}

// compareNow has a worker sweep, and leads back to the page.
func (s *Web) compareNow(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	if _, err := s.readForm(w, r, id); err != nil {
		return err
	}
	if err := s.admin.Drift.Compare(r.Context(), id.Account); err != nil {
		return err
	}
	http.Redirect(w, r, driftPath+"?asked=on", http.StatusSeeOther)
	return nil
}
