package handlers

import (
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/state"
)

// Registration decides on RegisterUser: the account is opened. One that is open
// already yields RequestUnchanged, so that signing in from two browsers at once, or
// a second delivery under another id, opens nothing twice.
func Registration(account state.Account, req events.RegisterUser, _ RequestRef) []events.Fact {
	decides := events.Decides{Scopes: req.Scopes()}
	if account.Registered {
		return []events.Fact{events.RequestUnchanged{Decides: decides}}
	}
	return []events.Fact{events.UserRegistered{Decides: decides}}
}
