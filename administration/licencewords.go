package administration

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/marketplace/metering"
	"github.com/gatehouse-portal/gatehouse/state"
)

// Look is where an operator finds more about a licence.
type Look string

// Where to look.
const (
	LookNowhere Look = ""
	// LookAtAccount: the account's subscription and keys.
	LookAtAccount Look = "account"
	// LookAtLetters: the dead letters show whether a notice could not be handled, if the agreement is active in
	// the AWS Marketplace Management Portal.
	LookAtLetters Look = "letters"
)

// LicenceWords says what the state of a licence means.
type LicenceWords struct {
	// Said is what AWS and the account have said.
	Said string
	// Next is what happens next or who has to act, "" for nothing.
	Next string
	Look Look
}

const buyAgain = "The buyer can buy it again on AWS Marketplace."

// WordsOf says what the state of a licence means, and what to do.
func WordsOf(l state.Licence) LicenceWords {
	wait := func(said string) LicenceWords { return LicenceWords{said, "Wait for the payment.", LookAtLetters} }
	switch {
	case l.NotUnderstood != "":
		return LicenceWords{"A newer version of Gatehouse has recorded " + events.Name(l.NotUnderstood) + ", which this one does not know.", "Update the workers.", LookNowhere}
	case !l.Claimed() && l.Status == events.LicenceActive:
		return LicenceWords{"AWS says that it is active, and nobody has claimed it.", "The buyer has to come from AWS Marketplace with \"Set up your account\", sign in and confirm.", LookNowhere}
	case !l.Claimed() && l.Status == events.LicenceUnknown:
		return LicenceWords{"Nobody has claimed it, and AWS has not said that it is active.", "Nothing. AWS says so once the buyer has paid.", LookNowhere}
	case l.NotBegun():
		return LicenceWords{
			"The purchase did not begin: AWS ended it before it became active. It does that if it cannot take the payment.",
			"The buyer has to check the payment method of their AWS account, and can buy it again on AWS Marketplace.", LookNowhere,
		}
	case l.BoughtAgain():
		return wait("The buyer has bought it again, and AWS has not said that it is active.")
	}
	switch l.Status {
	case events.LicenceActive:
		return activeWords(l)
	case events.LicenceFailed:
		return LicenceWords{
			"AWS could not take the payment.",
			"The buyer has to correct the payment method of their AWS account. Access begins once AWS says that the purchase is active.", LookNowhere,
		}
	case events.LicenceEnding:
		return LicenceWords{"The purchase was cancelled. AWS takes the last usage reports.", buyAgain, LookNowhere}
	case events.LicenceEnded:
		return LicenceWords{"The purchase has ended.", buyAgain, LookNowhere}
	case events.LicenceUnknown:
		switch {
		case l.Active():
			return LicenceWords{"AWS grants the buyer a contract.", "", LookAtAccount}
		case l.Lapsed && !l.Claim.Waiting:
			return LicenceWords{"AWS says that the contract has ended.", buyAgain, LookNowhere}
		case l.Lapsed:
			return wait("It is claimed, and AWS grants the buyer nothing yet.")
		}
	}
	return wait("It is claimed, and AWS has not said that it is active.")
}

func activeWords(l state.Licence) LicenceWords {
	switch {
	case l.Lapsed:
		return LicenceWords{"AWS says that the buyer is entitled to nothing, so the account has no access.", buyAgain, LookNowhere}
	case l.Unsold():
		return LicenceWords{
			"AWS says that it is active. No plan of the catalog names the contract dimensions " + strings.Join(l.Dimensions, ", ") + ", so the account keeps its plan.",
			"Add them to the `dimensions` of a plan in its product folder. The worker asks AWS again within a day.", LookNowhere,
		}
	case l.Cancelled:
		return LicenceWords{"AWS says that its agreement is over, and has not taken the licence away yet.", "Access ends when AWS deprovisions the licence.", LookAtAccount}
	}
	return LicenceWords{"AWS says that it is active.", "", LookAtAccount}
}

