package provisioning

import (
	"context"
	"fmt"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

func (c *convergence) toSwitch(key state.Key) bool {
	return key.Created() && key.Ending == 0 && (c.account.Barred(key) != key.Blocked || c.reswitch[key.ID])
}

// switchKey disables or enables a key, but for one that an operator has disabled. If another
// worker recorded something about the key meanwhile, its call may have come before this one, so
// the key is switched again.
func (c *convergence) switchKey(ctx context.Context, id portal.KeyID) error {
	delete(c.reswitch, id)
	key := c.account.Keys[id]
	barred := c.account.Barred(key)
	if barred || !key.Disabled {
		if err := c.plane.SetEnabled(ctx, key.GatewayID, !barred); err != nil && !isRefused(err, gateway.KeyGone) {
			return fmt.Errorf("switching key %s: %w", id, err)
		}
	}
	touched, err := c.record(ctx, c.msg.Correlation, watchSwitch(id), func() []events.Fact {
		switch now := c.account.Keys[id]; {
		case now.Blocked == barred:
			return nil
		case barred:
			return []events.Fact{events.KeyBlocked{Key: id}}
		}
		return []events.Fact{events.KeyUnblocked{Key: id}}
	})
	if touched {
		c.reswitch[id] = true
	}
	return err
}

func (c *convergence) keepBlocked(ctx context.Context, key state.Key, actual gateway.KeyState) {
	if actual.Enabled && key.Blocked {
		zerolog.Ctx(ctx).Warn().Str("key", string(key.ID)).Msg("somebody has enabled a key that Gatehouse keeps disabled; disabling it")
		c.reswitch[key.ID] = true
	}
}

func (c *convergence) allSwitched() bool {
	if c.account.Standing.Switching == 0 {
		return false
	}
	for _, key := range c.account.Keys {
		if c.toSwitch(key) || key.Ending != 0 {
			return false
		}
	}
	return true
}

// finishSwitching ends the wish to switch the account's keys, after looking for keys that may
// exist unrecorded.
func (c *convergence) finishSwitching(ctx context.Context) error {
	for _, id := range c.keyIDs() {
		key := c.account.Keys[id]
		if key.Released {
			continue
		}
		if found, err := c.adoptUnrecorded(ctx, key); found || err != nil {
			return err // the key is switched next
		}
	}
	_, err := c.record(ctx, c.msg.Correlation, watchStanding(), func() []events.Fact {
		if !c.allSwitched() {
			return nil
		}
		return []events.Fact{events.AccountKeysSwitched{Link: events.Link{Wish: c.account.Standing.Switching}}}
	})
	return err
}

func watchStanding() watch {
	return func(a state.Account) any {
		return [4]any{a.Standing.Suspended, a.Standing.Switching, a.Standing.Deleting, a.Standing.Deleted}
	}
}

func watchEnd(key portal.KeyID) watch {
	return func(a state.Account) any {
		k := a.Keys[key]
		return [3]any{k.GatewayID, k.Ending, k.Released}
	}
}

func watchSwitch(key portal.KeyID) watch {
	return func(a state.Account) any {
		k := a.Keys[key]
		return [4]any{k.GatewayID, k.Blocked, k.Disabled, a.Barred(k)}
	}
}
