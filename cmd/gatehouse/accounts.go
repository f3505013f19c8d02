package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/portal"
)

type accountsCommand struct {
	List      accountsListCommand      `cmd:"" help:"List accounts, the latest first."`
	Search    accountsSearchCommand    `cmd:"" help:"Find accounts by name, e-mail address, account id or key id."`
	Show      accountsShowCommand      `cmd:"" help:"Show an account: state, subscriptions, keys (no values), notes, newest operations."`
	History   accountsHistoryCommand   `cmd:"" help:"List what has happened to an account, the latest first."`
	Suspend   accountsSuspendCommand   `cmd:"" help:"Suspend an account. API Gateway refuses its keys until the reinstatement."`
	Reinstate accountsReinstateCommand `cmd:"" help:"End the suspension of an account."`
	Promote   accountsPromoteCommand   `cmd:"" help:"Make the owner of an account an admin."`
	Demote    accountsDemoteCommand    `cmd:"" help:"End a promotion to admin."`
	Delete    accountsDeleteCommand    `cmd:"" help:"Delete an account for good."`
	Note      accountsNoteCommand      `cmd:"" help:"Add a note about an account. Admins and operators read it."`
}

// withAccounts runs a command with the desk for accounts, and sends what it has queued.
func withAccounts(ctx context.Context, run func(*app.AccountDesk) error) error {
	p, err := process(ctx)
	if err != nil {
		return err
	}
	desk, err := app.OpenAccounts(p)
	if err != nil {
		return err
	}
	return errors.Join(run(desk), desk.Close())
}

type listedAccountJSON struct {
	ID           portal.AccountID `json:"id"`
	Name         string           `json:"name,omitempty"`
	Email        string           `json:"email,omitempty"`
	Status       string           `json:"status"`
	RegisteredAt *time.Time       `json:"registered_at,omitempty"`
}

func listedAccounts(found []app.ListedPerson) []listedAccountJSON {
	list := make([]listedAccountJSON, 0, len(found))
	for _, one := range found {
		list = append(list, listedAccountJSON{one.ID, one.Name, one.Email, one.Profile.Status, instant(one.Profile.RegisteredAt)})
	}
	return list
}

func printAccounts(w io.Writer, list []listedAccountJSON) {
	var rows [][]string
	for _, one := range list {
		registered := ""
		if one.RegisteredAt != nil {
			registered = one.RegisteredAt.Format(time.DateOnly)
		}
		rows = append(rows, []string{oneLine(string(one.ID)), one.Status, oneLine(registered), oneLine(cmp.Or(one.Email, one.Name))})
	}
	table(w, "", []string{"ACCOUNT", "STATE", "SINCE", "PERSON"}, rows)
}

type accountsListCommand struct {
	output
	listLimit
}

// Run lists accounts.
func (c accountsListCommand) Run(ctx context.Context) error {
	return withAccounts(ctx, func(desk *app.AccountDesk) error {
		found, more, err := desk.List(ctx, c.Limit)
		if err != nil {
			return err
		}
		list := listedAccounts(found)
		return c.print(os.Stdout, map[string]any{"accounts": list, "more": more}, func(w io.Writer) {
			if len(list) == 0 {
				fmt.Fprintln(w, "Nobody has an account yet.")
				return
			}
			printAccounts(w, list)
			printMore(w, more)
		})
	})
}

type accountsSearchCommand struct {
	output
	listLimit
	Query string `arg:"" help:"An account id, a key id, or the beginning of an e-mail address or of a word of the name."`
}

// Run finds accounts.
func (c accountsSearchCommand) Run(ctx context.Context) error {
	return withAccounts(ctx, func(desk *app.AccountDesk) error {
		found, more, err := desk.Search(ctx, c.Query, c.Limit)
		if err != nil {
			return err
		}
		list := listedAccounts(found)
		return c.print(os.Stdout, map[string]any{"accounts": list, "more": more}, func(w io.Writer) {
			if len(list) == 0 {
				fmt.Fprintln(w, "No account matches.")
				return
			}
			printAccounts(w, list)
			if more {
				fmt.Fprintln(w, "More accounts fit. Give more of the name or address, or raise --limit.")
			}
		})
	})
}

// accountArg names an account.
type accountArg struct {
	ID portal.AccountID `arg:"" help:"The account's id."`
}

type accountsShowCommand struct {
	output
	accountArg
}

