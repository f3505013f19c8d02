package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

type marketplaceShowCommand struct {
	output
	Licence string `arg:"" help:"The licence: licence/<id>, the id alone (l-…), or legacy/<product code>/<customer identifier>."`
}

func (c marketplaceShowCommand) Run(ctx context.Context) error {
	desk, err := openDesk(ctx)
	if err != nil {
		return err
	}
	found, err := desk.LicenceAndRenewal(ctx, c.Licence)
	if err != nil {
		return err
	}
	return c.print(os.Stdout, foundLicenceJSONOf(found), func(w io.Writer) { printLicence(w, found) })
}

func printLicence(w io.Writer, l app.FoundLicence) {
	said, next := inWordsOf(l)
	access := "no"
	if l.HasAccess {
		access = "yes, since " + moment(l.AccessAt)
	}
	pairs(w,
		[2]string{"licence", oneLine(string(l.Stream))}, [2]string{"product", printable(string(l.Purchase.Product))}, [2]string{"buyer", printable(string(l.Purchase.Buyer))},
		[2]string{"ARN", printable(l.Purchase.ARN)},
		[2]string{"customer", printable(l.Purchase.Customer)}, [2]string{"agreement", printable(l.Purchase.Agreement)}, [2]string{"offer", printable(l.Offer)},
		[2]string{"dimensions", printable(strings.Join(l.Dimensions, ", "))}, [2]string{"until", moment(l.Until)}, [2]string{"account", printable(string(l.Claim.Account))},
		[2]string{"plan", printable(named(l.Claim))}, [2]string{"claimed", moment(l.Claim.At)}, [2]string{"renewed by", printable(string(l.RenewedBy))}, [2]string{"access", access},
		[2]string{"state", said}, [2]string{"next", next},
	)
	fmt.Fprintln(w)
	for _, fact := range l.Facts {
		const column = 21
		columns := width(w)
		if columns > 0 {
			columns -= column
		}
		fmt.Fprintf(w, "%s  %s\n", moment(fact.Time)[:len("2006-01-02 15:04:05")], strings.ReplaceAll(wrap(oneLine(recounted(fact)), columns, 0), "\n", "\n"+strings.Repeat(" ", column)))
	}
}

func named(claim state.Claim) string {
	if claim.Name == "" {
		return string(claim.Plan)
	}
	return string(claim.Plan) + " (" + claim.Name + ")"
}

// inWordsOf also knows that nobody has to buy a licence again that was renewed.
func inWordsOf(l app.FoundLicence) (said, next string) {
	said, next = inWords(l.Licence)
	if l.RenewedBy != "" && next == buyAgain {
		next = "Nothing. The account has " + oneLine(string(l.RenewedBy)) + ", which renews it."
	}
	return said, next
}

const buyAgain = "The buyer can buy it again on AWS Marketplace."

func inWords(l state.Licence) (said, next string) {
	if l.NotUnderstood != "" {
		return "A newer version of Gatehouse has recorded " + events.Name(l.NotUnderstood) + ", which this one does not know.", "Update the workers."
	}
	find := "`" + processName + " account find " + oneLine(string(l.Claim.Account)) + "` shows the account's subscription and keys."
	again := buyAgain
	switch {
	case !l.Claimed() && l.Status == events.LicenceActive:
		return "AWS says that it is active, and nobody has claimed it.", "The buyer has to come from AWS Marketplace with \"Set up your account\", sign in and confirm."
	case !l.Claimed() && l.Status == events.LicenceUnknown:
		return "Nobody has claimed it, and AWS has not said that it is active.", "Nothing. AWS says so once the buyer has paid."
	}
	const wait = "Wait for the payment. If the agreement is active in the AWS Marketplace Management Portal, `" + processName + " dlq list` shows whether a notice could not be handled."
	switch {
	case l.NotBegun():
		return "The purchase did not begin: AWS ended it before it became active. It does that if it cannot take the payment.",
			"The buyer has to check the payment method of their AWS account, and can buy it again on AWS Marketplace."
	case l.BoughtAgain():
		return "The buyer has bought it again, and AWS has not said that it is active.", wait
	}
	switch l.Status {
	case events.LicenceActive:
		switch {
		case l.Lapsed:
			return "AWS says that the buyer is entitled to nothing, so the account has no access.", again
		case l.Unsold():
			return "AWS says that it is active. No plan of the catalog names the contract dimensions " + oneLine(strings.Join(l.Dimensions, ", ")) + ", so the account keeps its plan.",
				"Add them to the `dimensions` of a plan in its product folder. The worker asks AWS again within a day."
		case l.Cancelled:
			return "AWS says that its agreement is over, and has not taken the licence away yet.", "Access ends when AWS deprovisions the licence. " + find
		}
		return "AWS says that it is active.", find
	case events.LicenceFailed:
		return "AWS could not take the payment.", "The buyer has to correct the payment method of their AWS account. Access begins once AWS says that the purchase is active."
	case events.LicenceEnding:
		return "The purchase was cancelled. AWS takes the last usage reports.", again
	case events.LicenceEnded:
		return "The purchase has ended.", again
	case events.LicenceUnknown:
		switch {
		case l.Active():
			return "AWS grants the buyer a contract.", find
		case l.Lapsed && !l.Claim.Waiting:
			return "AWS says that the contract has ended.", again
		case l.Lapsed:
			return "It is claimed, and AWS grants the buyer nothing yet.", wait
		}
	}
	return "It is claimed, and AWS has not said that it is active.", wait
}

