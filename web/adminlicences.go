package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/marketplace"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

type licensing interface {
	Licences(ctx context.Context, choice administration.LicenceChoice, after string, limit int) (administration.LicencePage, error)
	Licence(ctx context.Context, name string) (administration.LicenceDetail, error)
	Records(ctx context.Context, name, before string, limit int) (administration.RecordsPage, error)
	Reconcile(ctx context.Context, admin portal.AccountID) (administration.JobState, error)
	Resend(ctx context.Context, admin portal.AccountID, name string, dryRun bool) (records int, requests int64, err error)
	Correct(ctx context.Context, admin portal.AccountID, name string, names events.Purchase, dryRun bool) (administration.LicenceCorrection, error)
}

const (
	licencesPath    = adminPath + "/licences"
	licencesPerPage = 25
)

type licencesPage struct {
	SetUp   bool
	Filters licenceFilters
	Total   string
	// All is the number of licences that there are.
	All        int
	States     []option
	Products   []option
	Lines      []licenceLine
	Comparison phrase
	// Problem is why the last comparison failed, Running says that one goes on.
	Problem, Running string
	MayReconcile     bool
	Asked            bool
	First            bool
	Start, Next      string
}

type option struct {
	Value, Text string
	Chosen      bool
}

// licenceFilters are the filters of the list, as the admin wrote them.
type licenceFilters struct {
	State, Product, Account string
	Unclaimed, Problems     bool
}

func licenceFiltersOf(values url.Values) (licenceFilters, error) {
	f := licenceFilters{
		State: values.Get("state"), Product: strings.TrimSpace(values.Get("product")), Account: strings.TrimSpace(values.Get("account")),
		Unclaimed: values.Get("unclaimed") != "", Problems: values.Get("problems") != "",
	}
	if text := f.Product + f.Account; len(text) > 2*maxFilter || !utf8.ValidString(text) {
		return f, portal.Fail(portal.Invalid, "A filter is too long, or not text.")
	}
	return f, administration.CheckLicenceState(f.State)
}

func (f licenceFilters) choice() administration.LicenceChoice {
	return administration.LicenceChoice{State: f.State, Product: portal.ProductCode(f.Product), Account: f.Account, Unclaimed: f.Unclaimed, Problems: f.Problems}
}

func (f licenceFilters) query() url.Values {
	values := url.Values{}
	for name, value := range map[string]string{"state": f.State, "product": f.Product, "account": f.Account} {
		if value != "" {
			values.Set(name, value)
		}
	}
	for name, set := range map[string]bool{"unclaimed": f.Unclaimed, "problems": f.Problems} {
		if set {
			values.Set(name, "on")
		}
	}
	return values
}

// Any reports whether a filter is set.
func (f licenceFilters) Any() bool { return len(f.query()) > 0 }

type licenceLine struct {
	// Name is the plan's if the licence is claimed, else the product's, and Short the beginning of the id.
	Name, Short string
	Href        string
	Badge       badge
	Problems    []string
	Account     portal.AccountID
	Buyer       string
	Product     portal.ProductCode
	Since       moment
	Billed      string
}

func (s *Web) licences(w http.ResponseWriter, r *http.Request, _ identity.Identity) error {
	query := r.URL.Query()
	filters, err := licenceFiltersOf(query)
	if err != nil {
		return err
	}
	after := query.Get("after")
	if len(after) > 2*maxID || !utf8.ValidString(after) {
		return portal.Fail(portal.Invalid, "This page of the list does not exist.")
	}
	found, err := s.admin.Licences.Licences(r.Context(), filters.choice(), after, licencesPerPage)
	if err != nil {
		return err
	}
	shelf, err := s.shelf(r)
	if err != nil {
		return err
	}
	names := productNames(shelf.Document)
	when := s.times(r.Context())
	body := licencesPage{SetUp: found.SetUp, Filters: filters, Total: count(found.Total, "licence"), All: found.All, First: after == "", Asked: query.Get("asked") != ""}
	body.States, body.Products = stateOptions(filters.State), productOptions(found.Products, filters.Product, names)
	for _, l := range found.Licences {
		body.Lines = append(body.Lines, licenceLineOf(when, l, names))
	}
	body.compared(when, found.Comparison)
	body.Start = withQuery(licencesPath, filters.query())
	if found.Next != "" {
		values := filters.query()
		values.Set("after", found.Next)
		body.Next = withQuery(licencesPath, values)
	}
	s.render(w, r, http.StatusOK, adminView("admin-licences", "Licences", tabLicences, body))
	return nil
}

