package handlers

import (
	"context"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// Deletion decides on AccountDeletionRequested: the account, registered or not, should be deleted
// with its keys and its personal data. The operation ends once nothing is left. The decision ends
// every open wish, and no later decision undoes it. A second request joins the first, or yields
// RequestUnchanged once the account is deleted.
//
// A suspended owner is refused, since a new account would end the suspension. An admin may delete
// it.
func Deletion(byOwner bool) Decide[events.AccountDeletionRequested] {
	return func(account state.Account, req events.AccountDeletionRequested, _ string) []events.Fact {
		decides, now := events.Decides{Scopes: req.Scopes()}, account.Standing
		switch {
		case now.Deleted:
			return []events.Fact{events.RequestUnchanged{Decides: decides}}
		case now.Deleting != 0:
			return []events.Fact{events.RequestJoined{Decides: decides, Link: events.Link{Wish: now.Deleting}}}
		case now.Suspended && byOwner:
			return rejectAs(decides, portal.DeletionSuspended())
		}
		return append(releasing(account), events.AccountDeleting{Decides: decides})
	}
}

func (d *Decider) deleteAccount(ctx context.Context, msg events.Event) error {
	id, ok := msg.Subject.Account()
	return forAccount(d, Deletion(ok && msg.Actor == portal.AccountActor(id)))(ctx, msg)
}
