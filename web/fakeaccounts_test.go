package web_test

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

func (b *fakeInbox) Accounts(_ context.Context, cursor string, _ int32) (projections.AccountsPage, error) {
	if cursor != "" {
		return projections.AccountsPage{Accounts: []projections.ListedAccount{{ID: "account-eve"}}}, b.inboxErr
	}
	return projections.AccountsPage{Accounts: []projections.ListedAccount{{ID: "account-bob"}}, Next: "on"}, b.inboxErr
}

func (b *fakeInbox) OwnerOf(_ context.Context, key portal.KeyID) (portal.AccountID, error) {
	return map[portal.KeyID]portal.AccountID{"key-of-eve": "account-eve"}[key], b.inboxErr
}

func (b *fakeInbox) FindPeople(_ context.Context, begins string, limit int32) (found []portal.AccountID, more bool, err error) {
	for id, person := range b.persons {
		if strings.HasPrefix(strings.ToLower(person.Name+" "+person.Email), strings.ToLower(begins)) {
			found = append(found, id)
		}
	}
	slices.Sort(found)
	return found[:min(len(found), int(limit))], len(found) > int(limit), b.inboxErr
}

// Audit has as many pages as an admin looks at.
func (b *fakeInbox) Audit(_ context.Context, filter members.AuditFilter, before string, limit int) ([]members.AuditEntry, string, error) {
	b.audited = append(b.audited, filter)
	if filter.Subject != "" {
		return []members.AuditEntry{{At: now, Admin: "account-root", What: "AccountSuspensionRequested", Subject: filter.Subject}}, "", b.inboxErr
	}
	if filter.What == "nothing" {
		return nil, before + "x", b.inboxErr
	}
	return b.entries[:min(limit, len(b.entries))], "next", b.inboxErr
}

func (b *fakeInbox) Promoted(_ context.Context, account portal.AccountID) (bool, error) {
	return account == "account-eve", b.inboxErr
}

func (b *fakeInbox) AddNote(_ context.Context, by members.By, account portal.AccountID, text string) (members.Note, error) {
	note := members.Note{At: now, Admin: by.Admin, Text: text}
	b.notes = append(b.notes, note)
	return note, b.inboxErr
}

func (b *fakeInbox) Notes(context.Context, portal.AccountID, string, int) ([]members.Note, string, error) {
	return b.notes, "", b.inboxErr
}

// histories have two facts of every account, and an older page.
type histories struct{ *fakeInbox }

func (h histories) Page(_ context.Context, _ portal.AccountID, before int64, _ int) ([]administration.HistoryEntry, int64, error) {
	if before > 0 {
		return []administration.HistoryEntry{{Sequence: 1, At: now, What: "UserRegistered", Actor: portal.Operator}}, 0, h.inboxErr
	}
	return []administration.HistoryEntry{
		{Sequence: 3, At: now, What: "AccountSuspended", Actor: portal.AccountActor("account-root"), Operation: "op-1", Why: "Please <b>call</b> us."},
		{Sequence: 2, At: now, What: "KeyEnding", Key: "key-1", Plan: "plan-max", Why: "expired", Coded: true},
	}, 2, h.inboxErr
}

func (a answerer) Promote(_ context.Context, caller operations.Caller, account portal.AccountID) (operations.Operation, error) {
	return a.accept(caller, account, "", "promote "+string(account))
}

func (a answerer) Demote(_ context.Context, caller operations.Caller, account portal.AccountID, byGroup bool) (operations.Operation, error) {
	return a.accept(caller, account, "", fmt.Sprintf("demote %s %t", account, byGroup))
}

func (a answerer) DeleteOther(_ context.Context, caller operations.Caller, account portal.AccountID, byGroup bool) (operations.Operation, error) {
	return a.accept(caller, account, "", fmt.Sprintf("delete %s %t", account, byGroup))
}

func (a answerer) Suspend(_ context.Context, caller operations.Caller, account portal.AccountID, message string, byGroup bool) (operations.Operation, error) {
	return a.accept(caller, account, "", fmt.Sprintf("suspend %s %s %t", account, message, byGroup))
}

func (a answerer) Reinstate(_ context.Context, caller operations.Caller, account portal.AccountID) (operations.Operation, error) {
	return a.accept(caller, account, "", "reinstate "+string(account))
}

// known is the site in which every account has that status.
func known(status string) site {
	s := administered(stuffed())
	s.account = registered(subscription("plan-max", longWord, projections.SubscriptionActive))
	s.account.Profile.Status = status
	if status == projections.StatusSuspended {
		s.account.Profile.Message = "Please <b>call</b> us."
	}
	s.activity = []projections.Activity{{Text: "Your account was suspended by an admin: Please call us.", At: now, Operation: "op-1"}}
	s.office.persons["account-bob"] = identity.Person{Name: `<i>Bob</i> ` + "\u202e" + longWord, Email: "bob@example.com"}
	return s
}

func accountPagesForAdmins() map[string]shown {
	none := administered(&fakeAdmin{})
	none.account = unregistered()
	const bob = "/admin/accounts/account-bob"
	return map[string]shown{
		"accounts":                      {site: known(projections.StatusRegistered), path: "/admin/accounts"},
		"accounts, none fits":           {site: none, path: "/admin/accounts?q=" + longWord},
		"an account":                    {site: known(projections.StatusRegistered), path: bob},
		"an account, suspended":         {site: known(projections.StatusSuspended), path: bob},
		"an account, being deleted":     {site: known(projections.StatusDeleting), path: bob},
		"suspend":                       {site: known(projections.StatusRegistered), path: bob + "/suspend"},
		"suspend without a reason":      {site: known(projections.StatusRegistered), path: bob + "/suspend", post: bob + "/suspend", form: `document.querySelector("#message").value = " "`},
		"suspend what is being deleted": {site: known(projections.StatusDeleting), path: bob + "/suspend"},
		"promote":                       {site: known(projections.StatusRegistered), path: bob + "/promote"},
		"demote":                        {site: known(projections.StatusRegistered), path: "/admin/accounts/account-eve/demote"},
		"delete an account":             {site: known(projections.StatusRegistered), path: bob + "/delete"},
		"delete without the id":         {site: known(projections.StatusRegistered), path: bob + "/delete", post: bob + "/delete", form: `document.querySelector("#confirmation").value = "x"`},
		"the history of an account":     {site: known(projections.StatusRegistered), path: bob + "/history"},
		"reinstate":                     {site: known(projections.StatusSuspended), path: bob + "/reinstate"},
	}
}