// Recount says what a fact of a licence's stream changed. at writes a time.
func Recount(fact events.Event, at func(time.Time) string) string {
	switch f := fact.Data.(type) {
	case events.LicenceNoticed:
		return recountNotice(f, at)
	case events.LicenceClaimed:
		if f.Renews != nil {
			return fmt.Sprintf("it renews %s, so account %s has it, too, for the plan %s (%s)", f.Renews.Licence, f.Account, f.Plan, f.Name)
		}
		return fmt.Sprintf("account %s claimed it for the plan %s (%s), operation %s", f.Account, f.Plan, f.Name, fact.Operation)
	case events.LicenceCorrected:
		return "an operator corrected it: " + strings.Join(NamesOf(f.Purchase), ", ")
	case events.LicenceReleased:
		return fmt.Sprintf("account %s released it", f.Account)
	case events.LicenceAccessWanted:
		return fmt.Sprintf("access begins for account %s, plan %s", f.Account, f.Plan)
	case events.LicenceEntitled:
		return recountEntitlement(f, at)
	case events.LicencePlanChanged:
		return fmt.Sprintf("the licence pays for the plan %s (%s) now, and no longer for %s", f.Plan, f.Name, f.From)
	case events.LicenceAccessEnding:
		why := cmp.Or(string(f.Reason), "the account gave it up")
		return fmt.Sprintf("access ends for account %s, plan %s: %s", f.Account, f.Plan, why)
	case events.RequestRejected:
		return fmt.Sprintf("a claim was rejected (%s), operation %s: %s", f.Code, fact.Operation, f.Message)
	case events.RequestJoined:
		return fmt.Sprintf("the account claimed it again, operation %s", fact.Operation)
	case events.RequestUnchanged:
		return fmt.Sprintf("the account claimed it again, which changed nothing, operation %s", fact.Operation)
	}
	return events.Name(fact.Type())
}

func recountEntitlement(f events.LicenceEntitled, at func(time.Time) string) string {
	if f.Lapsed {
		return "AWS said that the buyer is entitled to nothing"
	}
	text := "AWS said that the buyer has paid for " + strings.Join(f.Dimensions, ", ")
	if f.Until != nil {
		text += " until " + at(*f.Until)
	}
	if f.Plan == "" {
		text += "; no plan of the catalog names that, so the plan stays"
	}
	return text
}

func recountNotice(f events.LicenceNoticed, at func(time.Time) string) string {
	text := fmt.Sprintf("AWS said %s at %s", f.Notice.Kind, at(f.Notice.At))
	switch {
	case f.Status != events.LicenceUnknown:
		return text + ": the licence is " + string(f.Status)
	case f.Notice.Kind == events.NoticeUnknown:
		return text + ", which this version cannot read; it changed nothing"
	case tellsStatus(f.Notice.Kind):
		return text + ", older than what AWS had said; it changed nothing"
	}
	return text + "; it changed nothing"
}

func tellsStatus(kind events.NoticeKind) bool {
	return (state.Licence{}).StatusAfter(events.MarketplaceNotified{Kind: kind}) != events.LicenceUnknown
}

// NamesOf says how AWS names a licence.
func NamesOf(p events.Purchase) (texts []string) {
	for _, one := range [][2]string{{"ARN", p.ARN}, {"buyer", string(p.Buyer)}, {"product", string(p.Product)}, {"customer", p.Customer}} {
		if one[1] != "" {
			texts = append(texts, one[0]+" "+one[1])
		}
	}
	return texts
}

// remedies says what becomes of a refused record, as a clause about it.
var remedies = map[metering.Remedy]string{
	metering.SendAgain:     "it can go to AWS again for its hour",
	metering.NextRecord:    "it can go into the next record",
	metering.TooOld:        "it is lost: AWS takes the hour no more, and may have billed an earlier try whose answer was lost",
	metering.Ended:         "it is lost: AWS takes no more usage of the licence",
	metering.NotMetered:    "it is not billed: the product folder says that the portal does not meter the plan. Correct `meter` and `meter_dimension`, run `gatehouse catalog sync`, and then have it sent again",
	metering.PerhapsBilled: "it is not sent again: AWS may have billed it under the licence's former names, since an answer was lost. Ask AWS before you charge it in another way",
}

// RemedyWords says what can be done about a record that AWS refused, as a clause about the record.
func RemedyWords(remedy metering.Remedy) string { return remedies[remedy] }
