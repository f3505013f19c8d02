// Package statetest folds streams for tests of other packages.
package statetest

import (
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// FoldAccount returns the account after all facts of its stream.
func FoldAccount(id portal.AccountID, facts []events.Event) state.Account {
	account := state.NewAccount(id)
	for _, fact := range facts {
		account.Apply(fact)
	}
	return account
}
