package simulate

import (
	"context"
	"errors"
	"fmt"

	"github.com/gatehouse-portal/gatehouse/localaws/buyers"
	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Purchase is what a buyer has after a step.
type Purchase struct {
	Agreement string `json:"agreement"`
	Product   string `json:"product"`
	Licence   string `json:"licence"`
	Buyer     string `json:"buyer"`
	// Both are in AWS's words.
	Status      string `json:"status"`
	Entitlement string `json:"entitlement"`
	// Cancelling: the buyer has cancelled, and AWS has not ended the agreement yet.
	Cancelling bool `json:"cancelling,omitempty"`
	// Arrival is the page that sends the buyer to the portal.
	Arrival string `json:"arrival"`
	// Older: the listing has topics.
	Older bool `json:"older_listing"`
	// Bought is how much was bought of each contract dimension, if the listing sells contracts.
	Bought map[string]int `json:"bought,omitempty"`
}

// Steps names what Take can do.
var Steps = []string{"pay", "fail-payment", "cancel", "end", "deprovision", "resubscribe", "renew", "renew-same"}

// Buy has a new buyer subscribe without paying. older chooses a listing with topics, contract one that sells two
// plans by contract dimensions.
func (s *Simulator) Buy(ctx context.Context, older, contract bool) (Purchase, error) {
	kind, listed := marketplace.EventBridge, s.listing
	if older {
		kind = marketplace.SNS
	}
	if contract {
		listed = s.contractListing
	}
	on, err := listed(ctx, kind)
	if err != nil {
		return Purchase{}, err
	}
	bought, err := (&play{Simulator: s, on: on}).buy(ctx)
	if err != nil {
		return Purchase{}, spoken(err)
	}
	return s.shown(bought.Purchase), nil
}

// Amend changes what a contract buys. Without a dimension, that is one which it does not buy yet.
func (s *Simulator) Amend(ctx context.Context, agreement, dimension string, quantity int) (Purchase, error) {
	now, err := s.market.Purchase(ctx, agreement)
	if err != nil {
		return Purchase{}, spoken(err)
	}
	if len(now.Quantities) == 0 {
		return Purchase{}, refuse("Agreement " + agreement + " is no contract. `gatehouse marketplace simulate --buyer --contract` makes one.")
	}
	if dimension == "" {
		if dimension = Large; now.Quantities[Large] > 0 {
			dimension = Small
		}
	}
	after, err := s.market.Amend(ctx, agreement, marketplace.Amendment{Quantities: map[string]int{dimension: quantity}})
	return s.shown(after), spoken(err)
}

// Take takes one of the Steps for an agreement. Resubscribing and renewing return the new purchase.
func (s *Simulator) Take(ctx context.Context, step, agreement string) (Purchase, error) {
	take := map[string]func(context.Context, string) (marketplace.Purchase, error){
		"pay": s.market.Pay, "fail-payment": s.market.FailPayment, "cancel": s.market.Cancel, "deprovision": s.market.Deprovision, "resubscribe": s.market.Resubscribe,
		"end": func(ctx context.Context, agreement string) (marketplace.Purchase, error) {
			return s.market.End(ctx, agreement, marketplace.Ending{})
		},
		"renew": func(ctx context.Context, agreement string) (marketplace.Purchase, error) {
			return s.market.Renew(ctx, agreement, marketplace.Renewal{})
		},
		"renew-same": func(ctx context.Context, agreement string) (marketplace.Purchase, error) {
			return s.market.Renew(ctx, agreement, marketplace.Renewal{KeepLicence: true})
		},
	}[step]
	if take == nil {
		return Purchase{}, refuse(fmt.Sprintf("There is no step %q; want one of %v.", step, Steps))
	}
	after, err := take(ctx, agreement)
	return s.shown(after), spoken(err)
}

func (s *Simulator) shown(p marketplace.Purchase) Purchase {
	return Purchase{
		Agreement: p.Agreement, Product: p.Product, Licence: (&holding{Purchase: p}).stream(), Buyer: p.Account, Status: p.Status,
		Entitlement: p.Entitlement, Cancelling: p.Cancelling, Arrival: s.market.ArrivalURL(p.Agreement), Older: p.Customer != "", Bought: p.Quantities,
	}
}

// spoken returns only the local AWS's text of a refused step.
func spoken(err error) error {
	var refused *buyers.Refusal
	if errors.As(err, &refused) {
		return portal.Fail(portal.Conflict, "The local AWS Marketplace refuses: "+refused.Message+".")
	}
	return err
}