// recounted says what a fact of a licence's stream changed.
func recounted(fact events.Event) string {
	switch f := fact.Data.(type) {
	case events.LicenceNoticed:
		return recountedNotice(f)
	case events.LicenceClaimed:
		if f.Renews != nil {
			return fmt.Sprintf("it renews %s, so account %s has it, too, for the plan %s (%s)", f.Renews.Licence, f.Account, f.Plan, f.Name)
		}
		return fmt.Sprintf("account %s claimed it for the plan %s (%s), operation %s", f.Account, f.Plan, f.Name, fact.Operation)
	case events.LicenceCorrected:
		return "an operator corrected it: " + strings.Join(namesOf(f.Purchase), ", ")
	case events.LicenceReleased:
		return fmt.Sprintf("account %s released it", f.Account)
	case events.LicenceAccessWanted:
		return fmt.Sprintf("access begins for account %s, plan %s", f.Account, f.Plan)
	case events.LicenceEntitled:
		return recountedEntitlement(f)
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

func recountedEntitlement(f events.LicenceEntitled) string {
	if f.Lapsed {
		return "AWS said that the buyer is entitled to nothing"
	}
	text := "AWS said that the buyer has paid for " + strings.Join(f.Dimensions, ", ")
	if f.Until != nil {
		text += " until " + moment(*f.Until)
	}
	if f.Plan == "" {
		text += "; no plan of the catalog names that, so the plan stays"
	}
	return text
}

func recountedNotice(f events.LicenceNoticed) string {
	text := fmt.Sprintf("AWS said %s at %s", f.Notice.Kind, moment(f.Notice.At))
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

type foundLicenceJSON struct {
	Licence    portal.Stream        `json:"licence"`
	Purchase   events.Purchase      `json:"purchase"`
	Status     events.LicenceStatus `json:"status,omitempty"`
	StatusAt   *time.Time           `json:"status_at,omitempty"`
	Words      string               `json:"words"`
	Next       string               `json:"next"`
	Offer      string               `json:"offer,omitempty"`
	Dimensions []string             `json:"dimensions,omitempty"`
	Until      *time.Time           `json:"until,omitempty"`
	Account    portal.AccountID     `json:"account,omitempty"`
	Plan       portal.PlanID        `json:"plan,omitempty"`
	ClaimedAt  *time.Time           `json:"claimed_at,omitempty"`
	RenewedBy  portal.Stream        `json:"renewed_by,omitempty"`
	Access     bool                 `json:"access"`
	Facts      []licenceFactJSON    `json:"facts"`
}

type licenceFactJSON struct {
	Sequence  int64              `json:"sequence"`
	At        *time.Time         `json:"at"`
	Type      string             `json:"type"`
	Words     string             `json:"words"`
	Operation portal.OperationID `json:"operation,omitempty"`
	Data      events.Payload     `json:"data"`
}

func foundLicenceJSONOf(l app.FoundLicence) foundLicenceJSON {
	said, next := inWordsOf(l)
	out := foundLicenceJSON{
		Licence: l.Stream, Purchase: l.Purchase, Status: l.Status, StatusAt: instant(l.StatusAt), Words: said, Next: next, Offer: l.Offer,
		Dimensions: l.Dimensions, Until: instant(l.Until), Account: l.Claim.Account, Plan: l.Claim.Plan, ClaimedAt: instant(l.Claim.At),
		RenewedBy: l.RenewedBy, Access: l.HasAccess, Facts: []licenceFactJSON{},
	}
	for _, fact := range l.Facts {
		out.Facts = append(out.Facts, licenceFactJSON{
			Sequence: fact.Sequence, At: instant(fact.Time), Type: events.Name(fact.Type()), Words: recounted(fact), Operation: fact.Operation, Data: fact.Data,
		})
	}
	return out
}
