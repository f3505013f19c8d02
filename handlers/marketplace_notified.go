package handlers

import (
	"context"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// Noticing decides on MarketplaceNotified about a licence. It records every notice. If the notice
// changes whether the licence is active, the account with the claim gets access or loses it. A
// notice older than the last changes nothing; see state.Licence.After.
//
// A notice of a licence that is claimed may also have AWS asked what the buyer is entitled to; see
// Entitling. A licence whose contract has lapsed stays closed until the answer.
//
// A licence that is ending gives no access: nobody would pay for what is used after the last usage
// report.
func Noticing(licence state.Licence, req events.MarketplaceNotified) []events.Fact {
	status := licence.StatusAfter(req)
	noticed := events.LicenceNoticed{
		Notice: req, Status: status, Check: licence.Claimed() && mayEntitle[req.Kind],
		Lapsed: status == events.LicenceActive && licence.Claimed() && licence.Lapsed,
	}
	claim := licence.Claim
	if claim.Waiting && status != events.LicenceUnknown {
		noticed.Wish = claim.Wish // people who wait see it
	}
	facts := []events.Fact{noticed}
	switch {
	case !licence.Claimed() || status == events.LicenceUnknown:
	case status == events.LicenceActive && !licence.Lapsed && !licence.HasAccess:
		facts = append(facts, accessFor(claim))
	case status != events.LicenceActive && licence.HasAccess:
		facts = append(facts, events.LicenceAccessEnding{Account: claim.Account, Plan: claim.Plan, Reason: status})
	}
	return facts
}

// mayEntitle has the kinds of notices after which AWS is asked what the buyer is entitled to.
var mayEntitle = map[events.NoticeKind]bool{
	events.NoticeEntitlement: true, events.NoticeSubscribed: true, events.NoticeLicenceUpdated: true, events.NoticeActive: true,
}

// accessFor gives the account that has claimed a licence access, and ends the claim's wait.
func accessFor(claim state.Claim) events.LicenceAccessWanted {
	wanted := events.LicenceAccessWanted{Account: claim.Account, Plan: claim.Plan, Name: claim.Name, Stages: claim.Stages}
	if claim.Waiting {
		wanted.Wish, wanted.Operation, wanted.Renews = claim.Wish, claim.Operation, claim.Renews
	}
	return wanted
}

// notice handles MarketplaceNotified. A notice that names no licence has a stream of its own, is kept there once, and
// changes nothing. The stream is read only if the notice may be there already.
func (d *Decider) notice(ctx context.Context, msg events.Event) error {
	if msg.Subject.Kind() != portal.KindMarketplace {
		return forLicence(d, Noticing)(ctx, msg)
	}
	notice, typed := msg.Data.(events.MarketplaceNotified)
	if !typed {
		return portal.Fail(portal.Invalid, "A MarketplaceNotified has no notice.")
	}
	kept := past{
		guessed: true, rows: func([]events.Event) []journal.Row { return nil },
		decide: func() []events.Fact { return []events.Fact{events.MarketplaceNoticeKept{Notice: notice}} },
	}
	return d.handle(ctx, msg, func(ctx context.Context) (past, error) {
		before := kept
		if kept.guessed {
			kept.guessed = false
			return before, nil
		}
		facts, err := d.journal.Read(ctx, msg.Subject, 0)
		if n := len(facts); n > 0 {
			before.facts, before.head = facts, facts[n-1].Sequence
		}
		return before, err
	})
}
