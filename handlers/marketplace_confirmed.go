package handlers

import (
	"fmt"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// Claiming decides on MarketplaceConfirmed: the licence should belong to the account. The account
// has access once AWS says that the licence is active, before or after the claim, and the
// operation ends once API Gateway has attached the key.
//
// The first claim counts: another account is rejected, and so is another plan for the licence. A
// second claim of the same account yields RequestUnchanged, also while the first waits.
//
// Claiming a licence that has ended is rejected. But a customer of an older listing who buys
// again has the same stream, and comes before AWS says that the payment succeeded, so that claim
// waits.
func Claiming(licence state.Licence, req events.MarketplaceConfirmed) []events.Fact {
	decides := events.Decides{Scopes: req.Scopes()}
	claim := licence.Claim
	switch {
	case licence.Claimed() && claim.Account != req.Account:
		return reject(decides, portal.Conflict, "Another account of this portal uses this purchase already. Sign in with that account, or ask the operator of this portal.")
	case licence.Claimed() && claim.Plan != req.Plan:
		return reject(decides, portal.Conflict, fmt.Sprintf("This purchase is used for %s already. If you have changed what you bought on AWS Marketplace, we change the plan within minutes.", claim.Name))
	case licence.Claimed():
		return []events.Fact{events.RequestUnchanged{Decides: decides}}
	case licence.Status == events.LicenceEnded && licence.Stream.Kind() == portal.KindLicence:
		return reject(decides, portal.Conflict, "AWS Marketplace says that this purchase has ended. Buy it again on AWS Marketplace to use it.")
	}
	facts := []events.Fact{events.LicenceClaimed{
		Decides: decides, Account: req.Account, Plan: req.Plan, Name: req.Name, Stages: req.Stages, Purchase: req.Purchase,
	}}
	if !licence.Active() {
		return facts
	}
	return append(facts, events.LicenceAccessWanted{
		Link: events.Link{Wish: licence.Sequence + 1}, Account: req.Account, Plan: req.Plan, Name: req.Name, Stages: req.Stages,
	})
}
