package provisioning

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// compare reads what API Gateway holds of the account's keys and has converge mend what
// differs from the fold, also where the fold holds it for done: somebody changed it by
// hand, or a stalled worker acted after it had been overtaken. A key that is gone is made
// again with the same value, a disabled one left so, and a plan that the account never
// subscribed to is taken from it.
func (r *run) compare(ctx context.Context) error {
	for _, id := range slices.Sorted(maps.Keys(r.account.Keys)) {
		r.open(ctx, gateway.Background)
		found, err := r.adopt(ctx, r.account.Keys[id])
		if err != nil {
			return err
		}
		key := r.account.Keys[id]
		if !found && !key.Created() {
			continue
		}
		if err := r.compareKey(ctx, key); err != nil {
			return fmt.Errorf("comparing key %s: %w", id, err)
		}
	}
	return nil
}

func (r *run) compareKey(ctx context.Context, key state.Key) error {
	switch err := r.plane.Present(ctx, key.GatewayID); {
	case refused(err, gateway.KeyGone):
		id, err := r.make(ctx, key)
		if err != nil {
			return err
		}
		zerolog.Ctx(ctx).Warn().Str("key", string(key.ID)).Msg("API Gateway had lost a key; it is made again")
		r.renewed[key.ID] = true
		if err := r.created(ctx, key, id); err != nil {
			return err
		}
		key = r.account.Keys[key.ID]
	case err != nil:
		return err
	}
	holds, err := r.plane.PlansOf(ctx, key.GatewayID)
	if err != nil {
		return err
	}
	return r.comparePlans(ctx, key, gateway.PlanIDs(holds))
}

func (r *run) comparePlans(ctx context.Context, key state.Key, holds []portal.PlanID) error {
	for plan, s := range r.account.Subscriptions {
		if s.Key == key.ID && !s.Open() && slices.Contains(holds, plan) != s.Holds() {
			zerolog.Ctx(ctx).Warn().Str("plan", string(plan)).Str("is", string(s.Phase)).Msg("API Gateway differs; it is mended")
			r.recheck[plan] = true
		}
	}
	for _, plan := range holds {
		if _, known := r.account.Subscriptions[plan]; known {
			continue
		}
		zerolog.Ctx(ctx).Warn().Str("plan", string(plan)).Msg("API Gateway has the key in a plan that was never subscribed to; it is taken out")
		if err := r.plane.Detach(ctx, plan, key.GatewayID); err != nil && !refused(err, gateway.PlanGone, gateway.KeyGone) {
			return err
		}
		// It may have been subscribed to this moment.
		touched, err := r.reload(ctx, touchesPlan(plan))
		if err != nil {
			return err
		}
		r.recheck[plan] = r.recheck[plan] || touched
	}
	return nil
}
