package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

type historying interface {
	Page(ctx context.Context, account portal.AccountID, before int64, limit int) (entries []administration.HistoryEntry, older int64, err error)
}

// Note is what an admin or an operator wrote down about an account.
type Note struct {
	ID       string    `json:"id"`
	At       time.Time `json:"at"`
	Admin    string    `json:"admin,omitempty" doc:"The account of the admin who wrote it."`
	Operator string    `json:"operator,omitempty" doc:"Who wrote it at the command line, as user@host, instead of an admin."`
	Text     string    `json:"text"`
}

func showNote(n members.Note) Note {
	return Note{ID: n.ID, At: n.At, Admin: string(n.Admin), Operator: n.Operator, Text: n.Text}
}

// HistoryEntry is a fact about an account.
type HistoryEntry struct {
	Sequence  int64     `json:"sequence" doc:"The fact's place among the facts about the account, from 1."`
	At        time.Time `json:"at"`
	What      string    `json:"what" doc:"The type of the fact, such as AccountSuspended."`
	Title     string    `json:"title" doc:"What has happened, in words. The words may change; what does not."`
	By        string    `json:"by,omitempty" doc:"The account that asked for it. Without by and operator, a worker did it on its own."`
	Operator  bool      `json:"operator,omitempty" doc:"An operator asked for it at the command line."`
	Why       string    `json:"why,omitempty" doc:"The reason or the message that the fact carries."`
	WhyText   string    `json:"why_text,omitempty" doc:"Why, in words: a reason such as expired is a sentence."`
	Plan      string    `json:"plan,omitempty"`
	Key       string    `json:"key,omitempty"`
	Operation string    `json:"operation,omitempty"`
}

func showEntry(e administration.HistoryEntry) HistoryEntry {
	by, _ := e.Actor.Account()
	return HistoryEntry{
		Sequence: e.Sequence, At: e.At, What: e.What, Title: e.Title(), By: string(by), Operator: e.Actor == portal.Operator, Why: e.Why, WhyText: e.WhyText(),
		Plan: string(e.Plan), Key: string(e.Key), Operation: string(e.Operation),
	}
}

func (a *service) registerNotes(api huma.API) {
	huma.Register(api, adminReads("admin-list-notes", "/accounts/{account}/notes", "List notes about an account", "The latest first."), a.listNotes)
	huma.Register(api, adminChanges("admin-add-note", http.MethodPost, "/accounts/{account}/notes", "Add a note about an account",
		"Other admins read it. The account's owner reads it only in an export of the account's data. It is deleted with the account.", http.StatusCreated), a.addNote)
	huma.Register(api, adminReads("admin-account-history", "/accounts/{account}/history", "List what has happened to an account",
		"Every fact about the account from the journal, the latest first: what, who asked for it, and why."), a.accountHistory)
	op := adminReads("admin-export-account", "/accounts/{account}/export", "Export an account's data",
		"What the account's owner exports at /account/export. The audit records it.")
	huma.Register(api, op, a.exportOther)
	describeExport(api, op.Path)
}

// registered fails with NotFound if nobody has the account.
func (a *service) registered(ctx context.Context, account portal.AccountID) error {
	found, err := a.admin.Directory.Account(ctx, account)
	if err == nil && found.Profile.Status == projections.StatusNone {
		err = portal.Fail(portal.NotFound, "There is no such account.")
	}
	return err
}

type accountPageInput struct {
	AccountInput
	PageInput
}

func (a *service) listNotes(ctx context.Context, in *accountPageInput) (*struct{ Body List[Note] }, error) {
	_, err := admin(ctx)
	if err == nil {
		err = a.registered(ctx, portal.AccountID(in.Account))
	}
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	notes, next, err := a.admin.Members.Notes(ctx, portal.AccountID(in.Account), in.Cursor, in.Limit)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	shown := list(notes, showNote)
	shown.Next = in.next("/accounts/"+in.Account+"/notes", next)
	return &struct{ Body List[Note] }{shown}, nil
}

func (a *service) addNote(ctx context.Context, in *struct {
	AccountInput
	Body struct {
		Text string `json:"text" maxLength:"2000" doc:"What other admins should know."`
	}
}) (*struct{ Body Note }, error) {
	id, err := admin(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	note, err := a.admin.Members.AddNote(ctx, members.By{Admin: id.Account}, portal.AccountID(in.Account), in.Body.Text)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return &struct{ Body Note }{showNote(note)}, nil
}

func (a *service) accountHistory(ctx context.Context, in *accountPageInput) (*struct{ Body List[HistoryEntry] }, error) {
	if _, err := admin(ctx); err != nil {
		return nil, problemOf(ctx, err)
	}
	before := int64(0)
	if in.Cursor != "" {
		var err error
		if before, err = strconv.ParseInt(in.Cursor, 10, 64); err != nil || before < 1 {
			return nil, problemOf(ctx, portal.Fail(portal.Invalid, "The cursor is not from this list. Start with the first page."))
		}
	}
	account := portal.AccountID(in.Account)
	if err := a.registered(ctx, account); err != nil {
		return nil, problemOf(ctx, err)
	}
	entries, older, err := a.admin.History.Page(ctx, account, before, in.Limit)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	shown := list(entries, showEntry)
	if older > 0 {
		shown.Next = in.next("/accounts/"+in.Account+"/history", strconv.FormatInt(older, 10))
	}
	return &struct{ Body List[HistoryEntry] }{shown}, nil
}

func (a *service) exportOther(ctx context.Context, in *AccountInput) (*exportOutput, error) {
	id, err := admin(ctx)
	account := portal.AccountID(in.Account)
	if err == nil {
		err = a.registered(ctx, account)
	}
	if err == nil {
		err = a.admin.Members.Record(ctx, members.AuditEntry{Admin: id.Account, What: members.AuditExported, Subject: account})
	}
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return a.exportOf(account), nil
}
