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
		case !req.ByGroup && !promoted.sender:
			return reject(decides, portal.Forbidden, "You are no longer an admin of this portal.")
		}
		return []events.Fact{events.AdminDemoted{Decides: decides}}
	}
}

// demote reads who was promoted with each try.
func (d *Decider) demote(ctx context.Context, msg events.Event) error {
	var promoted promotedNow
	decide := func(account state.Account, req events.AdminDemotionRequested, id string) []events.Fact {
		return Demotion(promoted)(account, req, id)
	}
	return forAccount(d, decide, func(ctx context.Context) (err error) {
		owner, _ := msg.Subject.Account()
		if promoted.owner, err = d.promoted(ctx, owner); err != nil {
			return err
		}
		sender, isAccount := msg.Actor.Account()
		if !isAccount {
			promoted.sender = true // an operator
			return nil
		}
		promoted.sender, err = d.promoted(ctx, sender)
		return err
	})(ctx, msg)
}

// adminRow is the row of an admin by promotion. Package members reads it.
type adminRow struct {
	By portal.AccountID `dynamodbav:"by"`
	At time.Time        `dynamodbav:"at"`
}

// adminRows: the row of the admin who demotes another must exist in that moment.
func adminRows(msg events.Event, facts []events.Event) []journal.Row {
	owner, _ := msg.Subject.Account()
	sender, isAccount := msg.Actor.Account()
	var rows []journal.Row
	for _, fact := range facts {
		switch fact.Data.(type) {
		case events.AdminPromoted:
			rows = append(rows, journal.Row{Key: schema.Admin(owner), Value: adminRow{By: sender, At: fact.Time}})
		case events.AdminDemoted:
			rows = append(rows, journal.Row{Key: schema.Admin(owner)})
			if asked, ok := msg.Data.(events.AdminDemotionRequested); ok && !asked.ByGroup && isAccount && sender != owner {
				rows = append(rows, journal.MustExist(schema.Admin(sender)))
			}
		}
	}
	return rows
}
