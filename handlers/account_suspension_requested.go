package handlers

import (
	"strings"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// Suspension decides on AccountSuspensionRequested: API Gateway should refuse every key of the
// account until its reinstatement. The operation ends once all keys are disabled. A suspended
// account yields RequestUnchanged, or RequestJoined while its keys are being disabled. API
// Gateway gets no new key of it: open subscriptions and keys wait.
func Suspension(account state.Account, req events.AccountSuspensionRequested, _ string) []events.Fact {
	decides, now := events.Decides{Scopes: req.Scopes()}, account.Standing
	switch {
	case now.Leaving():
		return reject(decides, portal.Deleting, "The account is being deleted, and its keys with it.")
	case !account.Registered:
		return reject(decides, portal.NotRegistered, "The account is not registered, so it has nothing to suspend.")
	case strings.TrimSpace(req.Message) == "":
		return reject(decides, portal.Invalid, "Say why the account is suspended. Its owner reads the message.")
	case now.Suspended:
		return alreadySo(decides, now)
	}
	return append(overturnedSwitch(now), events.AccountSuspended{Decides: decides, Message: strings.TrimSpace(req.Message)})
}

// Reinstatement decides on AccountReinstatementRequested: keys that only the suspension has
// disabled should work again. The operation ends once they do. Other accounts yield
// RequestUnchanged, or RequestJoined while keys are being enabled.
func Reinstatement(account state.Account, req events.AccountReinstatementRequested, _ string) []events.Fact {
	decides, now := events.Decides{Scopes: req.Scopes()}, account.Standing
	switch {
	case now.Leaving():
		return reject(decides, portal.Deleting, "The account is being deleted. Nothing brings it back.")
	case !account.Registered:
		return reject(decides, portal.NotRegistered, "The account is not registered, so it is not suspended either.")
	case !now.Suspended:
		return alreadySo(decides, now)
	}
	return append(overturnedSwitch(now), events.AccountReinstated{Decides: decides})
}

func alreadySo(decides events.Decides, now state.Standing) []events.Fact {
	if now.Switching == 0 {
		return []events.Fact{events.RequestUnchanged{Decides: decides}}
	}
	return []events.Fact{events.RequestJoined{Decides: decides, Link: events.Link{Wish: now.Switching}}}
}

func overturnedSwitch(now state.Standing) []events.Fact {
	if now.Switching == 0 {
		return nil
	}
	return []events.Fact{events.RequestSuperseded{Link: events.Link{Wish: now.Switching}}}
}
