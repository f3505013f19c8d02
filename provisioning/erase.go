package provisioning

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// erase is the last step of deleting an account. Once API Gateway holds no key of it and nothing
// else is left to do, it erases the personal data and then records that the account is deleted.
// After a failure in between, the redelivery erases what is left.
func (c *convergence) erase(ctx context.Context) error {
	wish := c.account.Standing.Deleting
	if c.Erase == nil || !c.onlyDataLeft() {
		return nil
	}
	if err := c.deleteUnrecorded(ctx); err != nil {
		return err
	}
	if err := c.Erase(ctx, c.id); err != nil {
		return portal.Postpone("the personal data cannot be erased", err)
	}
	_, err := c.record(ctx, c.msg.Correlation, watchDeletion, func() []events.Fact {
		if c.account.Standing.Deleting != wish {
			return nil
		}
		return []events.Fact{events.AccountDeleted{Link: events.Link{Wish: wish}}}
	})
	return err
}

// eraseAgain erases what a process wrote about an account that was deleted meanwhile.
func (c *convergence) eraseAgain(ctx context.Context) error {
	if c.Erase == nil || !c.account.Standing.Deleted {
		return nil
	}
	return portal.Postpone("the personal data cannot be erased", c.Erase(ctx, c.id))
}

func watchDeletion(a state.Account) any { return [2]any{a.Standing.Deleting, a.Standing.Deleted} }

func (c *convergence) onlyDataLeft() bool {
	wish := c.account.Standing.Deleting
	if wish == 0 || len(c.stuck) > 0 || len(c.recheck) > 0 {
		return false
	}
	for _, key := range c.account.Keys {
		if key.Created() || key.Releasing != 0 {
			return false
		}
	}
	for open := range c.account.OpenWishes() {
		if open != wish {
			return false
		}
	}
	return true
}

// deleteUnrecorded deletes keys that a worker may have created without recording it. API Gateway
// may list such a key late, so it waits until a list proves that there is none.
func (c *convergence) deleteUnrecorded(ctx context.Context) error {
	if !c.mayBeUnrecorded {
		return nil
	}
	if wait := c.lease.LastUnrecorded.Add(listDelay).Sub(c.Now()); wait > 0 {
		return &portal.Postponed{After: min(wait, unlisted), Reason: "API Gateway may hold a key that it does not list yet"}
	}
	c.plane = c.Session(gateway.Backlog, c.leased(ctx))
	for _, id := range slices.Sorted(maps.Keys(c.account.Keys)) {
		if c.account.Keys[id].Adopted {
			continue
		}
		found, exists, err := c.plane.FindKey(ctx, c.KeyName(c.id, id))
		if err != nil {
			return fmt.Errorf("looking for key %s: %w", id, err)
		}
		if !exists {
			continue
		}
		zerolog.Ctx(ctx).Warn().Str("key", string(id)).Msg("API Gateway has a key of a deleted account that was not recorded; deleting it")
		if err := c.plane.DeleteKey(ctx, found); err != nil && !isRefused(err, gateway.KeyGone) {
			return fmt.Errorf("deleting key %s: %w", id, err)
		}
	}
	return nil
}
