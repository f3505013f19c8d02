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
// The owner of a suspended account is refused: deleting it and signing up again would end the
// suspension. An admin may delete it. An admin cannot delete their own account, and one who deletes another
// admin must be an admin still; see Demotion.
func Deletion(byOwner bool, promoted promotedNow) Decide[events.AccountDeletionRequested] {
	return func(account state.Account, req events.AccountDeletionRequested, _ string) []events.Fact {
		decides, now := events.Decides{Scopes: req.Scopes()}, account.Standing
		switch {
		case now.Deleted:
			return []events.Fact{events.RequestUnchanged{Decides: decides}}
		case now.Deleting != 0:
			return []events.Fact{events.RequestJoined{Decides: decides, Link: events.Link{Wish: now.Deleting}}}
		case now.Suspended && byOwner:
			return rejectAs(decides, portal.DeletionSuspended())
		case byOwner && promoted.isAdmin(account):
			return rejectAs(decides, portal.DeletionOfAdmin())
		case !byOwner && promoted.mayNotRemove(account, req.ByGroup):
			return noLongerAdmin(decides)
		}
		return append(releasing(account), events.AccountDeleting{Decides: decides})
	}
}

func (d *Decider) deleteAccount(ctx context.Context, msg events.Event) error {
	id, ok := msg.Subject.Account()
	byOwner := ok && msg.Actor == portal.AccountActor(id)
	var promoted promotedNow
	decide := func(account state.Account, req events.AccountDeletionRequested, id string) []events.Fact {
		return Deletion(byOwner, promoted)(account, req, id)
	}
	return forAccount(d, decide, d.readPromoted(msg, &promoted))(ctx, msg)
}
