package notices

import (
	"cmp"
	"context"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

type factReader interface {
	Read(ctx context.Context, stream portal.Stream, after int64) ([]events.Event, error)
}

// bought is where the dashboard shows purchases.
const bought = dashboard + "#bought"

// tellPurchase tells the owner of a licence what AWS Marketplace has said about it, as far as it changes
// nothing in the account: facts of the account tell the rest. It tells everything of the last three days
// again, and notices that exist stay as they are. So a lost message is made up for by the next one about
// the licence.
func (n *Notifier) tellPurchase(ctx context.Context, licence portal.Stream) error {
	if n.Licences == nil {
		return nil
	}
	facts, err := n.Licences.Read(ctx, licence, 0)
	if err != nil {
		return err
	}
	now := state.Licence{Stream: licence}
	for _, fact := range facts {
		now.Apply(fact)
		notice, ok := ofPurchase(fact, now)
		if !ok || n.Now().Sub(fact.Time) > maxAgeUntold {
			continue
		}
		if err := n.Tell(ctx, now.Claim.Account, notice); err != nil {
			return err
		}
	}
	return nil
}

// ofPurchase is what a fact tells the owner of a licence, given the licence after it.
func ofPurchase(fact events.Event, licence state.Licence) (Notice, bool) {
	notice, ok := wordsOfPurchase(fact, licence)
	if !ok || !licence.Claimed() {
		return Notice{}, false
	}
	notice.ID, notice.Kind, notice.At = noticeID(fact.Time, fact.Sequence, fact.ID), Purchase, fact.Time.UTC().Truncate(time.Millisecond)
	notice.About, notice.Plan, notice.Link = aboutPurchase(licence.Stream), licence.Claim.Plan, bought
	return notice, true
}

func wordsOfPurchase(fact events.Event, licence state.Licence) (Notice, bool) {
	name := oneLine(cmp.Or(licence.Claim.Name, "a plan"))
	which := name + " " + inBrackets(licence.Stream)
	noticed, isNotice := fact.Data.(events.LicenceNoticed)
	_, isClaim := fact.Data.(events.LicenceClaimed)
	switch {
	case isClaim && licence.Status != events.LicenceActive:
		return Notice{
			Importance: Info, Title: "Your purchase of " + name + " waits for AWS Marketplace",
			Text: "AWS Marketplace has not confirmed the payment for " + which + " yet, which can take from a minute to a few days. You get your key then. There is nothing you need to do.",
		}, true
	case !isNotice:
		return Notice{}, false
	case noticed.Status == events.LicenceFailed && licence.Claim.Waiting:
		return Notice{
			Importance: Act, Title: "The payment for " + name + " failed",
			Text:   "AWS Marketplace could not take the payment for " + which + ". You get your key once AWS confirms the payment.",
			Advice: "Check the payment method of the AWS account that bought it.",
		}, true
	case noticed.Status == events.LicenceEnded && licence.Claim.Waiting:
		return Notice{
			Importance: Act, Title: "Your purchase of " + name + " did not begin",
			Text:   "AWS Marketplace ended your purchase of " + which + " before it became active. It does that if it cannot take the payment.",
			Advice: "Check the payment method of the AWS account that bought it, and buy it again.",
		}, true
	case noticed.Status == events.LicenceActive && licence.Cancelled && licence.HasAccess:
		return Notice{
			Importance: Warn, Title: "Your purchase of " + name + " was cancelled",
			Text:   "Your purchase of " + which + " was cancelled on AWS Marketplace, or its time is over. It works until AWS Marketplace ends it, which may be at any moment.",
			Advice: "Buy it again if you want to keep using it.",
		}, true
	}
	return Notice{}, false
}

// aboutPurchase: purchases of one plan are told apart, so that notices of one replace none of another.
func aboutPurchase(licence portal.Stream) string { return string(licence) }

// aboutSubscription is about the purchase that pays for the subscription, or else about the plan.
func aboutSubscription(plan portal.PlanID, payer events.Payer) string {
	if payer.Licence != "" {
		return aboutPurchase(payer.Licence)
	}
	return aboutPlan(plan)
}

// inBrackets names the licence where a person may have more than one.
func inBrackets(licence portal.Stream) string {
	return "(licence " + oneLine(portal.ShortLicence(licence)) + ")"
}

// payerOf returns the payer of the plan that a wish is about.
func (a about) payerOf(wish int64) events.Payer {
	for _, fact := range a.facts {
		if wish == 0 || fact.Sequence != wish {
			continue
		}
		switch f := fact.Data.(type) {
		case events.SubscriptionWanted:
			return events.PaidBy(f.Ring)
		case events.PlanChangeWanted:
			return events.PaidBy(f.Ring)
		}
	}
	return events.Payer{}
}
