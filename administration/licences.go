package administration

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/marketplace/metering"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// LicenceChoice chooses licences. An empty or false field chooses all.
type LicenceChoice struct {
	// State is one of the states of projections.
	State   string
	Product portal.ProductCode
	// Account is an account's id, the buyer's AWS account, or the customer identifier of an older listing.
	Account string
	// Unclaimed chooses those that have not ended and belong to no account, Problems those with a problem.
	Unclaimed, Problems bool
}

// CheckLicenceState returns Invalid for a state that no licence has.
func CheckLicenceState(name string) error {
	if name == "" || slices.Contains(LicenceStates(), name) {
		return nil
	}
	return portal.Fail(portal.Invalid, "There is no such state of a licence. Give one of "+strings.Join(LicenceStates(), ", ")+".")
}

// LicenceState is the state of a licence in lists: its own, and waiting if a customer has bought again.
func LicenceState(l projections.Licence) string {
	if l.Awaited() {
		return projections.LicenceWaiting
	}
	return l.State
}

// LicenceStates lists the states of licences.
func LicenceStates() []string {
	return []string{
		projections.LicenceUnclaimed, projections.LicenceWaiting, projections.LicenceFailed, projections.LicenceActive, projections.LicenceEnding, projections.LicenceEnded,
	}
}

// ListedLicence is a licence in a list.
type ListedLicence struct {
	projections.Licence
	// State is LicenceState.
	State string
	// Billed are the requests that AWS bills, Refused those of records that AWS refused and that may still be
	// billed, and Lost those of records that AWS answered for good and does not bill.
	Billed, Refused, Lost int64
	// Problems are sentences that say what needs an operator.
	Problems []string
}

// LicencePage is a page of licences, the most recently changed first.
type LicencePage struct {
	Licences []ListedLicence
	// Next is "" on the last page.
	Next string
	// Total counts the chosen licences, All counts every licence.
	Total, All int
	// Products are the product codes of all licences, sorted.
	Products []portal.ProductCode
	// SetUp reports whether this portal is set up for AWS Marketplace.
	SetUp      bool
	Comparison Comparison
}

// Comparison is the last comparison of AWS Marketplace's agreements with the licences.
type Comparison struct {
	// Ended is zero if no worker has compared them in the last 90 days.
	Ended time.Time
	// Agreements is how many agreements were compared, Notices how many notices the job sent about differences.
	Agreements, Notices int
	// Problem is why the agreements could not be read, or "".
	Problem string
	Job     JobState
}

// ChooseLicences returns a page of at most limit of the chosen licences. after is "" or the Next of the page
// before. tallies may lack licences that were never metered.
func ChooseLicences(all []projections.Licence, tallies map[portal.Stream]metering.Tally, choice LicenceChoice, after string, limit int) LicencePage {
	page := LicencePage{All: len(all)}
	codes := map[portal.ProductCode]bool{}
	var chosen []ListedLicence
	for _, l := range all {
		if l.Product != "" && !codes[l.Product] {
			codes[l.Product], page.Products = true, append(page.Products, l.Product)
		}
		if one := ListLicence(l, tallies[l.Stream]); choice.chooses(one) {
			chosen = append(chosen, one)
		}
	}
	slices.Sort(page.Products)
	slices.SortFunc(chosen, func(a, b ListedLicence) int { return cmp.Compare(b.place(), a.place()) })
	page.Total = len(chosen)
	for _, one := range chosen {
		switch {
		case after != "" && one.place() >= after:
			continue
		case len(page.Licences) == limit:
			page.Next = page.Licences[limit-1].place()
			return page
		}
		page.Licences = append(page.Licences, one)
	}
	return page
}

// place sorts licences by their last change.
func (l ListedLicence) place() string {
	changed := l.Since
	if l.ClaimedAt.After(changed) {
		changed = l.ClaimedAt
	}
	if changed.IsZero() {
		changed = time.Unix(0, 0)
	}
	return schema.Milliseconds(changed) + "#" + string(l.Stream)
}

// ListLicence returns the licence as lists show it.
func ListLicence(l projections.Licence, tally metering.Tally) ListedLicence {
	one := ListedLicence{Licence: l, State: LicenceState(l), Billed: tally.Sums[metering.Accepted], Refused: tally.Sums[metering.Refused]}
	one.Lost = tally.Sums[metering.Duplicate] + tally.Sums[metering.NotSubscribed] + tally.Sums[metering.TooLate]
	if l.State == projections.LicenceFailed {
		one.Problems = append(one.Problems, "AWS could not take the payment.")
	}
	if l.Unsold {
		one.Problems = append(one.Problems, "No plan of the catalog names the contract dimensions "+strings.Join(l.Dimensions, ", ")+".")
	}
	if one.Refused > 0 {
		one.Problems = append(one.Problems, "AWS has refused usage.")
	}
	if one.Lost > 0 {
		one.Problems = append(one.Problems, "AWS does not bill some of the usage.")
	}
	return one
}

func (c LicenceChoice) chooses(l ListedLicence) bool {
	return (c.State == "" || c.State == l.State) &&
		(c.Product == "" || c.Product == l.Product) &&
		(c.Account == "" || slices.Contains([]string{string(l.Account), string(l.Buyer), l.Customer}, c.Account)) &&
		(!c.Unclaimed || l.Account == "" && !l.Over()) &&
		(!c.Problems || len(l.Problems) > 0)
}

// LicenceDetail is all that operators see of a licence.
type LicenceDetail struct {
	// ListedLicence is as the journal has it, and so never late.
	ListedLicence
	Words    LicenceWords
	Purchase events.Purchase
	Offer    string
	// Entitled: since the claim, AWS has answered what the buyer is entitled to. Lapsed: the answer was nothing.
	Entitled, Lapsed bool
	HasAccess        bool
	AccessAt         time.Time
	Facts            []events.Event
	Meter            LicenceMeter
}

// LicenceMeter is what was metered for a licence.
type LicenceMeter struct {
	// ByGateway: API Gateway meters the licence's plan, and not the portal.
	ByGateway bool
	// Region is where usage is metered, "" before the first record of any licence.
	Region string
	// Problem is why usage is not metered now, or not all of it; "" if it is.
	Problem string
	Tally   metering.Tally
	Balance metering.Balance
	Refused []metering.RefusedRecord
	// Ordered is when an admin ordered that refused usage be sent again, zero if no order waits.
	Ordered time.Time
	// NextCollection is when workers next collect usage, NextSending when they next begin to send it to AWS.
	NextCollection, NextSending time.Time
}

// Resendable counts the refused records that can still be billed, and their requests.
func (m LicenceMeter) Resendable() (records int, requests int64) {
	for _, r := range m.Refused {
		if r.Remedy.Possible() {
			records, requests = records+1, requests+r.Quantity
		}
	}
	return records, requests
}

// RecordsPage is a page of the records of a licence, the newest first. Next is "" on the last page.
type RecordsPage struct {
	Records []metering.Record
	Next    string
}

// LicenceCorrection replaces what the journal has as AWS Marketplace's names of a licence: product, buyer, customer, ARN
// and agreement.
type LicenceCorrection struct {
	Licence       portal.Stream
	Before, After events.Purchase
}

// Changes reports whether the correction changes anything.
func (c LicenceCorrection) Changes() bool { return c.Before != c.After }
