package provisioning

import (
	"context"
	"fmt"
	"slices"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

func (c *convergence) create(ctx context.Context, pair portal.Pair, key state.Key) error {
	if key.Adopted {
		return c.lose(ctx, key)
	}
	// ImportApiKeys cannot set a customer.
	if c.Bulk != nil && key.Ring.Customer() == "" && !c.changing(pair) && key.Replaces == "" && !slices.ContainsFunc(c.wantedWith(key.ID), c.carries) {
		return c.createInBulk(ctx, pair, key)
	}
	return c.createAlone(ctx, pair, key)
}

func (c *convergence) createAlone(ctx context.Context, pair portal.Pair, key state.Key) error {
	id, err := c.createKey(ctx, key)
	if err != nil {
		return c.withdrawIfRefused(ctx, pair, err)
	}
	return c.created(ctx, c.correlationOf(pair), key, id)
}

// createKey: a key's value and name are derived from its id, so a repeated creation finds the first
// key.
func (c *convergence) createKey(ctx context.Context, key state.Key) (portal.GatewayKeyID, error) {
	return c.plane.DeriveAndCreateKey(ctx, func(ctx context.Context) (gateway.Key, error) {
		wanted, err := c.derive(ctx, key)
		if err == nil {
			c.mayBeUnrecorded = true
		}
		return wanted, err
	})
}

func (c *convergence) derive(ctx context.Context, key state.Key) (gateway.Key, error) {
	value, err := c.Values.Value(ctx, key.Scheme, key.KMSKey, c.account.ID, key.ID)
	if err != nil {
		return gateway.Key{}, fmt.Errorf("deriving the value of key %s: %w", key.ID, err)
	}
	return gateway.Key{
		Name: c.KeyName(c.account.ID, key.ID), Value: value, Description: gateway.Description(key.Name), Customer: key.Ring.Customer(),
	}, nil
}

func (c *convergence) created(ctx context.Context, correlation string, key state.Key, id portal.GatewayKeyID) error {
	_, err := c.record(ctx, correlation, watchKey(key.ID), func() []events.Fact {
		if c.account.Keys[key.ID].GatewayID == id {
			return nil
		}
		return []events.Fact{events.KeyCreated{Key: key.ID, GatewayID: id}}
	})
	return err
}

// adopt finds and records a key that exists and was never recorded.
func (c *convergence) adopt(ctx context.Context, key state.Key) (found bool, err error) {
	if key.Created() || key.ID == "" {
		return false, nil
	}
	id, found, err := c.plane.FindKey(ctx, c.KeyName(c.account.ID, key.ID))
	if err != nil {
		return false, fmt.Errorf("looking for key %s: %w", key.ID, err)
	}
	if !found {
		return false, nil
	}
	return true, c.created(ctx, c.correlationFor(key.ID), key, id)
}

func (c *convergence) adoptUnrecorded(ctx context.Context, key state.Key) (found bool, err error) {
	if !c.mayBeUnrecorded {
		return false, nil
	}
	return c.adopt(ctx, key)
}

// release deletes a key from API Gateway. If a subscription wants it meanwhile, nothing is
// recorded, and attaching creates the key again.
func (c *convergence) release(ctx context.Context, id portal.KeyID) error {
	key := c.account.Keys[id]
	if found, err := c.adoptUnrecorded(ctx, key); found || err != nil {
		return err // the task comes up again
	}
	if key.Created() {
		for _, plan := range c.account.MayHold(id) {
			if err := c.readUsage(ctx, portal.Pair{Key: id, Plan: plan}, key.ReleasingAt); err != nil {
				return err
			}
		}
		if err := c.plane.DeleteKey(ctx, key.GatewayID); err != nil && !isRefused(err, gateway.KeyGone) {
			return fmt.Errorf("deleting key %s: %w", id, err)
		}
	}
	touched, err := c.record(ctx, c.msg.Correlation, watchKey(id), func() []events.Fact {
		wish := c.account.Keys[id].Releasing
		if wish == 0 {
			return nil
		}
		return []events.Fact{events.KeyReleased{Link: events.Link{Wish: wish}, Key: id}}
	})
	if touched {
		// Another worker may have attached the key before it was deleted.
		for pair, attachment := range c.account.Attachments {
			if pair.Key == id && attachment.Desired() {
				c.recheck[pair] = true
			}
		}
	}
	return err
}

func (c *convergence) correlationFor(key portal.KeyID) string {
	for _, pair := range c.account.Pairs() {
		if pair.Key == key && c.account.Attachments[pair].HasOpenWish() {
			return c.correlationOf(pair)
		}
	}
	return c.msg.Correlation
}
