package provisioning

import (
	"context"
	"maps"
	"slices"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

func (c *convergence) keyIDs() []portal.KeyID { return slices.Sorted(maps.Keys(c.account.Keys)) }

func (c *convergence) nextToDisable() (task, bool) {
	for _, id := range c.keyIDs() {
		key := c.account.Keys[id]
		if t := (task{kind: endKey, key: id}); key.Ending != 0 && c.stuck[t] == nil {
			return t, true
		}
		if t := (task{kind: switchKey, key: id}); c.account.Barred(key) && c.toSwitch(key) && c.stuck[t] == nil {
			return t, true
		}
	}
	return task{}, false
}

func (c *convergence) nextOfKeys() []task {
	var tasks []task
	add := func(t task, due bool) {
		if due && c.stuck[t] == nil {
			tasks = append(tasks, t)
		}
	}
	for _, id := range c.keyIDs() {
		key := c.account.Keys[id]
		add(task{kind: switchKey, key: id}, c.toSwitch(key))
		add(task{kind: readyKey, key: id}, len(c.readied(id)) > 0)
	}
	add(task{kind: switchAccount}, c.allSwitched())
	return tasks
}

func (c *convergence) doToKey(ctx context.Context, t task) error {
	switch t.kind {
	case endKey:
		return c.end(ctx, t.key)
	case switchKey:
		return c.switchKey(ctx, t.key)
	case readyKey:
		_, err := c.record(ctx, c.msg.Correlation, watchKey(t.key), func() []events.Fact { return c.readied(t.key) })
		return err
	}
	return c.finishSwitching(ctx)
}

// heldBack: the key must not be created or attached now, because its account may not use it, or a
// leaked key that it replaces still works.
func (c *convergence) heldBack(id portal.KeyID) bool {
	key := c.account.Keys[id]
	old := c.account.Keys[key.Replaces]
	return c.account.Barred(key) || old.Ending != 0 && old.EndsFor == events.EndLeaked
}

// readied ends the wish of an owner who asked for the key, unless it waits for a plan that is not
// among done.
func (c *convergence) readied(id portal.KeyID, done ...portal.Pair) []events.Fact {
	key := c.account.Keys[id]
	if key.Readying == 0 {
		return nil
	}
	for pair, attachment := range c.account.Attachments {
		if pair.Key == id && attachment.Phase == state.Wanted && attachment.OpenedBy == key.Readying && !slices.Contains(done, pair) {
			return nil
		}
	}
	return []events.Fact{events.KeyReady{Link: events.Link{Wish: key.Readying}, Key: id}}
}

func (c *convergence) keyUrgency(t task) gateway.Urgency {
	since := c.account.Standing.SwitchingAt
	if t.kind == endKey {
		since = c.account.Keys[t.key].EndingAt
	}
	if c.Now().Sub(since) < fresh {
		return gateway.Interactive
	}
	return gateway.Backlog
}

// parked is what an open wish waits for, or "".
func (c *convergence) parked(wish int64) (reason events.Reason, open bool) {
	if s, ok := c.account.SubscriptionOfWish(wish); ok {
		return s.Parked, true
	}
	for _, key := range c.account.Keys {
		if wish != 0 && key.Readying == wish {
			return key.Parked, true
		}
	}
	return "", false
}
