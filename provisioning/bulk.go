package provisioning

import (
	"context"
	"slices"

	"github.com/gatehouse-portal/gatehouse/clock"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway/keyimport"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// bulk creates keys together with other accounts' and attaches them in the same call.
type bulk interface {
	Create(ctx context.Context, c keyimport.Creation) (keyimport.Created, error)
}

// createInBulk creates a key in all plans that wait for it. Plans that it was not seen in come
// up again as single tasks.
func (r *run) createInBulk(ctx context.Context, pair portal.Pair, key state.Key) error {
	wanted := r.wantedWith(key.ID)
	creation := keyimport.Creation{Urgency: r.urgency(task{key: pair.Key, plan: pair.Plan}), Lease: r.leased(ctx)}
	if !r.mayBeUnrecorded && key.CreatedAt.IsZero() {
		creation.UntriedUntil = r.lease.Until.Add(-clock.Skew)
	}
	var err error
	if creation.Key, err = r.derive(ctx, key); err != nil {
		return err
	}
	for _, w := range wanted {
		creation.Plans = append(creation.Plans, w.Plan)
	}
	r.mayBeUnrecorded = true
	made, err := r.Bulk.Create(ctx, creation)
	if err != nil {
		return r.withdrawIfRefused(ctx, pair, err)
	}
	asked := map[portal.Pair]state.Attachment{}
	for _, w := range wanted {
		asked[w] = r.account.Attachments[w]
	}
	seen := slices.DeleteFunc(slices.Clone(wanted), func(w portal.Pair) bool { return !slices.Contains(made.Plans, w.Plan) })
	separately, err := r.createdAndAttached(ctx, pair.Plan, key, made.ID, seen)
	if err != nil || !separately {
		return err
	}
	if err := r.created(ctx, pair.Plan, key, made.ID); err != nil {
		return err
	}
	for _, w := range wanted {
		if err := r.attachedInBulk(ctx, w, asked[w], slices.Contains(seen, w)); err != nil {
			return err
		}
	}
	return nil
}

// createdAndAttached records in one append that the key exists and is in those plans. If there
// are too many, or another worker recorded something about one of them, the caller must record
// each separately.
func (r *run) createdAndAttached(ctx context.Context, plan portal.PlanID, key state.Key, id portal.GatewayKeyID, seen []portal.Pair) (separately bool, err error) {
	if 1+2*len(seen) > journal.MaxFacts {
		return true, nil
	}
	about := []watch{watchKey(key.ID)}
	for _, pair := range seen {
		about = append(about, watchPair(pair))
	}
	return r.record(ctx, r.correlation(plan), watchAll(about...), func() []events.Fact {
		return append([]events.Fact{events.KeyCreated{Key: key.ID, GatewayID: id}}, r.outcome(seen...)...)
	})
}

// attachedInBulk records that a wanted plan is attached. If something else is wanted of the
// plan by now, the attachment may have come after that was done.
func (r *run) attachedInBulk(ctx context.Context, pair portal.Pair, asked state.Attachment, attached bool) error {
	now := r.account.Attachments[pair]
	switch {
	case now.Phase != asked.Phase || now.OpenedBy != asked.OpenedBy:
		r.recheck[pair] = true
		return nil
	case !attached:
		return nil
	}
	return r.done(ctx, pair)
}

func (r *run) wantedWith(key portal.KeyID) []portal.Pair {
	var wanted []portal.Pair
	for _, pair := range r.account.Pairs() {
		if pair.Key == key && r.account.Attachments[pair].Phase == state.Wanted && r.stuck[task{key: pair.Key, plan: pair.Plan}] == nil {
			wanted = append(wanted, pair)
		}
	}
	return wanted
}
