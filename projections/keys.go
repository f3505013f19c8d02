package projections

import (
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// Key is an API key, with what its value is derived from.
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
	// Ends is when the key stops or stopped working, zero for never. EndsFor is why, an
	// events.EndReason.
	Ends       time.Time    `dynamodbav:"ends"`
	EndsFor    string       `dynamodbav:"ends_for,omitempty"`
	Replaces   portal.KeyID `dynamodbav:"replaces,omitempty"`
	ReplacedBy portal.KeyID `dynamodbav:"replaced_by,omitempty"`
	// ReplacedAt is zero until ReplacedBy has taken the key's place.
	ReplacedAt time.Time `dynamodbav:"replaced_at"`
	// Waiting is why a requested key is not ready, or "".
	Waiting string `dynamodbav:"waiting,omitempty"`
}

// The states of a key.
const (
	KeyPending  = "pending"
	KeyActive   = "active"
	KeyDisabled = "disabled" // by the operator, in API Gateway itself
	KeyReleased = "released" // deleted from API Gateway; it returns with the next subscription
	KeyBlocked  = "blocked"  // by Gatehouse, because the account is suspended
	KeyEnding   = "ending"   // for ever; API Gateway may still accept it for a moment
	KeyEnded    = "ended"    // for ever
)

// keyRows writes state rows, guarded by sequence; only the account's stream writes them. An ended
// key has a row until API Gateway has deleted it; then its owner's row has its name.
func keyRows(changed rows, before, account state.Account, fact events.Event) {
	for id, k := range account.Keys {
		if was := before.Keys[id]; k.Gone() {
			if !was.Gone() {
				changed.remove(changed.Key(account.ID, id), fact)
				changed.view(changed.KeyOwner(id), fact.Sequence, keyOwner{Account: account.ID, Name: k.Name, WantedAt: k.WantedAt, ReplacedAt: replacedAt(account, k)})
			}
			continue
		}
		shown := shownKey(account, k)
		if was, known := before.Keys[id]; !known || shownKey(before, was) != shown {
			changed.view(changed.Key(account.ID, id), fact.Sequence, shown)
		}
	}
}

func shownKey(account state.Account, k state.Key) Key {
	shown := Key{
		ID: k.ID, Name: k.Name, Ring: k.Ring, State: keyState(k), Scheme: k.Scheme, KMSKey: k.KMSKey,
		GatewayID: k.GatewayID, WantedAt: k.WantedAt, CreatedAt: k.CreatedAt,
		Ends: k.Ends, EndsFor: string(k.EndsFor), Replaces: k.Replaces, ReplacedBy: k.ReplacedBy, Waiting: string(k.Parked), ReplacedAt: replacedAt(account, k),
	}
	if !k.Live() {
		shown.Ends = k.EndingAt
	}
	return shown
}

func keyState(k state.Key) string {
	switch {
	case !k.Live() && k.Ending != 0:
		return KeyEnding
	case !k.Live():
		return KeyEnded
	case k.Released:
		return KeyReleased
	case !k.Created():
		return KeyPending
	case k.Blocked:
		return KeyBlocked
	case k.Disabled:
		return KeyDisabled
	}
	return KeyActive
}

func replacedAt(account state.Account, k state.Key) time.Time {
	if account.Replaced(k) || !k.Live() && (k.EndsFor == events.EndRotated || k.EndsFor == events.EndLeaked) {
		return k.ReplacedAt
	}
	return time.Time{}
}
