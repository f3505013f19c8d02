package handlers

import (
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// KeyReveal records on KeyRevealReported that a key's value was shown. Every report
// is recorded, each once. A key that the account does not have cannot have been
// shown: such a report is refused, which leaves its trace as well.
func KeyReveal(account state.Account, req events.KeyRevealReported, asked Asked) []events.Fact {
	if _, ok := account.Keys[req.Key]; !ok {
		return reject(asked, events.Decides{}, portal.NotFound, "There is no such key.")
	}
	return []events.Fact{events.KeyRevealed{Key: req.Key}}
}
