package handlers

import (
	"context"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
	"github.com/gatehouse-portal/gatehouse/state"
)

// Promotion decides on AdminPromotionRequested: the account's owner is an admin from now on. The
// operation ends with the decision. An admin by promotion yields RequestUnchanged.
func Promotion(account state.Account, req events.AdminPromotionRequested, _ string) []events.Fact {
	decides, now := events.Decides{Scopes: req.Scopes()}, account.Standing
	switch {
	case now.Leaving():
		return reject(decides, portal.Deleting, "The account is being deleted, so its owner cannot become an admin.")
	case !account.Registered:
		return reject(decides, portal.NotRegistered, "Only a registered account can be an admin.")
	case now.Suspended:
		return reject(decides, portal.Suspended, "The account is suspended. Reinstate it first.")
	case now.Admin:
		return []events.Fact{events.RequestUnchanged{Decides: decides}}
	}
	return []events.Fact{events.AdminPromoted{Decides: decides}}
}

// Rows also know promotions of versions that appended no facts.
type promotedNow struct{ owner, sender bool }

// Demotion decides on AdminDemotionRequested: the account's owner is no longer an admin by
// promotion. An owner who is none is rejected. The sender must still be an admin: if two admins
// demote each other at once, one remains.
func Demotion(promoted promotedNow) Decide[events.AdminDemotionRequested] {
	return func(account state.Account, req events.AdminDemotionRequested, _ string) []events.Fact {
		decides := events.Decides{Scopes: req.Scopes()}
		switch {
		case !account.Standing.Admin && !promoted.owner:
			return reject(decides, portal.Conflict, "The account was not promoted here. Members of the identity provider's admin group are admins until they leave the group there.")
		case promoted.mayNotRemove(account, req.ByGroup):
			return noLongerAdmin(decides)
		}
		return []events.Fact{events.AdminDemoted{Decides: decides}}
	}
}

// isAdmin reports whether the owner of the account is an admin by promotion.
func (p promotedNow) isAdmin(account state.Account) bool { return account.Standing.Admin || p.owner }

// mayNotRemove reports whether a request would take an admin away, and its sender is no longer an admin.
func (p promotedNow) mayNotRemove(account state.Account, byGroup bool) bool {
	return p.isAdmin(account) && !byGroup && !p.sender
}

func noLongerAdmin(decides events.Decides) []events.Fact {
	return reject(decides, portal.Forbidden, "You are no longer an admin of this portal, so you cannot remove another admin.")
}

// demote handles AdminDemotionRequested.
func (d *Decider) demote(ctx context.Context, msg events.Event) error {
	var promoted promotedNow
	decide := func(account state.Account, req events.AdminDemotionRequested, id string) []events.Fact {
		return Demotion(promoted)(account, req, id)
	}
	return forAccount(d, decide, d.readPromoted(msg, &promoted))(ctx, msg)
}

// readPromoted reads who was promoted, with each try of a decision. An operator counts as an admin, and so
// does an owner of whom only the row tells.
func (d *Decider) readPromoted(msg events.Event, into *promotedNow) alongside {
	read := func(ctx context.Context) (err error) {
		owner, _ := msg.Subject.Account()
		sender, isAccount := msg.Actor.Account()
		var now promotedNow
		if now.owner, err = d.promoted(ctx, owner); err != nil {
			return err
		}
		now.sender = !isAccount || sender == owner && now.owner
		if isAccount && sender != owner {
			now.sender, err = d.promoted(ctx, sender)
		}
		*into = now
		return err
	}
	return alongside{read, func(owner *state.Account) { owner.Standing.Admin = owner.Standing.Admin || into.owner }}
}

// adminRow is the row of an admin by promotion. Package members reads it.
type adminRow struct {
	By portal.AccountID `dynamodbav:"by"`
	At time.Time        `dynamodbav:"at"`
}

// adminRows writes or deletes the row of an admin with the fact. A suspended admin has none until the
// reinstatement. The row of the admin who takes another one away must exist in that moment.
func adminRows(msg events.Event, before state.Account, facts []events.Event) []journal.Row {
	owner, _ := msg.Subject.Account()
	sender, isAccount := msg.Actor.Account()
	var rows []journal.Row
	for _, fact := range facts {
		switch fact.Data.(type) {
		case events.AdminPromoted:
			rows = append(rows, journal.Row{Key: schema.Admin(owner), Value: adminRow{By: sender, At: fact.Time}})
		case events.AccountReinstated:
			if before.Standing.Admin {
				rows = append(rows, journal.Row{Key: schema.Admin(owner), Value: adminRow{By: sender, At: fact.Time}})
			}
		case events.AdminDemoted:
			rows = append(rows, journal.Row{Key: schema.Admin(owner)})
		case events.AccountSuspended, events.AccountDeleting:
			if !before.Standing.Admin {
				continue
			}
			rows = append(rows, journal.Row{Key: schema.Admin(owner)})
		default:
			continue
		}
		if takesAway(fact) && isAccount && sender != owner && !byGroup(msg) {
			rows = append(rows, journal.MustExist(schema.Admin(sender)))
		}
	}
	return rows
}

func takesAway(fact events.Event) bool {
	switch fact.Data.(type) {
	case events.AdminDemoted, events.AccountSuspended, events.AccountDeleting:
		return true
	}
	return false
}

// byGroup reports whether the identity provider's group makes the sender an admin. Suspending or deleting
// an account takes nobody out of the group.
func byGroup(msg events.Event) bool {
	switch asked := msg.Data.(type) {
	case events.AdminDemotionRequested:
		return asked.ByGroup
	case events.AccountSuspensionRequested:
		return asked.ByGroup
	case events.AccountDeletionRequested:
		return asked.ByGroup
	}
	return false
}
