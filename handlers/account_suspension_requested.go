package handlers

import (
	"context"
	"strings"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// Suspension decides on AccountSuspensionRequested: API Gateway should refuse every key of the
// account until the account is reinstated. The operation ends once all keys are disabled. A
// suspended account yields RequestUnchanged, or RequestJoined while its keys are being disabled.
// Subscriptions and keys that are on their way wait until the account is reinstated: API Gateway gets
// no new key of it before that. An admin by promotion is none while suspended, so the sender must be an
// admin still; see Demotion.
func Suspension(promoted promotedNow) Decide[events.AccountSuspensionRequested] {
	return func(account state.Account, req events.AccountSuspensionRequested, _ string) []events.Fact {
		return suspension(promoted, account, req)
	}
}

func suspension(promoted promotedNow, account state.Account, req events.AccountSuspensionRequested) []events.Fact {
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
	case promoted.mayNotRemove(account, req.ByGroup):
		return noLongerAdmin(decides)
	}
	return append(overturnedSwitch(now), events.AccountSuspended{Decides: decides, Message: strings.TrimSpace(req.Message)})
}

func (d *Decider) suspend(ctx context.Context, msg events.Event) error {
	var promoted promotedNow
	decide := func(account state.Account, req events.AccountSuspensionRequested, id string) []events.Fact {
		return Suspension(promoted)(account, req, id)
	}
	return forAccount(d, decide, d.readPromoted(msg, &promoted))(ctx, msg)
}

// Reinstatement decides on AccountReinstatementRequested: keys that only the suspension has disabled
// should work again. The operation ends once they do. An account that is not suspended yields
// RequestUnchanged, or RequestJoined while its keys are being enabled.
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
