package web

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/marketplace/metering"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// recordsPerPage is how many records of usage the page of a licence lists, and refusedShown how many refused
// ones.
const (
	recordsPerPage = 48
	refusedShown   = 100
)

// productNames has the name of the product that each product code of AWS Marketplace belongs to.
func productNames(doc catalog.Document) map[portal.ProductCode]string {
	names := map[portal.ProductCode]string{}
	for _, product := range doc.Products {
		for _, plan := range product.Plans {
			if plan.Listing != nil && names[plan.Listing.Product] == "" {
				names[plan.Listing.Product] = product.Name
			}
		}
	}
	return names
}

type adminLicencePage struct {
	licenceLine
	// Licence is the whole name of the licence.
	Licence portal.Stream
	Said    string
	Next    string
	// Letters reports whether to link to the dead letters, which may say more.
	Letters   bool
	Purchase  events.Purchase
	Offer     string
	FreeTrial bool
	// ProductName and PlanName may be "".
	ProductName, PlanName string
	Plan                  portal.PlanID
	ClaimedAt             moment
	Access                phrase
	// Entitlement says what the buyer has paid for, nothing if AWS has not said.
	Entitlement phrase
	History     []licenceFact
	Notices     []licenceFact
	Ledger      ledgerSection
	// Done says what the last form has led to.
	Done string
	// Resend and Correct are the addresses of the confirmations.
	Resend, Correct string
}

type licenceFact struct {
	Words phrase
	At    moment
}

type ledgerSection struct {
	ByGateway bool
	Region    string
	Problem   string
	Metered   bool
	Closed    phrase
	Next      phrase
	Sums      []sumLine
	Reasons   []sumLine
	Records   []recordLine
	// Older leads to the next page of records, Newest to the first. Each is "" if there is none.
	Older, Newest string
	Refused       []refusedLine
	MoreRefused   string
	Ordered       moment
	// Resendable counts the requests that can be sent again, such as "20 requests", "" for none.
	Resendable string
}

type sumLine struct{ Name, Number string }

type recordLine struct {
	Hour      string
	Dimension string
	Quantity  string
	Badge     badge
	// Said is AWS's id of the record, or its code.
	Said string
}

type refusedLine struct {
	recordLine
	Remedy string
	// Badge tells if the usage can be billed. It hides the record's own badge.
	Badge badge
}

func (s *Web) licence(w http.ResponseWriter, r *http.Request, _ identity.Identity) error {
	body, err := s.theLicence(r)
	if err != nil {
		return err
	}
	switch r.URL.Query().Get("asked") {
	case "resend":
		body.Done = "A worker opens the refused records again. They go to AWS in the next quarter of an hour, or with the next record."
	case "correct":
		body.Done = "A worker corrects the licence. Reload the page to see the new names."
	}
	if err := s.recordsOf(r, &body); err != nil {
		return err
	}
	s.render(w, r, http.StatusOK, adminView("admin-licence", body.Name+", "+body.Short, tabLicences, body))
	return nil
}

// theLicence returns the licence of the path, without its records.
func (s *Web) theLicence(r *http.Request) (adminLicencePage, error) {
	name, err := param(r, "licence")
	if err != nil {
		return adminLicencePage{}, err
	}
	found, err := s.admin.Licences.Licence(r.Context(), name)
	if err != nil {
		return adminLicencePage{}, err
	}
	shelf, err := s.shelf(r)
	if err != nil {
		return adminLicencePage{}, err
	}
	when, names := s.times(r.Context()), productNames(shelf.Document)
	body := adminLicencePage{
		licenceLine: licenceLineOf(when, found.ListedLicence, names), Licence: found.Stream, Said: found.Words.Said, Next: found.Words.Next,
		Letters: found.Words.Look == administration.LookAtLetters, Purchase: found.Purchase, Offer: found.Offer, FreeTrial: found.FreeTrial,
		ProductName: names[found.Product], Plan: found.Plan, PlanName: found.Licence.Name, ClaimedAt: when.moment(found.ClaimedAt),
		Access: phrase{plain("No.")}, Entitlement: when.entitlement(found),
	}
	body.Resend, body.Correct = body.Href+"/resend", body.Href+"/correct"
	if found.HasAccess {
		body.Access = phrase{plain("Yes, since "), when.at(found.AccessAt), plain(".")}
	}
	for i := len(found.Facts) - 1; i >= 0; i-- {
		fact := found.Facts[i]
		line := licenceFact{when.phrase(upperFirst(administration.Recount(fact, spokenTime))), when.moment(fact.Time)}
		if _, told := fact.Data.(events.LicenceNoticed); told {
			body.Notices = append(body.Notices, line)
		}
		body.History = append(body.History, line)
	}
	body.Ledger = when.ledger(found.Meter)
	return body, nil
}

