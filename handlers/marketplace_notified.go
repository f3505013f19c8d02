package handlers

import (
	"context"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// Noticing decides on MarketplaceNotified about a licence. It records every notice. If the notice
// changes whether the licence is active, the account that has claimed the licence gets access or
// loses it. A notice older than the last changes nothing; see state.Licence.After.
//
// A licence that is ending gives no access: nobody would pay for usage after the last report.
func Noticing(licence state.Licence, req events.MarketplaceNotified) []events.Fact {
	status := licence.After(req)
	noticed := events.LicenceNoticed{Notice: req, Status: status}
	claim := licence.Claim
	if claim.Waiting && status != events.LicenceUnknown {
		noticed.Wish = claim.Wish // people who wait see it
	}
	facts := []events.Fact{noticed}
	switch {
	case !licence.Claimed() || status == events.LicenceUnknown:
	case status == events.LicenceActive && !licence.Open:
		wanted := events.LicenceAccessWanted{Account: claim.Account, Plan: claim.Plan, Name: claim.Name, Stages: claim.Stages}
		if claim.Waiting {
			wanted.Wish, wanted.Operation = claim.Wish, claim.Operation
		}
		facts = append(facts, wanted)
	case status != events.LicenceActive && licence.Open:
		facts = append(facts, events.LicenceAccessEnding{Account: claim.Account, Plan: claim.Plan, Reason: status})
	}
	return facts
}

// notice records a notice that names no licence; it changes nothing.
func (d *Decider) notice(ctx context.Context, msg events.Event) error {
	if msg.Subject != portal.MarketplaceStream {
		return forLicence(d, Noticing)(ctx, msg)
	}
	notice, typed := msg.Data.(events.MarketplaceNotified)
	if !typed {
		return portal.Fail(portal.Invalid, "A MarketplaceNotified has no notice.")
	}
	return d.handle(ctx, msg, func(ctx context.Context) (past, error) {
		facts, err := d.journal.Read(ctx, msg.Subject, 0)
		if err != nil {
			return past{}, err
		}
		kept := past{facts: facts, decide: func() []events.Fact { return []events.Fact{events.MarketplaceNoticeKept{Notice: notice}} }}
		if n := len(facts); n > 0 {
			kept.head = facts[n-1].Sequence
		}
		return kept, nil
	})
}
