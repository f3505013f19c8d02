package state

import (
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// remembered is how long the fold keeps an ended key after its deletion in API Gateway. A call
// that was under way may have made the key again, and the sweep must know it.
const remembered = 24 * time.Hour

// Gone reports whether the key has ended and API Gateway no longer has it.
func (k Key) Gone() bool { return !k.Live() && k.Released }

// leaveID: API Gateway no longer has the key under its present id.
func (k *Key) leaveID(next portal.GatewayKeyID) {
	if k.GatewayID != "" && k.GatewayID != next {
		k.Formerly = append(slices.Clip(k.Formerly), k.GatewayID)
	}
}

// forgetKeys drops ended keys that nothing needs any more, so that the state does not grow with
// every rotation. Spent keeps their usage of the present period. Forgotten keeps old requests
// from making them again.
func (a *Account) forgetKeys(e events.Event) {
	for id, k := range a.Keys {
		if !k.Gone() || e.Time.Sub(k.ReleasedAt) < remembered {
			continue
		}
		delete(a.Keys, id)
		a.Forgotten = max(a.Forgotten, k.Intent)
		for pair := range a.Attachments {
			if pair.Key == id {
				delete(a.Attachments, pair)
			}
		}
		for pair := range a.Thresholds {
			if pair.Key == id {
				delete(a.Thresholds, pair)
			}
		}
		for pair, spent := range a.Spent {
			if pair.Key == id && spent.Left() == 0 {
				delete(a.Spent, pair)
			}
		}
	}
}
