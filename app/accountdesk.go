package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// AccountDesk is for an operator at the command line who looks after accounts. Its changes go through the operations
// of the admin pages, and the audit records the operator as user@host of this process.
type AccountDesk struct {
	*Desk
	store   *members.Store
	changes *operations.Operations
	history administration.History
	sender  messaging
	by      members.By
}

// OpenAccounts opens the desk. It makes no call. The caller must close it at the end.
func OpenAccounts(p Process) (*AccountDesk, error) {
	desk, err := OpenDesk(p)
	if err != nil {
		return nil, err
	}
	c, names := desk.clients, desk.names
	d := &AccountDesk{
		Desk: desk, store: members.NewStore(c.dynamodb, names.Records, p.now()), sender: newMessaging(c, names),
		history: administration.History{Journal: desk.facts}, by: members.By{Operator: operator()},
	}
	d.changes = operations.New(operations.Config{
		Tables: c.dynamodb, Records: names.Records, Sender: d.sender, Now: p.now(), Source: "/gatehouse/cli",
		Views: projections.NewViews(c.dynamodb, projections.Tables{Views: names.Views, Records: names.Records}, catalog.NewStore(c.dynamodb, names.Records)),
	})
	return d, nil
}

// Close sends what is queued.
func (d *AccountDesk) Close() error { return d.sender.close() }

// ListedPerson is an account in a list.
type ListedPerson struct {
	ID          portal.AccountID
	Name, Email string
	Profile     projections.Profile
}

// List lists at most limit accounts that ever registered, the latest first. more: there are others.
func (d *AccountDesk) List(ctx context.Context, limit int) (found []ListedPerson, more bool, err error) {
	all, more, err := pagesOf(limit, func(cursor string, n int) ([]projections.ListedAccount, string, error) {
		page, err := d.views.Accounts(ctx, cursor, int32(n))
		return page.Accounts, page.Next, err
	})
	if err != nil {
		return nil, false, err
	}
	ids := make([]portal.AccountID, len(all))
	for i, one := range all {
		ids[i] = one.ID
	}
	found, err = d.persons(ctx, ids)
	return found, more, err
}

// Search finds at most limit accounts by account id, by key id, or by the beginning of an e-mail address or of a
// word of the name. more: there are others.
func (d *AccountDesk) Search(ctx context.Context, query string, limit int) (found []ListedPerson, more bool, err error) {
	search := administration.AccountSearch{Views: d.views, Keys: d.views, People: d.people}
	ids, more, err := search.Find(ctx, query, int32(limit))
	if err != nil {
		return nil, false, causeOf(err)
	}
	found, err = d.persons(ctx, ids)
	return found, more, err
}

func (d *AccountDesk) persons(ctx context.Context, ids []portal.AccountID) (found []ListedPerson, err error) {
	for _, id := range ids {
		profile, err := d.views.Profile(ctx, id)
		if err != nil {
			return nil, causeOf(err)
		}
		person, err := d.people.Person(ctx, id)
		if err != nil && portal.CodeOf(err) != portal.NotFound {
			return nil, causeOf(err)
		}
		found = append(found, ListedPerson{ID: id, Name: person.Name, Email: person.Email, Profile: profile})
	}
	return found, nil
}

// ShownAccount is an account with what admins wrote about it.
type ShownAccount struct {
	FoundAccount
	// Promoted: the owner is an admin because an admin or an operator promoted them.
	Promoted bool
	Notes    []members.Note
	// MoreNotes: there are older notes.
	MoreNotes bool
}

const shownNotes = 20

// Show returns an account. The error is NotFound if nobody has registered it or asked for it.
func (d *AccountDesk) Show(ctx context.Context, id portal.AccountID) (ShownAccount, error) {
	found, err := d.account(ctx, id)
	if err != nil {
		return ShownAccount{}, err
	}
	if found.Profile.Status == projections.StatusNone {
		return ShownAccount{}, portal.Fail(portal.NotFound, "There is no account "+string(id)+". `gatehouse accounts search` finds accounts by name, e-mail address or key.")
	}
	shown := ShownAccount{FoundAccount: found}
	if shown.Promoted, err = d.store.PromotedNow(ctx, id); err != nil {
		return ShownAccount{}, causeOf(err)
	}
	notes, next, err := d.store.Notes(ctx, id, "", shownNotes)
	shown.Notes, shown.MoreNotes = notes, next != ""
	return shown, causeOf(err)
}

