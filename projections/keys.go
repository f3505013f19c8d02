package projections

import (
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// Key is what the portal shows of an API key: never its value, but what the value
// follows from.
type Key struct {
	ID         portal.KeyID        `dynamodbav:"id"`
	Name       string              `dynamodbav:"name"`
	Slot       portal.Slot         `dynamodbav:"slot"`
	State      string              `dynamodbav:"state"`
	Scheme     string              `dynamodbav:"scheme"`
	KMSKey     string              `dynamodbav:"kms_key"`
	GatewayID  portal.GatewayKeyID `dynamodbav:"gateway_id"`
	WantedAt   time.Time           `dynamodbav:"wanted_at"`
	CreatedAt  time.Time           `dynamodbav:"created_at"`
	RevealedAt time.Time           `dynamodbav:"revealed_at"`
}

// The states of a key.
const (
	KeyPending = "pending"
	KeyActive  = "active"
)

// keyRows: state row, guarded by sequence; written by the account's stream only.
func keyRows(changed rows, account state.Account, fact events.Event) {
	var id portal.KeyID
	switch f := fact.Data.(type) {
	case events.KeyWanted:
		id = f.Key
	case events.KeyCreated:
		id = f.Key
	case events.KeyRevealed:
		id = f.Key
	default:
		return
	}
	k := account.Keys[id]
	shown := Key{
		ID: k.ID, Name: k.Name, Slot: k.Slot, State: KeyPending, Scheme: k.Scheme, KMSKey: k.KMSKey,
		GatewayID: k.GatewayID, WantedAt: k.WantedAt, CreatedAt: k.CreatedAt, RevealedAt: k.RevealedAt,
	}
	if k.Created() {
		shown.State = KeyActive
	}
	changed.view(accountPartition(account.ID), keySort+string(id), fact.Sequence, shown)
}
