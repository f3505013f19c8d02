// Package arrival receives the buyers whom AWS Marketplace sends to the portal: it resolves their
// registration tokens, finds the plan that they bought, and keeps the purchase until a person
// confirms it.
package arrival

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/marketplace"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Kept is how long a purchase waits for its confirmation. After that, the buyer comes from AWS
// Marketplace again.
const Kept = 24 * time.Hour

const resolveTime = 15 * time.Second

// Claim is a purchase that a person may confirm.
type Claim struct {
	// ID is the same whenever the same licence comes for the same plan.
	ID      string
	Licence portal.Stream
	Plan    portal.PlanID
	events.Purchase
	Expires time.Time
	// Both are "" until the claim is confirmed.
	Operation portal.OperationID
	Account   portal.AccountID
}

// The errors of Receive besides the seller's, for errors.Is.
var (
	// ErrForeign has the code portal.Invalid.
	ErrForeign = errors.New("the purchase is of another product than the address is for")
	// ErrUndecided has the code portal.Unavailable.
	ErrUndecided = errors.New("AWS Marketplace has not said yet which plan was bought")
)

type resolving interface {
	Resolve(ctx context.Context, token string) (events.Purchase, error)
	Bought(ctx context.Context, bought events.Purchase) (dimensions []string, err error)
}

// Desk receives buyers. It is safe for concurrent use.
type Desk struct {
	Seller resolving
	// Catalog returns all products, also those that only a group sees, since any may have been
	// bought.
	Catalog func(context.Context) (catalog.Document, error)
	Claims  Claims
	Now     func() time.Time
}

// Receive resolves a registration token that was sent to the address of a plan or product. The
// same purchase gives the same Claim but for Expires. Receive keeps nothing; see Claims.
//
// A target that the catalog does not have, or that another listing sells, is ErrForeign, so
// nobody learns which products are hidden. If the portal sells nothing on AWS Marketplace, the
// error is NotFound and AWS is not asked. Other errors are ErrUndecided, Unavailable, the seller's
// and the catalog's.
func (d *Desk) Receive(ctx context.Context, target, token string, freeTrial bool) (Claim, error) {
	offered, err := d.Catalog(ctx)
	if err != nil {
		return Claim{}, err
	}
	if !slices.ContainsFunc(offered.Products, sells) {
		return Claim{}, portal.Fail(portal.NotFound, "This portal sells nothing on AWS Marketplace.")
	}
	ctx, cancel := context.WithTimeout(ctx, resolveTime)
	defer cancel()
	bought, err := d.Seller.Resolve(ctx, token)
	if err != nil {
		return Claim{}, err
	}
	bought.FreeTrial = freeTrial
	plan, err := d.plan(ctx, offered, target, bought)
	if err != nil {
		return Claim{}, err
	}
	licence, err := marketplace.Stream(bought, plan.Listing.Notices)
	if err != nil {
		return Claim{}, &portal.Error{
			Code: portal.Unavailable, Message: "The portal cannot read AWS Marketplace's answer about your purchase. Tell the operator of this portal.", Err: err,
		}
	}
	return Claim{
		ID: portal.DeriveID("claim", string(licence), string(plan.ID)), Licence: licence, Plan: plan.ID, Purchase: bought, Expires: d.Now().Add(Kept),
	}, nil
}

func sells(p catalog.Product) bool {
	return slices.ContainsFunc(p.Plans, func(plan catalog.Plan) bool { return plan.Listing != nil })
}

func (d *Desk) plan(ctx context.Context, offered catalog.Document, target string, bought events.Purchase) (catalog.Plan, error) {
	plans, products := offered.SoldAs(bought.Product)
	meant := slices.ContainsFunc(plans, func(p catalog.Plan) bool { return string(p.ID) == target }) ||
		slices.ContainsFunc(products, func(p catalog.Product) bool { return p.ID == target })
	if !meant {
		return catalog.Plan{}, &portal.Error{
			Code: portal.Invalid, Err: fmt.Errorf("a buyer of product %s came to %q: %w", bought.Product, target, ErrForeign),
			Message: "Your purchase does not belong to the plan at this address. Tell the operator of this portal: its address on AWS Marketplace is probably wrong.",
		}
	}
	if len(plans) == 1 {
		return plans[0], nil
	}
	if !catalog.ByDimensions(plans) {
		// Without dimensions, each plan has its own address.
		for _, plan := range plans {
			if string(plan.ID) == target {
				return plan, nil
			}
		}
	}
	dimensions, err := d.Seller.Bought(ctx, bought)
	if err != nil {
		return catalog.Plan{}, err
	}
	if plan, ok := catalog.Buys(plans, dimensions); ok {
		return plan, nil
	}
	return catalog.Plan{}, &portal.Error{
		Code: portal.Unavailable, Err: fmt.Errorf("a buyer of product %s has the dimensions %q: %w", bought.Product, dimensions, ErrUndecided),
		Message: "AWS Marketplace has not told us yet which plan you have bought. Try again in a few minutes.",
	}
}
