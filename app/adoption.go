package app

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-portal/gatehouse/adoptions"
	"github.com/gatehouse-portal/gatehouse/api"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// adoptedValues reads the values of adopted keys from API Gateway, within the budget. It is the only
// control-plane call that the portal makes.
type adoptedValues struct {
	plane *gateway.ControlPlane
}

func (a adoptedValues) AdoptedValue(ctx context.Context, key portal.GatewayKeyID) (string, error) {
	value, err := a.plane.Session(gateway.Interactive, nil).Value(ctx, key)
	var refused *gateway.Refused
	if errors.As(err, &refused) && refused.Reason == gateway.KeyGone {
		return "", portal.Fail(portal.NotFound, "There is no such key in API Gateway.")
	}
	return value, err
}

// waitingKeys gives people the keys that wait for their first sign-in.
type waitingKeys struct {
	store  *adoptions.Store
	sender interface {
		Send(ctx context.Context, messages ...events.Event) error
	}
	now func() time.Time
}

// hand asks the workers to give the person's account the keys that wait for their e-mail address, if
// the identity provider has verified it. The request also registers the account. handed is false if
// no key waits. The workers delete the row of a key with their decision, so it may be handed twice.
func (w waitingKeys) hand(ctx context.Context, id identity.Identity) (handed bool, err error) {
	if id.Email == "" || !id.Verified {
		return false, nil
	}
	keys, err := w.store.Waiting(ctx, id.Email)
	if err != nil {
		return false, err
	}
	for _, key := range keys {
		owner, err := w.store.Owner(ctx, key.GatewayID)
		if err != nil {
			return handed, err
		}
		if owner != "" {
			if err := w.store.Drop(ctx, key); err != nil {
				return handed, err
			}
			continue
		}
		request := portal.DeriveID("waiting-key", string(id.Account), string(key.GatewayID), w.now().Format(time.RFC3339Nano))
		err = w.sender.Send(ctx, events.Event{
			ID: request, Source: "/gatehouse/api", Subject: portal.AccountStream(id.Account), Time: w.now(), Actor: portal.Operator,
			Correlation: api.RequestID(ctx), Data: events.AccountMigrationRequested{Key: &key},
		})
		if err != nil {
			return handed, err
		}
		handed = true
	}
	return handed, nil
}
