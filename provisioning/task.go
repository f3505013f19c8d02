package provisioning

import (
	"context"
	"maps"
	"slices"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// task is one thing to do: attach or detach a key, end a plan's wish (no key), or give a key
// back (no plan).
type task struct {
	plan portal.PlanID
	key  portal.KeyID
}

func (t task) pair() portal.Pair { return portal.Pair{Key: t.key, Plan: t.plan} }

func (t task) String() string {
	switch {
	case t.key == "":
		return "plan " + string(t.plan)
	case t.plan == "":
		return "key " + string(t.key)
	}
	return "key " + string(t.key) + " in plan " + string(t.plan)
}

// Detaching comes first, since it makes room on stages, then moves, since a key may be between two
// plans, and giving keys back last.
func (c *convergence) next() (task, bool) {
	var moves, wanted, plans, released []task
	for _, pair := range c.pairs() {
		t := task{key: pair.Key, plan: pair.Plan}
		attachment := c.account.Attachments[pair]
		if c.stuck[t] != nil || !attachment.Open() && !c.recheck[pair] || c.leftByMove(pair) {
			continue
		}
		if !attachment.Desired() {
			return t, true
		}
		if c.movesFrom(pair) != "" {
			moves = append(moves, t)
			continue
		}
		wanted = append(wanted, t)
	}
	for _, plan := range c.account.Plans() {
		if t := (task{plan: plan}); c.stuck[t] == nil && len(c.fulfilled(plan)) > 0 {
			plans = append(plans, t)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(c.account.Keys)) {
		if t := (task{key: id}); c.stuck[t] == nil && c.account.Keys[id].Releasing != 0 {
			released = append(released, t)
		}
	}
	if all := slices.Concat(moves, plans, wanted, released); len(all) > 0 {
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

// do carries a task out and records the outcome. It always calls API Gateway: repeating a call
// succeeds.
func (c *convergence) do(ctx context.Context, t task) error {
	switch {
	case t.key == "":
		return c.finish(ctx, t.plan)
	case t.plan == "":
		return c.release(ctx, t.key)
	case c.movesFrom(t.pair()) != "":
		return c.move(ctx, t.pair(), c.movesFrom(t.pair()))
	case c.account.Attachments[t.pair()].Desired():
		return c.attach(ctx, t.pair())
	}
	return c.detach(ctx, t.pair())
}
