package projections

import (
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// Key is an API key without its value. It holds what the value is derived from.
type Key struct {
	ID        portal.KeyID        `dynamodbav:"id"`
	Name      string              `dynamodbav:"name"`
	Ring      portal.Ring         `dynamodbav:"ring"`
	State     string              `dynamodbav:"state"`
	Scheme    string              `dynamodbav:"scheme"`
	KMSKey    string              `dynamodbav:"kms_key"`
	GatewayID portal.GatewayKeyID `dynamodbav:"gateway_id"`
	WantedAt  time.Time           `dynamodbav:"wanted_at"`
	CreatedAt time.Time           `dynamodbav:"created_at"`
}

// The states of a key.
const (
	KeyPending  = "pending"
	KeyActive   = "active"
	KeyDisabled = "disabled" // by the operator, in API Gateway itself
	KeyReleased = "released" // deleted from API Gateway; it returns with the next subscription
)

// keyRows writes state rows, guarded by sequence; only the account's stream writes them.
func keyRows(changed rows, account state.Account, fact events.Event) {
	switch fact.Data.(type) {
	case events.KeyWanted, events.KeyCreated, events.KeyObserved, events.KeyReleased, events.SubscriptionWanted:
	default:
		return
	}
	for id, k := range account.Keys {
		changed.view(changed.Key(account.ID, id), fact.Sequence, Key{
			ID: k.ID, Name: k.Name, Ring: k.Ring, State: keyState(k), Scheme: k.Scheme, KMSKey: k.KMSKey,
			GatewayID: k.GatewayID, WantedAt: k.WantedAt, CreatedAt: k.CreatedAt,
		})
	}
}

func keyState(k state.Key) string {
	switch {
	case k.Released:
		return KeyReleased
	case !k.Created():
		return KeyPending
	case k.Disabled:
		return KeyDisabled
	}
	return KeyActive
}