type shownAccountJSON struct {
	accountJSON
	Message   string     `json:"message,omitempty"`
	Promoted  bool       `json:"promoted"`
	Notes     []noteJSON `json:"notes"`
	MoreNotes bool       `json:"more_notes"`
}

type noteJSON struct {
	At       time.Time        `json:"at"`
	Admin    portal.AccountID `json:"admin,omitempty"`
	Operator string           `json:"operator,omitempty"`
	Text     string           `json:"text"`
}

// Run shows an account.
func (c accountsShowCommand) Run(ctx context.Context) error {
	return withAccounts(ctx, func(desk *app.AccountDesk) error {
		found, err := desk.Show(ctx, c.ID)
		if err != nil {
			return err
		}
		shown := shownAccountJSON{accountJSON: accountJSONOf(found.FoundAccount), Message: found.Profile.Message, Promoted: found.Promoted, Notes: []noteJSON{}, MoreNotes: found.MoreNotes}
		for _, n := range found.Notes {
			shown.Notes = append(shown.Notes, noteJSON{n.At, n.Admin, n.Operator, n.Text})
		}
		return c.print(os.Stdout, shown, func(w io.Writer) {
			printAccount(w, found.FoundAccount)
			var rows [][]string
			for _, n := range shown.Notes {
				rows = append(rows, []string{n.At.UTC().Format(time.DateOnly), oneLine(cmp.Or(string(n.Admin), n.Operator)), oneLine(n.Text)})
			}
			section(w, "notes", []string{"DAY", "BY", "NOTE"}, rows)
			if found.MoreNotes {
				fmt.Fprintln(w, "There are older notes.")
			}
			if found.Promoted {
				paragraph(w, "Its owner is an admin, promoted here.")
			}
			if found.Profile.Message != "" {
				paragraph(w, "The reason that the person reads: "+oneLine(found.Profile.Message))
			}
		})
	})
}

type accountsHistoryCommand struct {
	output
	listLimit
	accountArg
}

type historyJSON struct {
	Sequence  int64              `json:"sequence"`
	At        time.Time          `json:"at"`
	What      string             `json:"what"`
	Title     string             `json:"title"`
	By        portal.AccountID   `json:"by,omitempty"`
	Operator  bool               `json:"operator,omitempty"`
	Plan      portal.PlanID      `json:"plan,omitempty"`
	Key       portal.KeyID       `json:"key,omitempty"`
	Why       string             `json:"why,omitempty"`
	WhyText   string             `json:"why_text,omitempty"`
	Operation portal.OperationID `json:"operation,omitempty"`
}

func historyJSONOf(e administration.HistoryEntry) historyJSON {
	by, _ := e.Actor.Account()
	return historyJSON{
		Sequence: e.Sequence, At: e.At, What: e.What, Title: e.Title(), By: by, Operator: e.Actor == portal.Operator, Plan: e.Plan, Key: e.Key,
		Why: e.Why, WhyText: e.WhyText(), Operation: e.Operation,
	}
}

// Run lists what has happened.
func (c accountsHistoryCommand) Run(ctx context.Context) error {
	return withAccounts(ctx, func(desk *app.AccountDesk) error {
		entries, more, err := desk.History(ctx, c.ID, c.Limit)
		if err != nil {
			return err
		}
		if len(entries) == 0 {
			return portal.Fail(portal.NotFound, "There is no account "+string(c.ID)+".")
		}
		list := make([]historyJSON, 0, len(entries))
		for _, one := range entries {
			list = append(list, historyJSONOf(one))
		}
		return c.print(os.Stdout, map[string]any{"history": list, "more": more}, func(w io.Writer) {
			for _, one := range list {
				printEvent(w, one)
			}
			printMore(w, more)
		})
	})
}

func printEvent(w io.Writer, e historyJSON) {
	by := "a worker"
	switch {
	case e.By != "":
		by = oneLine(string(e.By))
	case e.Operator:
		by = "an operator"
	}
	fmt.Fprintf(w, "%s  %s (%s)\n", moment(e.At)[:len("2006-01-02 15:04:05")], e.Title, oneLine(e.What))
	about := "by " + by
	if e.Plan != "" {
		about += ", plan " + oneLine(string(e.Plan))
	}
	if e.Key != "" {
		about += ", key " + oneLine(string(e.Key))
	}
	const indent = 21
	for _, text := range []string{about, printable(e.WhyText)} {
		if text != "" {
			columns := width(w)
			fmt.Fprintf(w, "%*s%s\n", indent, "", wrap(text, max(columns-indent, 0), indent))
		}
	}
}
