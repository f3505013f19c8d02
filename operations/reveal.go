package operations

import (
	"context"
	"fmt"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// Reveal returns the value of one of the account's keys. It records the reveal first; if that
// fails, it returns no value. Any other key is NotFound. A key that cannot be used now is a
// Conflict. More than projections.MaxRevealsPerMinute are TooManyRequests. The value of
// an adopted key is read from API Gateway after the reveal is recorded. If that fails, the reveal
// stays recorded.
func (o *Operations) Reveal(ctx context.Context, caller Caller, id portal.KeyID) (string, error) {
	key, err := o.usable(ctx, caller.Account, id)
	if err != nil {
		return "", notRevealed(err)
	}
	var value string
	if !key.Adopted {
		if value, err = o.valueOf(ctx, caller.Account, key); err != nil {
			return "", notRevealed(err)
		}
	}
	if err := o.reveals.Record(ctx, caller.Account, key, o.now(), caller.Correlation); err != nil {
		return "", notRevealed(fmt.Errorf("recording that key %s is revealed: %w", id, err))
	}
	if !key.Adopted {
		return value, nil
	}
	// Read only now: Record enforces the limit of reveals, so the limit covers these control-plane calls, too.
	if value, err = o.valueOf(ctx, caller.Account, key); err != nil {
		return "", notRevealed(err)
	}
	return value, nil
}

// ValueToSend returns the value of a key for a request that the portal sends to an API for the
// account. It refuses the same keys as Reveal, but records and limits nothing, because the
// account does not see the value: the sender must keep it out of all that it returns.
func (o *Operations) ValueToSend(ctx context.Context, account portal.AccountID, id portal.KeyID) (string, error) {
	key, err := o.usable(ctx, account, id)
	var value string
	if err == nil {
		value, err = o.valueOf(ctx, account, key)
	}
	if err != nil {
		return "", unavailable("The key could not be used right now. Try again in a moment.", err)
	}
	return value, nil
}

// usable returns a key of the account that API Gateway accepts.
func (o *Operations) usable(ctx context.Context, account portal.AccountID, id portal.KeyID) (projections.Key, error) {
	held, err := o.views.Account(ctx, account)
	if err != nil {
		return projections.Key{}, err
	}
	if err := inGoodStanding(held.Profile); err != nil {
		return projections.Key{}, err
	}
	key, ok := findKey(held.Keys, id)
	if !ok {
		return projections.Key{}, portal.Fail(portal.NotFound, "There is no such key.")
	}
	switch key.State {
	case projections.KeyActive:
		return key, nil
	case projections.KeyDisabled:
		return key, portal.Fail(portal.Conflict, "The operator of this portal has disabled the key, so API Gateway refuses calls with it.")
	case projections.KeyBlocked:
		return key, portal.Fail(portal.Conflict, "Your account is suspended, so API Gateway refuses the key.")
	case projections.KeyEnding, projections.KeyEnded:
		return key, portal.Fail(portal.Conflict, "The key has ended and never works again. Use another key, or create one.")
	case projections.KeyReleased:
		return key, portal.Fail(portal.Conflict, "The key was released, because it was in no plan for a long time. Subscribe to a plan to restore it with the same value.")
	}
	return key, portal.Fail(portal.Conflict, "The key does not exist yet. Wait until it has been created.")
}

// valueOf computes a key's value, or reads that of an adopted key from API Gateway.
func (o *Operations) valueOf(ctx context.Context, account portal.AccountID, key projections.Key) (string, error) {
	if !key.Adopted {
		return o.values.Value(ctx, key.Scheme, key.KMSKey, account, key.ID)
	}
	value, err := o.adopted.AdoptedValue(ctx, key.GatewayID)
	switch {
	case portal.CodeOf(err) == portal.NotFound:
		return "", portal.Fail(portal.Conflict, "Somebody has deleted the key in API Gateway, so it no longer works. Create another key.")
	case err != nil:
		return "", fmt.Errorf("reading the value of key %s: %w", key.ID, err)
	}
	return value, nil
}

func notRevealed(err error) error {
	return unavailable("The key could not be revealed right now. Try again in a moment.", err)
}

func findKey(keys []projections.Key, id portal.KeyID) (projections.Key, bool) {
	for _, k := range keys {
		if k.ID == id {
			return k, true
		}
	}
	return projections.Key{}, false
}
