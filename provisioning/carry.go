package provisioning

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// Nobody gets a second quota in the same period through the portal. A key that enters a plan
// takes over, once:
//
//   - what is left of the quota of the live or leaked key that it replaces,
//   - what the account's keys that have ended or left the plan had used of it, unless another key
//     took it over before,
//   - what it had used itself before it left the plan.
//
// The rest is only ever lowered, so a repetition does no harm, and API Gateway's own counter may
// outlive a detachment or not.

// carry gives a key that has just entered a plan the rest of the quota that it may have, and returns what
// it has taken over. While API Gateway does not answer, the task comes up again: as long as the key that
// it replaces works, else until the wish is carryWithin old. After that, and after any other error, the key
// begins with a whole quota, since people wait for it, and a fact says so.
func (c *convergence) carry(ctx context.Context, pair portal.Pair) ([]events.Fact, error) {
	if !c.carries(pair) {
		return nil, nil
	}
	carried, err := c.takeOver(ctx, pair)
	var postponed *portal.Postponed
	switch {
	case err == nil:
		return carried, nil
	case ctx.Err() != nil:
		return nil, err
	case (errors.As(err, &postponed) || unavailable(err)) && c.mayWait(pair):
		return nil, err
	}
	zerolog.Ctx(ctx).Error().Err(err).Str("plan", string(pair.Plan)).Str("key", string(pair.Key)).
		Msg("a key begins with a whole quota, because what was used of it before could not be passed on")
	return []events.Fact{events.QuotaNotCarried{Key: pair.Key, Plan: pair.Plan}}, nil
}

// carryWithin is how long a person without a working key waits for what was used of a quota to be read.
const carryWithin = 30 * time.Minute

// mayWait reports whether the key can wait for what was used of the quota to be read.
func (c *convergence) mayWait(pair portal.Pair) bool {
	old := c.predecessor(pair)
	return old != "" && c.account.Keys[old].Live() || c.Now().Sub(c.account.Attachments[pair].OpenedAt) < carryWithin
}

// carries reports whether there may be something to take over. It costs no call.
func (c *convergence) carries(pair portal.Pair) bool {
	if !c.CarryUsage {
		return false
	}
	own := c.account.Spent[pair]
	return c.predecessor(pair) != "" || own.Left() > 0 && !own.Over(c.Now()) ||
		len(c.account.Unclaimed(pair, c.Now())) > 0 || len(c.account.Untold(pair, c.Now())) > 0
}

// predecessor is the key whose rest the key takes over with its first wish, or "".
func (c *convergence) predecessor(pair portal.Pair) portal.KeyID {
	key := c.account.Keys[pair.Key]
	old := c.account.Keys[key.Replaces]
	_, was := c.account.Attachments[portal.Pair{Key: old.ID, Plan: pair.Plan}]
	if !was || !old.Created() || key.Readying == 0 || c.account.Attachments[pair].OpenedBy != key.Readying {
		return ""
	}
	return old.ID
}

type taking struct {
	pair portal.Pair
	key  portal.GatewayKeyID
	now  gateway.KeyQuota
	// rest is what the key may have left.
	rest int64
	// granted is what an operator has granted the predecessor beyond the limit.
	granted int64
	facts   []events.UsageCarried
}

// maxTaken bounds the keys that a key takes over from, so that one append can record it
// (journal.MaxFacts). The next key takes over from the others.
const maxTaken = 10

func (c *convergence) takeOver(ctx context.Context, pair portal.Pair) ([]events.Fact, error) {
	key := c.account.Keys[pair.Key]
	now, err := c.plane.QuotaOf(ctx, pair.Plan, key.GatewayID)
	if err != nil || now.Period == "" {
		return nil, err
	}
	t := taking{pair: pair, key: key.GatewayID, now: now, rest: now.Limit}
	if own := c.account.Spent[pair]; t.inPeriod(own) {
		t.rest -= own.Left()
	}
	told, err := c.askForUntold(ctx, &t)
	if err != nil {
		return nil, err
	}
	for _, by := range c.account.Unclaimed(pair, c.Now()) {
		if !told[by.Key] {
			t.add(by.Spent, by.Key, by.Used)
		}
	}
	return t.lower(ctx, c.plane)
}

