package provisioning

import (
	"context"
	"slices"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// awaitReinstatement records, once for each wish of a suspended account that needs a working key,
// that the wish waits for the reinstatement, which wakes the converger.
func (c *convergence) awaitReinstatement(ctx context.Context) error {
	for len(c.heldUp()) > 0 {
		_, err := c.record(ctx, c.msg.Correlation, watchStanding(), func() []events.Fact {
			var facts []events.Fact
			for _, wish := range c.heldUp() {
				if len(facts) < journal.MaxFacts {
					facts = append(facts, events.WishParked{Link: events.Link{Wish: wish}, Reason: events.WaitingForReinstatement})
				}
			}
			return facts
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *convergence) heldUp() []int64 {
	if !c.account.Standing.Suspended || c.account.Standing.Leaving() {
		return nil
	}
	var wishes []int64
	for _, s := range c.account.Subscriptions {
		if s.Phase == state.Wanted && s.Parked != events.WaitingForReinstatement {
			wishes = append(wishes, s.OpenedBy)
		}
	}
	for _, key := range c.account.Keys {
		if key.Readying != 0 && key.Parked != events.WaitingForReinstatement {
			wishes = append(wishes, key.Readying)
		}
	}
	slices.Sort(wishes)
	return slices.Compact(wishes)
}
