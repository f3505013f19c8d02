package handlers

import (
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/state"
)

// Registration decides on RegisterUser and opens the account. For an account that is open it
// yields RequestUnchanged, so signing in from two browsers at once opens nothing twice.
func Registration(account state.Account, req events.RegisterUser, _ string) []events.Fact {
	decides := events.Decides{Scopes: req.Scopes()}
	if account.Registered {
		return []events.Fact{events.RequestUnchanged{Decides: decides}}
	}
	return []events.Fact{events.UserRegistered{Decides: decides}}
}
