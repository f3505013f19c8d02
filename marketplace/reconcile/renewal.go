package reconcile

import (
	"context"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/marketplace/seller"
	"github.com/gatehouse-portal/gatehouse/state"
)

// warnOfRenewal tells operators of an active agreement that renews or replaces the one of a
// claimed licence, but grants another licence. The buyer has to claim that one.
func (r *Reconciler) warnOfRenewal(ctx context.Context, licence state.Licence, a seller.Agreement) error {
	if licence.Claimed() || !a.Active() || a.Initial == "" || a.Initial == a.ID {
		return nil
	}
	var earlier []seller.Agreement
	err := r.Seller.Chain(ctx, a.Initial, func(other seller.Agreement) error {
		if other.ID != a.ID {
			earlier = append(earlier, other)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, other := range earlier {
		for _, arn := range other.Licences {
			id, ok := licenceID(ctx, other, arn)
			if !ok {
				continue
			}
			before, ok, err := r.licence(ctx, id)
			switch {
			case err != nil:
				return err
			case ok && before.Claimed() && before.Stream != licence.Stream:
				zerolog.Ctx(ctx).Warn().Str("agreement", a.ID).Str("previous_agreement", other.ID).Str("licence", string(licence.Stream)).
					Msg("a buyer has renewed a purchase, and AWS Marketplace made another licence for it; the buyer must set up the new purchase from AWS Marketplace")
				return nil
			}
		}
	}
	return nil
}
