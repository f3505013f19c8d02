package app

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/handlers"
	"github.com/gatehouse-portal/gatehouse/marketplace/seller"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

type rights interface {
	Rights(ctx context.Context, bought events.Purchase) (seller.Rights, error)
}

// entitlements asks AWS what buyers are entitled to, and finds the plan for it in the catalog.
type entitlements struct {
	seller  rights
	catalog func(context.Context) (catalog.Document, error)
}

// of returns what the buyer of a licence is entitled to. It asks AWS only about listings with contracts:
// those whose plans name contract dimensions, and those about which AWS has said that an entitlement
// changed. Older listings may sell contracts without that, so it also asks about their customers until AWS
// says something about a subscription; then an answer that grants nothing, or a refusal, says nothing. While AWS throttles or does not answer, the error is a portal.Postponed.
func (e entitlements) of(ctx context.Context, licence state.Licence) (is handlers.Entitlement, ok bool, err error) {
	offered, err := e.catalog(ctx)
	if err != nil {
		return is, false, portal.Postpone("the catalog cannot be read", err)
	}
	plans, _ := offered.SoldAs(licence.Purchase.Product)
	contracts := catalog.ByDimensions(plans) || licence.Contract
	if !contracts && !licence.WithoutSubscriptionNotice() {
		return is, false, nil
	}
	bought := licence.Purchase
	if licence.Stream.Kind() == portal.KindLegacy {
		bought.ARN = "" // a customer may have another licence after buying again
	}
	has, err := e.seller.Rights(ctx, bought)
	switch {
	case errors.Is(err, seller.ErrThrottled):
		return is, false, &portal.Postponed{After: 20 * time.Second, Reason: "AWS Marketplace throttles", Err: err}
	case errors.Is(err, seller.ErrDown):
		return is, false, portal.Postpone("AWS Marketplace does not answer", err)
	case !contracts && (err != nil || has.Lapsed):
		return is, false, nil
	case err != nil:
		return is, false, err
	case has.Lapsed:
		return handlers.Entitlement{Lapsed: true}, true, nil
	case len(has.Dimensions) == 0:
		return is, false, nil
	}
	is = handlers.Entitlement{Dimensions: has.Dimensions, Until: has.Until}
	if plan, bought := catalog.Buys(plans, has.Dimensions); bought {
		is.Plan, is.Name, is.Stages = plan.ID, plan.Name, plan.Stages
	} else if !catalog.ByDimensions(plans) {
		// Each plan has its own address, so the claim says which one was bought.
		is.Plan = licence.Claim.Plan
	}
	return is, true, nil
}