// History lists at most limit facts about an account, the latest first. more: there are older ones.
func (d *AccountDesk) History(ctx context.Context, id portal.AccountID, limit int) (entries []administration.HistoryEntry, more bool, err error) {
	return pagesOf(limit, func(before int64, n int) ([]administration.HistoryEntry, int64, error) {
		return d.history.Page(ctx, id, before, n)
	})
}

// AccountChange is what an operator does to an account. Verb is suspend, reinstate, promote, demote, delete or note. Text is
// the reason of a suspension, which the person reads, or the note.
type AccountChange struct {
	Verb    string
	Account portal.AccountID
	Text    string
}

// Check returns the account, or why the change is not possible now. It changes nothing.
func (d *AccountDesk) Check(ctx context.Context, change AccountChange) (ShownAccount, error) {
	text := strings.TrimSpace(change.Text)
	switch {
	case change.Verb == "suspend" && text == "":
		return ShownAccount{}, portal.Fail(portal.Invalid, "Give a reason with --reason. The person reads it.")
	case change.Verb == "suspend" && utf8.RuneCountInString(text) > operations.MaxMessage:
		return ShownAccount{}, portal.Fail(portal.Invalid, fmt.Sprintf("The reason is longer than %d characters. Shorten it.", operations.MaxMessage))
	case change.Verb == "note" && (text == "" || utf8.RuneCountInString(text) > members.MaxNote):
		return ShownAccount{}, portal.Fail(portal.Invalid, "A note has 1 to 2000 characters.")
	}
	shown, err := d.Show(ctx, change.Account)
	if err != nil {
		return shown, err
	}
	return shown, change.possible(shown)
}

func (c AccountChange) possible(a ShownAccount) error {
	status := a.Profile.Status
	over := status == projections.StatusDeleting || status == projections.StatusDeleted
	why := ""
	switch {
	case c.Verb == "suspend" && status != projections.StatusRegistered, c.Verb == "promote" && status != projections.StatusRegistered:
		why = "Its state is " + status + ". Only a registered account can be changed so."
	case c.Verb == "reinstate" && status != projections.StatusSuspended:
		why = "It is not suspended. Its state is " + status + "."
	case c.Verb == "delete" && over, c.Verb == "note" && status == projections.StatusDeleted:
		why = "It is deleted, or being deleted."
	case c.Verb == "promote" && a.Promoted:
		why = "Its owner is an admin already."
	case c.Verb == "demote" && !a.Promoted:
		why = "Its owner was not promoted. Members of the identity provider's admin group are admins until they leave the group there."
	}
	if why == "" {
		return nil
	}
	return portal.Fail(portal.Conflict, "Account "+string(c.Account)+": "+why)
}

// Make makes a change, which Check has allowed. It returns the operation in which a worker carries it out; a note has
// none. A second call makes the change again, which a worker answers with nothing to do; a note is stored twice.
func (d *AccountDesk) Make(ctx context.Context, change AccountChange) (operations.Operation, error) {
	caller, account, text := operations.Caller{Operator: d.by.Operator}, change.Account, strings.TrimSpace(change.Text)
	var operation operations.Operation
	var err error
	switch change.Verb {
	case "suspend":
		operation, err = d.changes.Suspend(ctx, caller, account, text, false)
	case "reinstate":
		operation, err = d.changes.Reinstate(ctx, caller, account)
	case "promote":
		operation, err = d.changes.Promote(ctx, caller, account)
	case "demote":
		operation, err = d.changes.Demote(ctx, caller, account, false)
	case "delete":
		operation, err = d.changes.DeleteOther(ctx, caller, account, false)
	case "note":
		_, err = d.store.AddNote(ctx, d.by, account, text)
	default:
		err = errors.New("unknown change " + change.Verb)
	}
	return operation, causeOf(err)
}
