package handlers

import (
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/state"
)

// Renewing decides on LicenceRenewalRequested: the account that has the licence which this one renews should
// have this one, too. The licence has a key of its own. The old licence stays as it is until AWS ends it.
//
// There are no facts if any account has claimed the licence before, and so for a second delivery, or if the
// licence has ended.
func Renewing(licence state.Licence, req events.LicenceRenewalRequested) []events.Fact {
	if licence.Claimed() || licence.AccessSequence != 0 || licence.Status == events.LicenceEnded {
		return nil
	}
	claimed := events.LicenceClaimed{
		Account: req.Account, Plan: req.Plan, Name: req.Name, Stages: req.Stages, Purchase: req.Purchase, Renews: &req.Renews,
	}
	facts := []events.Fact{claimed}
	if licence.Active() {
		facts = append(facts, events.LicenceAccessWanted{
			Link: events.Link{Wish: licence.Sequence + 1}, Account: req.Account, Plan: req.Plan, Name: req.Name, Stages: req.Stages, Renews: &req.Renews,
		})
	}
	return facts
}
