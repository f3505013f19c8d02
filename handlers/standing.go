package handlers

import (
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// standing rejects the request of an account that may change nothing now: it is not registered,
// is suspended, or is being deleted.
func standing(account state.Account, decides events.Decides) []events.Fact {
	switch {
	case account.Standing.Leaving():
		return rejectAs(decides, portal.AccountDeleting())
	case account.Standing.Suspended:
		return rejectAs(decides, portal.AccountSuspended(account.Standing.Message))
	case account.Standing.Asked != 0:
		return reject(decides, portal.NotRegistered, "The operator of this portal has to approve your registration first. There is nothing you need to do.")
	case !account.Registered:
		return reject(decides, portal.NotRegistered, "Register first: this account is not registered yet.")
	}
	return nil
}

// inGoodStanding decides only for accounts that standing lets change something.
func inGoodStanding[R events.Request](decide Decide[R]) Decide[R] {
	return func(account state.Account, req R, id string) []events.Fact {
		if refused := standing(account, events.Decides{Scopes: req.Scopes()}); refused != nil {
			return refused
		}
		return decide(account, req, id)
	}
}

func rejectAs(decides events.Decides, why *portal.Error) []events.Fact {
	return reject(decides, why.Code, why.Message)
}
