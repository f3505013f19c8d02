package provisioning

import (
	"context"
	"maps"
	"slices"

	"github.com/gatehouse-portal/gatehouse/portal"
)

type task struct {
	kind         kind
	plan         portal.PlanID
	key          portal.KeyID
	subscription portal.SubscriptionID
}

type kind int

const (
	// keyInPlan attaches or detaches a key, or gives a key back (no plan).
	keyInPlan kind = iota
	// finishSubscription ends a subscription's wish (no key).
	finishSubscription
	endKey
	// switchKey disables or enables a key with its account.
	switchKey
	// readyKey ends the wish of an owner who asked for a key.
	readyKey
	// switchAccount ends the wish to switch the account's keys (no key).
	switchAccount
)

func (t task) pair() portal.Pair { return portal.Pair{Key: t.key, Plan: t.plan} }

func (t task) String() string {
	switch {
	case t.kind == finishSubscription:
		return "subscription " + string(t.subscription)
	case t.kind != keyInPlan:
		return map[kind]string{endKey: "end", switchKey: "switch", readyKey: "finish", switchAccount: "switch all keys"}[t.kind] + " " + string(t.key)
	case t.plan == "":
		return "key " + string(t.key)
	}
	return "key " + string(t.key) + " in plan " + string(t.plan)
}

// Keys that should not work are disabled first. Detaching comes before attaching, to make room on
// stages, then moves, since a key may be between two plans, and giving keys back last.
func (c *convergence) next() (task, bool) {
	if t, ok := c.nextToDisable(); ok {
		return t, true
	}
	var moves, wanted, subscriptions, released []task
	for _, pair := range c.pairs() {
		t := task{key: pair.Key, plan: pair.Plan}
		attachment := c.account.Attachments[pair]
		if c.stuck[t] != nil || !attachment.HasOpenWish() && !c.recheck[pair] || c.leftByMove(pair) {
			continue
		}
		if !attachment.Desired() {
			return t, true
		}
		switch {
		case c.heldBack(pair.Key):
		case c.movesFrom(pair) != "":
			moves = append(moves, t)
		default:
			wanted = append(wanted, t)
		}
	}
	for _, id := range c.account.SubscriptionIDs() {
		if t := (task{kind: finishSubscription, subscription: id}); c.stuck[t] == nil && len(c.fulfilled(id)) > 0 {
			subscriptions = append(subscriptions, t)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(c.account.Keys)) {
		if t := (task{key: id}); c.stuck[t] == nil && c.account.Keys[id].Releasing != 0 {
			released = append(released, t)
		}
	}
	if all := slices.Concat(moves, subscriptions, wanted, c.nextOfKeys(), released); len(all) > 0 {
		return all[0], true
	}
	return task{}, false
}

func (c *convergence) pairs() []portal.Pair {
	pairs := c.account.Pairs()
	for pair := range c.recheck {
		if _, known := c.account.Attachments[pair]; !known {
			pairs = append(pairs, pair)
		}
	}
	return pairs
}

// do carries a task out and records the outcome. It always calls API Gateway; a repeated call
// succeeds.
func (c *convergence) do(ctx context.Context, t task) error {
	switch {
	case t.kind == finishSubscription:
		return c.finish(ctx, t.subscription)
	case t.kind != keyInPlan:
		return c.doToKey(ctx, t)
	case t.plan == "":
		return c.release(ctx, t.key)
	case c.movesFrom(t.pair()) != "":
		return c.move(ctx, t.pair(), c.movesFrom(t.pair()))
	case c.account.Attachments[t.pair()].Desired():
		return c.attach(ctx, t.pair())
	}
	return c.detach(ctx, t.pair())
}
