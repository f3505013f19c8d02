package provisioning

import (
	"context"
	"fmt"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

func (r *run) create(ctx context.Context, pair portal.Pair, key state.Key) error {
	if r.Bulk != nil {
		return r.createInBulk(ctx, pair, key)
	}
	id, err := r.createKey(ctx, key)
	if err != nil {
		return r.withdrawIfRefused(ctx, pair, err)
	}
	return r.created(ctx, pair.Plan, key, id)
}

// createKey creates the key. Its value and name follow from its id, so a repeated creation
// finds the first key.
func (r *run) createKey(ctx context.Context, key state.Key) (portal.GatewayKeyID, error) {
	wanted, err := r.derive(ctx, key)
	if err != nil {
		return "", err
	}
	r.mayBeUnrecorded = true
	return r.plane.CreateKey(ctx, wanted)
}

func (r *run) derive(ctx context.Context, key state.Key) (gateway.Key, error) {
	value, err := r.Values.Value(ctx, key.Scheme, key.KMSKey, r.account.ID, key.ID)
	if err != nil {
		return gateway.Key{}, fmt.Errorf("deriving the value of key %s: %w", key.ID, err)
	}
	return gateway.Key{
		Name: r.KeyName(r.account.ID, key.ID), Value: value, Description: "Issued by Gatehouse: " + key.Name,
	}, nil
}

func (r *run) created(ctx context.Context, plan portal.PlanID, key state.Key, id portal.GatewayKeyID) error {
	_, err := r.record(ctx, r.correlation(plan), watchKey(key.ID), func() []events.Fact {
		if r.account.Keys[key.ID].GatewayID == id {
			return nil
		}
		return []events.Fact{events.KeyCreated{Key: key.ID, GatewayID: id}}
	})
	return err
}

// adopt finds a key that exists and was never recorded, and records it.
func (r *run) adopt(ctx context.Context, key state.Key) (found bool, err error) {
	if key.Created() || key.ID == "" {
		return false, nil
	}
	id, found, err := r.plane.FindKey(ctx, r.KeyName(r.account.ID, key.ID))
	if err != nil {
		return false, fmt.Errorf("looking for key %s: %w", key.ID, err)
	}
	if !found {
		return false, nil
	}
	return true, r.created(ctx, r.planOf(key.ID), key, id)
}

// release deletes a key from API Gateway. If a subscription wants it meanwhile, nothing is recorded;
// attaching then creates the key again.
func (r *run) release(ctx context.Context, id portal.KeyID) error {
	key := r.account.Keys[id]
	if key.Created() {
		if err := r.plane.DeleteKey(ctx, key.GatewayID); err != nil && !isRefused(err, gateway.KeyGone) {
			return fmt.Errorf("deleting key %s: %w", id, err)
		}
	}
	touched, err := r.record(ctx, r.msg.Correlation, watchKey(id), func() []events.Fact {
		wish := r.account.Keys[id].Releasing
		if wish == 0 {
			return nil
		}
		return []events.Fact{events.KeyReleased{Link: events.Link{Wish: wish}, Key: id}}
	})
	if touched {
		// Another worker may have attached the key before it was deleted.
		for pair, attachment := range r.account.Attachments {
			if pair.Key == id && attachment.Desired() {
				r.recheck[pair] = true
			}
		}
	}
	return err
}

// planOf is a plan whose wish the key's creation serves.
func (r *run) planOf(key portal.KeyID) portal.PlanID {
	for _, pair := range r.account.Pairs() {
		if pair.Key == key && r.account.Attachments[pair].Open() {
			return pair.Plan
		}
	}
	return ""
}
