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

// Detaching comes first, since it makes room on stages, and giving keys back last.
func (r *run) next() (task, bool) {
	var wanted, plans, released []task
	for _, pair := range r.pairs() {
		t := task{key: pair.Key, plan: pair.Plan}
		attachment := r.account.Attachments[pair]
		if r.stuck[t] != nil || !attachment.Open() && !r.recheck[pair] {
			continue
		}
		if !attachment.Desired() {
			return t, true
		}
		wanted = append(wanted, t)
	}
	for _, plan := range r.account.Plans() {
		if t := (task{plan: plan}); r.stuck[t] == nil && len(r.fulfilled(plan)) > 0 {
			plans = append(plans, t)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(r.account.Keys)) {
		if t := (task{key: id}); r.stuck[t] == nil && r.account.Keys[id].Releasing != 0 {
			released = append(released, t)
		}
	}
	if all := slices.Concat(plans, wanted, released); len(all) > 0 {
		return all[0], true
	}
	return task{}, false
}

func (r *run) pairs() []portal.Pair {
	pairs := r.account.Pairs()
	for pair := range r.recheck {
		if _, known := r.account.Attachments[pair]; !known {
			pairs = append(pairs, pair)
		}
	}
	return pairs
}

// do carries a task out and records the outcome. It always calls API Gateway: repeating a call
// succeeds.
func (r *run) do(ctx context.Context, t task) error {
	switch {
	case t.key == "":
		return r.finish(ctx, t.plan)
	case t.plan == "":
		return r.release(ctx, t.key)
	case r.account.Attachments[t.pair()].Desired():
		return r.attach(ctx, t.pair())
	}
	return r.detach(ctx, t.pair())
}
