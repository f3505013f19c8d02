package reconcile

import (
	"cmp"
	"context"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/marketplace/seller"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// renew asks for the claim of another licence to be carried over, if an active agreement renews or replaces
// that licence's agreement and has another licence, which no account has or had. Both agreements must be of
// one chain of renewals, one buyer and one product, and only one account may have claimed licences of the
// chain. Otherwise nothing is sent, and the log says why if an account may miss the new licence.
//
// A later run sends the same message until the licence is claimed; it is handled once.
func (r *Reconciler) renew(ctx context.Context, licence state.Licence, a seller.Agreement, g grant) (sent bool, err error) {
	if licence.AccessSequence != 0 || licence.Claimed() || !a.Active() || g.told != events.NoticeActive || a.Initial == "" || a.Initial == a.ID {
		return false, nil
	}
	earlier, err := r.claimedBefore(ctx, licence.Stream, a)
	if err != nil || len(earlier) == 0 {
		return false, err
	}
	last := earlier[len(earlier)-1]
	log := zerolog.Ctx(ctx).With().Str("agreement", a.ID).Str("previous_agreement", last.agreement.ID).Str("licence", string(licence.Stream)).Logger()
	for _, one := range earlier {
		switch {
		case one.licence.Claim.Account != last.licence.Claim.Account:
			log.Warn().Msg("a purchase was renewed with another licence, and several accounts have licences of earlier agreements; the buyer must set up the new purchase from AWS Marketplace")
			return false, nil
		case a.Buyer == "" || one.agreement.Buyer != a.Buyer, g.product == "" || one.grant.product != g.product:
			log.Warn().Msg("an agreement renews one of another buyer or product, so no account gets its licence; the buyer must set up the new purchase from AWS Marketplace")
			return false, nil
		}
	}
	claim := last.licence.Claim
	request := events.LicenceRenewalRequested{
		Renews: events.Renews{Licence: last.licence.Stream}, Account: claim.Account, Plan: claim.Plan, Name: claim.Name, Stages: claim.Stages,
		Purchase: events.Purchase{
			Product: cmp.Or(licence.Purchase.Product, last.licence.Purchase.Product), Buyer: a.Buyer, ARN: g.arn, Agreement: a.ID,
		},
	}
	if ends := last.agreement.End; !ends.IsZero() {
		request.Renews.Ends = &ends
	}
	log.Info().Str("account", string(claim.Account)).Msg("a buyer has renewed a purchase with another licence, so the account gets that one, too")
	id := portal.DeriveID("marketplace-renewed", string(licence.Stream), string(last.licence.Stream))
	return true, r.send(ctx, id, licence.Stream, request)
}

// predecessor is a licence of an earlier agreement.
type predecessor struct {
	agreement seller.Agreement
	grant     grant
	licence   state.Licence
}

// claimedBefore returns the licences of the other agreements of the chain that accounts have claimed, the one
// whose agreement AWS changed last at the end.
func (r *Reconciler) claimedBefore(ctx context.Context, but portal.Stream, a seller.Agreement) (found []predecessor, err error) {
	var earlier []seller.Agreement
	err = r.Seller.Chain(ctx, a.Initial, func(other seller.Agreement) error {
		if other.ID != a.ID {
			earlier = append(earlier, other)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, other := range earlier {
		granted, err := r.granted(ctx, other)
		if err != nil {
			return nil, err
		}
		for id, g := range granted {
			before, ok, err := r.licence(ctx, id)
			if err != nil {
				return nil, err
			}
			if ok && before.Claimed() && before.Stream != but {
				found = append(found, predecessor{other, g, before})
			}
		}
	}
	return found, nil
}