// spokenTime writes a time so that times.phrase finds it.
func spokenTime(t time.Time) string { return t.UTC().Format("2 January 2006 at 15:04 UTC") }

func upperFirst(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return strings.ToUpper(string(first)) + text[size:]
}

func (when times) entitlement(l administration.LicenceDetail) phrase {
	switch {
	case !l.Entitled:
		return nil
	case l.Lapsed:
		return phrase{plain("AWS says that the buyer is entitled to nothing.")}
	}
	text := "The buyer has paid for " + cmp.Or(strings.Join(l.Dimensions, ", "), "the contract")
	if l.Until.IsZero() {
		return phrase{plain(text + ".")}
	}
	return phrase{plain(text + " until "), when.at(l.Until), plain(", unless it is renewed.")}
}

func (when times) ledger(m administration.LicenceMeter) ledgerSection {
	section := ledgerSection{ByGateway: m.ByGateway, Region: m.Region, Problem: m.Problem, Metered: m.Tally.Version > 0, Ordered: when.moment(m.Ordered)}
	section.Next = phrase{plain("Workers next collect usage "), when.at(m.NextCollection), plain(", and send it to AWS from "), when.at(m.NextSending), plain(" on.")}
	if !m.Tally.Closed.IsZero() {
		section.Closed = phrase{plain("Metering ended "), when.at(m.Tally.Closed), plain(", because AWS takes no more usage of the licence.")}
		section.Next = nil
	}
	b := m.Balance
	section.Sums = []sumLine{
		{"Collected", grouped(int(b.Collected))}, {"Metered", grouped(int(b.Metered))}, {"Accepted, so billed", grouped(int(b.Accepted))}, {"Difference", grouped(int(b.Difference()))},
	}
	for _, reason := range b.Reasons {
		section.Reasons = append(section.Reasons, sumLine{reason.Words, grouped(int(reason.Quantity))})
	}
	for _, refused := range m.Refused[:min(len(m.Refused), refusedShown)] {
		section.Refused = append(section.Refused, when.refused(refused))
	}
	if more := len(m.Refused) - refusedShown; more > 0 {
		section.MoreRefused = count(more, "older refused record")
	}
	if records, requests := m.Resendable(); records > 0 {
		section.Resendable = count(int(requests), "request")
	}
	return section
}

func (when times) refused(r metering.RefusedRecord) refusedLine {
	line := refusedLine{recordLine: when.record(r.Record), Remedy: upperFirst(administration.RemedyWords(r.Remedy)) + ".", Badge: badge{"bad", "cross", "Lost"}}
	switch {
	case r.Remedy.Possible():
		line.Badge = badge{"warn", "warning", "Can be billed"}
	case r.Remedy == metering.PerhapsBilled:
		line.Badge = badge{"warn", "warning", "Perhaps billed"}
	case r.Remedy == metering.NotMetered:
		line.Badge = badge{"warn", "warning", "Not billed"}
	}
	return line
}

// record shows hours in UTC, since AWS bills hours in UTC.
func (when times) record(r metering.Record) recordLine {
	return recordLine{
		Hour: r.Hour().Format("2 Jan 2006 15:00"), Dimension: r.Dimension, Quantity: grouped(int(r.Quantity)), Badge: recordBadge(r.Status), Said: cmp.Or(r.ID, r.Code),
	}
}

func recordBadge(status metering.RecordStatus) badge {
	switch status {
	case metering.Accepted:
		return badge{"ok", "check", "Accepted"}
	case metering.Written:
		return badge{"busy", "clock", "Not answered"}
	case metering.Returned:
		return badge{"quiet", "minus", "In a later hour"}
	case metering.Refused:
		return badge{"bad", "cross", "Refused"}
	case metering.Duplicate:
		return badge{"bad", "cross", "Duplicate"}
	case metering.NotSubscribed:
		return badge{"bad", "cross", "Not subscribed"}
	case metering.TooLate:
		return badge{"bad", "cross", "Too late"}
	}
	return badge{"quiet", "minus", string(status)}
}

