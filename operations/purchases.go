package operations

import (
	"context"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/marketplace"
	"github.com/gatehouse-portal/gatehouse/marketplace/arrival"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// ConfirmPurchase submits a request that the caller's account have the plan for which a licence
// of AWS Marketplace pays. The claim must be of the caller's browser, or of a token that the
// caller has just sent. An expired claim is NotFound. If the catalog no longer has the plan, or
// sells it by another listing, the error is a Conflict. A suspended account is refused. The
// worker refuses a licence that another account has claimed.
//
// The caller need not see the product: they have bought it.
func (o *Operations) ConfirmPurchase(ctx context.Context, caller Caller, claim arrival.Claim) (Operation, error) {
	submitted := caller.submission(nil)
	submitted.Subject = claim.Licence
	// A repeat is the same request even if the catalog has changed in between.
	submitted.Wording = string(claim.Plan)
	return o.accept(ctx, submitted, preparation{make: func(ctx context.Context) (events.Request, error) {
		if !o.now().Before(claim.Expires) {
			return nil, portal.Fail(portal.NotFound, "Your purchase waited for too long. Open your subscriptions on AWS Marketplace and set up your account from there again.")
		}
		var offered projections.Catalog
		if err := o.whileStanding(ctx, caller.Account, registered, func(ctx context.Context) (err error) {
			offered, err = o.views.Catalog(ctx)
			return err
		}); err != nil {
			return nil, err
		}
		plan, _, ok := offered.Plan(claim.Plan)
		if !ok || !soldAs(plan, claim) {
			return nil, portal.Fail(portal.Conflict, "This portal no longer sells the plan that you have bought. Tell the operator of this portal.")
		}
		return events.MarketplaceConfirmed{Account: caller.Account, Plan: plan.ID, Name: plan.Name, Stages: plan.Stages, Purchase: claim.Purchase}, nil
	}})
}

// soldAs reports whether the claim's listing sells the plan, and the claim is about the licence
// that its purchase names.
func soldAs(plan catalog.Plan, claim arrival.Claim) bool {
	if plan.Listing == nil || plan.Listing.Product != claim.Product {
		return false
	}
	licence, err := marketplace.Stream(claim.Purchase, plan.Listing.Notices)
	return err == nil && licence == claim.Licence
}

// keptElsewhere refuses to end what a licence of AWS Marketplace pays for. It reads nothing for a
// catalog plan that is not sold there.
func (o *Operations) keptElsewhere(ctx context.Context, caller Caller, id portal.PlanID) error {
	plan, _, ok := o.views.LastCatalog().Plan(id)
	if ok && !plan.Marketplace {
		return nil
	}
	held, err := o.views.Account(ctx, caller.Account)
	if err != nil {
		return err
	}
	var refused error
	for _, s := range held.Subscriptions {
		if s.Plan != id || s.State == projections.SubscriptionEnded {
			continue
		}
		if _, paid := s.Ring.Licence(); !paid {
			return nil // the request is about this one
		}
		refused = portal.Fail(portal.Conflict, "You pay for "+s.Name+" on AWS Marketplace. Cancel it there, and this portal follows.")
	}
	return refused
}