// askForUntold takes over from keys whose usage only API Gateway knows, the predecessor first,
// and returns them.
func (c *convergence) askForUntold(ctx context.Context, t *taking) (told map[portal.KeyID]bool, err error) {
	told = map[portal.KeyID]bool{}
	old := c.predecessor(t.pair)
	from := []portal.KeyID{old}
	for _, key := range c.account.Untold(t.pair, c.Now()) {
		from = append(from, key.ID)
	}
	for _, id := range from {
		if id == "" || told[id] {
			continue
		}
		quota, err := c.plane.QuotaOf(ctx, t.pair.Plan, c.account.Keys[id].GatewayID)
		if err != nil {
			return nil, err
		}
		told[id] = true
		if id == old && quota.Counted {
			t.granted = max(quota.Remaining-quota.Limit, 0)
		}
		t.add(c.account.Spent[portal.Pair{Key: id, Plan: t.pair.Plan}], id, quota.Used())
	}
	return told, nil
}

func (t *taking) inPeriod(s state.Spent) bool {
	return s.Period == t.now.Period && s.PeriodStart == t.now.Start.Format(time.DateOnly)
}

func (t *taking) fact(from portal.KeyID, used, passed int64) events.UsageCarried {
	return events.UsageCarried{
		Key: t.pair.Key, From: from, Plan: t.pair.Plan, PeriodStart: t.now.Start.Format(time.DateOnly), Period: t.now.Period, Used: used, Passed: passed,
	}
}

// add takes over what a key has used and passed to nobody, as far as the rest goes.
func (t *taking) add(told state.Spent, from portal.KeyID, used int64) {
	passed := int64(0)
	if t.inPeriod(told) {
		used, passed = max(used, told.Used), told.Passed
	}
	takes := min(used-passed, t.rest)
	if takes <= 0 || len(t.facts) == maxTaken {
		return
	}
	t.rest -= takes
	t.facts = append(t.facts, t.fact(from, used, takes))
}

// lower sets the rest of the key's quota if the key has more. It raises that of a key without
// counted calls whose predecessor was granted more than the limit.
func (t *taking) lower(ctx context.Context, plane ControlPlane) ([]events.Fact, error) {
	rest, has := max(t.rest, 0), t.now.Remaining
	if !t.now.Counted {
		rest, has = rest+t.granted, t.now.Limit-t.now.Offset
	}
	if rest < has || !t.now.Counted && t.granted > 0 {
		if err := plane.SetRemaining(ctx, t.pair.Plan, t.key, rest); err != nil {
			return nil, err
		}
	}
	var facts []events.Fact
	for _, f := range t.facts {
		f.Remaining = rest
		facts = append(facts, f)
	}
	return facts, nil
}

// noteUsed records what a key has used of a plan's quota in the present period, before API
// Gateway may forget it, once, and only if it has used something.
func (c *convergence) noteUsed(ctx context.Context, pair portal.Pair, quota gateway.KeyQuota) error {
	used, start := quota.Used(), quota.Start.Format(time.DateOnly)
	if !c.CarryUsage || used == 0 {
		return nil
	}
	_, err := c.record(ctx, c.correlationOf(pair), watchNothing, func() []events.Fact {
		told := c.account.Spent[pair]
		if told.Period == quota.Period && told.PeriodStart == start && told.Used >= used && (told.Final || c.account.Keys[pair.Key].Live()) {
			return nil
		}
		return []events.Fact{events.QuotaUsed{Key: pair.Key, Plan: pair.Plan, PeriodStart: start, Period: quota.Period, Used: used}}
	})
	return err
}

func watchNothing(state.Account) any { return nil }