func (s *Web) recordsOf(r *http.Request, body *adminLicencePage) error {
	before := r.URL.Query().Get("before")
	if len(before) > maxID || !utf8.ValidString(before) {
		return portal.Fail(portal.Invalid, "This page of the list does not exist.")
	}
	page, err := s.admin.Licences.Records(r.Context(), string(body.Licence), before, recordsPerPage)
	if err != nil {
		return err
	}
	when := s.times(r.Context())
	for _, record := range page.Records {
		body.Ledger.Records = append(body.Ledger.Records, when.record(record))
	}
	if before != "" {
		body.Ledger.Newest = body.Href + "#records"
	}
	if page.Next != "" {
		body.Ledger.Older = withQuery(body.Href, url.Values{"before": {page.Next}}) + "#records"
	}
	return nil
}

func (s *Web) confirmResend(w http.ResponseWriter, r *http.Request, _ identity.Identity) error {
	body, err := s.theLicence(r)
	if err != nil {
		return err
	}
	title := "Have refused usage sent to AWS again?"
	s.render(w, r, http.StatusOK, adminView("admin-resend", title, tabLicences, body))
	return nil
}

func (s *Web) resend(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	body, err := s.licenceForm(w, r, id)
	if err != nil {
		return err
	}
	if _, _, err := s.admin.Licences.Resend(r.Context(), id.Account, string(body.Licence), false); err != nil {
		return err
	}
	http.Redirect(w, r, body.Href+"?asked=resend", http.StatusSeeOther)
	return nil
}

// licenceForm reads a form about the licence of the path.
func (s *Web) licenceForm(w http.ResponseWriter, r *http.Request, id identity.Identity) (adminLicencePage, error) {
	if _, err := s.readForm(w, r, id); err != nil {
		return adminLicencePage{}, err
	}
	return s.theLicence(r)
}

type correctionPage struct {
	adminLicencePage
	Legacy bool
	Error  string
	Given  events.Purchase
	// Changed are the names that change, after they were checked.
	Changed   []nameChange
	Unchanged bool
}

type nameChange struct{ Name, Before, After string }

func (s *Web) confirmCorrection(w http.ResponseWriter, r *http.Request, _ identity.Identity) error {
	licence, err := s.theLicence(r)
	if err != nil {
		return err
	}
	return s.renderCorrection(w, r, http.StatusOK, correctionPage{adminLicencePage: licence})
}

func (s *Web) renderCorrection(w http.ResponseWriter, r *http.Request, status int, body correctionPage) error {
	body.Legacy = body.Licence.Kind() == portal.KindLegacy
	s.render(w, r, status, adminView("admin-correct", "Correct how AWS names this licence", tabLicences, body))
	return nil
}

// correct first checks the names, and corrects the licence once the form says that they were confirmed.
func (s *Web) correct(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	licence, err := s.licenceForm(w, r, id)
	if err != nil {
		return err
	}
	body := correctionPage{adminLicencePage: licence, Given: events.Purchase{
		ARN: formText(r, "arn"), Buyer: portal.AWSAccount(formText(r, "buyer")), Product: portal.ProductCode(formText(r, "product")), Customer: formText(r, "customer"),
	}}
	confirmed := r.PostForm.Get("confirmed") != ""
	correction, err := s.admin.Licences.Correct(r.Context(), id.Account, string(licence.Licence), body.Given, !confirmed)
	switch code := portal.CodeOf(err); {
	case code == portal.Invalid || code == portal.Conflict:
		body.Error = portal.MessageOf(err)
		return s.renderCorrection(w, r, http.StatusBadRequest, body)
	case err != nil:
		return err
	case !correction.Changes():
		body.Unchanged = true
		return s.renderCorrection(w, r, http.StatusOK, body)
	case confirmed:
		http.Redirect(w, r, licence.Href+"?asked=correct", http.StatusSeeOther)
		return nil
	}
	body.Changed = nameChanges(correction)
	return s.renderCorrection(w, r, http.StatusOK, body)
}

func formText(r *http.Request, name string) string {
	return strings.TrimSpace(strings.ToValidUTF8(r.PostForm.Get(name), "\uFFFD"))
}

func nameChanges(c administration.LicenceCorrection) (changes []nameChange) {
	for _, one := range []nameChange{
		{"ARN", c.Before.ARN, c.After.ARN}, {"AWS account of the buyer", string(c.Before.Buyer), string(c.After.Buyer)},
		{"Product code", string(c.Before.Product), string(c.After.Product)}, {"Customer identifier", c.Before.Customer, c.After.Customer},
	} {
		if one.Before != one.After {
			changes = append(changes, one)
		}
	}
	return changes
}