func stateOptions(chosen string) []option {
	list := []option{{"", "Any", chosen == ""}}
	for _, name := range administration.LicenceStates() {
		list = append(list, option{name, adminLicenceBadge(administration.ListedLicence{State: name}).Text, name == chosen})
	}
	return list
}

// productOptions lists product codes with the products' names. A chosen code that no licence has is listed, too.
func productOptions(codes []portal.ProductCode, chosen string, names map[portal.ProductCode]string) []option {
	list := []option{{"", "Any", chosen == ""}}
	if chosen != "" && !slices.Contains(codes, portal.ProductCode(chosen)) {
		codes = append(codes, portal.ProductCode(chosen))
	}
	for _, code := range codes {
		text := string(code)
		if name := names[code]; name != "" {
			text = name + " (" + text + ")"
		}
		list = append(list, option{string(code), text, string(code) == chosen})
	}
	return list
}

func licenceLineOf(when times, l administration.ListedLicence, names map[portal.ProductCode]string) licenceLine {
	line := licenceLine{
		Name: l.Name, Short: portal.ShortLicence(l.Stream), Href: licenceHref(l.Stream), Badge: adminLicenceBadge(l), Problems: l.Problems,
		Account: l.Account, Buyer: buyerText(l.Licence), Product: l.Product, Since: when.moment(l.Since),
	}
	if line.Name == "" {
		line.Name = "Purchase"
		if name := names[l.Product]; name != "" {
			line.Name += " of " + name
		}
	}
	if l.Since.IsZero() {
		line.Since = when.moment(l.ClaimedAt)
	}
	if l.Billed > 0 {
		line.Billed = count(int(l.Billed), "request") + " billed"
	}
	return line
}

func licenceHref(licence portal.Stream) string {
	return escapedPath("admin", "licences", marketplace.Address(licence))
}

func buyerText(l projections.Licence) string {
	if l.Buyer != "" {
		return "AWS account " + accountOfAWS(l.Buyer)
	}
	if l.Customer != "" {
		return "customer " + l.Customer
	}
	return ""
}

func adminLicenceBadge(l administration.ListedLicence) badge {
	switch l.State {
	case projections.LicenceUnclaimed:
		return badge{"warn", "pause", "Not claimed"}
	case projections.LicenceWaiting:
		return badge{"busy", "clock", "Waits for the payment"}
	case projections.LicenceFailed:
		return badge{"bad", "cross", "Payment failed"}
	case projections.LicenceActive:
		if l.Cancelled {
			return badge{"warn", "warning", "Active, cancelled"}
		}
		return badge{"ok", "check", "Active"}
	case projections.LicenceEnding:
		return badge{"quiet", "minus", "Ending"}
	case projections.LicenceEnded:
		if l.NotBegun {
			return badge{"bad", "cross", "Did not begin"}
		}
		return badge{"quiet", "minus", "Ended"}
	}
	return badge{"quiet", "minus", sentence(l.State)}
}

// compared says what the last comparison with AWS Marketplace found.
func (p *licencesPage) compared(when times, c administration.Comparison) {
	p.MayReconcile = c.Job.Ran
	switch {
	case c.Job.Waits:
		p.Running = "A comparison is under way, and another one begins when it ends."
	case c.Job.UnderWay:
		p.Running = "A comparison is under way. Reload the page to see what it finds."
	}
	switch {
	case c.Ended.IsZero():
	case c.Problem != "":
		p.Comparison, p.Problem = phrase{plain("The last comparison failed "), when.at(c.Ended), plain(".")}, c.Problem
	default:
		p.Comparison = phrase{
			plain("Workers last compared the agreements of AWS Marketplace on "), when.at(c.Ended),
			plain(fmt.Sprintf(": %s, and %s for what the portal did not know.", count(c.Agreements, "agreement"), count(c.Notices, "notice"))),
		}
	}
}

// confirmReconciliationPage confirms a comparison.
type confirmReconciliationPage struct{ Running string }

func (s *Web) confirmReconciliation(w http.ResponseWriter, r *http.Request, _ identity.Identity) error {
	found, err := s.admin.Licences.Licences(r.Context(), administration.LicenceChoice{}, "", 1)
	if err != nil {
		return err
	}
	var page licencesPage
	page.compared(s.times(r.Context()), found.Comparison)
	s.render(w, r, http.StatusOK, adminView("admin-reconcile", "Compare with AWS Marketplace now?", tabLicences, confirmReconciliationPage{page.Running}))
	return nil
}

func (s *Web) reconcile(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	if _, err := s.readForm(w, r, id); err != nil {
		return err
	}
	if _, err := s.admin.Licences.Reconcile(r.Context(), id.Account); err != nil {
		return err
	}
	http.Redirect(w, r, licencesPath+"?asked=on", http.StatusSeeOther)
	return nil
}
