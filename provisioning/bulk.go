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

// bulk creates and attaches keys together with other accounts'.
type bulk interface {
	Create(ctx context.Context, c keyimport.Creation) (keyimport.Created, error)
}

// createInBulk creates a key in all plans that wait for it. Plans in which it was not seen come
// up again as single tasks.
func (c *convergence) createInBulk(ctx context.Context, pair portal.Pair, key state.Key) error {
	wanted := c.wantedWith(key.ID)
	creation := keyimport.Creation{Urgency: c.urgency(task{key: pair.Key, plan: pair.Plan}), Lease: c.leased(ctx)}
	if !c.mayBeUnrecorded && key.CreatedAt.IsZero() {
		creation.UntriedUntil = c.lease.Until.Add(-clock.Skew)
	}
	var err error
	if creation.Key, err = c.derive(ctx, key); err != nil {
		return err
	}
	for _, w := range wanted {
		creation.Plans = append(creation.Plans, w.Plan)
	}
	c.mayBeUnrecorded = true
	made, err := c.Bulk.Create(ctx, creation)
	if err != nil {
		return c.withdrawIfRefused(ctx, pair, err)
	}
	asked := map[portal.Pair]state.Attachment{}
	for _, w := range wanted {
		asked[w] = c.account.Attachments[w]
	}
	seen := slices.DeleteFunc(slices.Clone(wanted), func(w portal.Pair) bool { return !slices.Contains(made.Plans, w.Plan) })
	separately, err := c.createdAndAttached(ctx, c.correlationOf(pair), key, made.ID, seen)
	if err != nil || !separately {
		return err
	}
	if err := c.created(ctx, c.correlationOf(pair), key, made.ID); err != nil {
		return err
	}
	for _, w := range wanted {
		if err := c.attachedInBulk(ctx, w, asked[w], slices.Contains(seen, w)); err != nil {
			return err
		}
	}
	return nil
}

// createdAndAttached records in one append that the key is in those plans. If there are too many,
// or another worker recorded something about one of them, the caller must record each separately.
func (c *convergence) createdAndAttached(ctx context.Context, correlation string, key state.Key, id portal.GatewayKeyID, seen []portal.Pair) (separately bool, err error) {
	if 1+2*len(seen) > journal.MaxFacts {
		return true, nil
	}
	about := []watch{watchKey(key.ID)}
	for _, pair := range seen {
		about = append(about, watchPair(pair))
	}
	return c.record(ctx, correlation, watchAll(about...), func() []events.Fact {
		return append([]events.Fact{events.KeyCreated{Key: key.ID, GatewayID: id}}, c.outcome(seen...)...)
	})
}

// attachedInBulk records that a wanted plan is attached. If the fold wants something else by now,
// the attachment may have come later.
func (c *convergence) attachedInBulk(ctx context.Context, pair portal.Pair, asked state.Attachment, attached bool) error {
	now := c.account.Attachments[pair]
	switch {
	case now.Phase != asked.Phase || now.OpenedBy != asked.OpenedBy:
		c.recheck[pair] = true
		return nil
	case !attached:
		return nil
	}
	return c.done(ctx, pair)
}

func (c *convergence) wantedWith(key portal.KeyID) []portal.Pair {
	var wanted []portal.Pair
	for _, pair := range c.account.Pairs() {
		if pair.Key == key && c.account.Attachments[pair].Phase == state.Wanted && !c.changing(pair) && c.stuck[task{key: pair.Key, plan: pair.Plan}] == nil {
			wanted = append(wanted, pair)
		}
	}
	return wanted
}
