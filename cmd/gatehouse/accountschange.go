package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// accountChange has the flags of the commands that change an account, and carries the change out.
type accountChange struct {
	output
	dryRun
	accountArg
}

type changeJSON struct {
	Account   portal.AccountID   `json:"account"`
	Change    string             `json:"change"`
	DryRun    bool               `json:"dry_run"`
	Status    string             `json:"status"`
	Operation portal.OperationID `json:"operation,omitempty"`
}

// carryOut checks a change and, with --yes, makes it. effect says what comes of it.
func (c accountChange) carryOut(ctx context.Context, verb, text, effect string) error {
	return withAccounts(ctx, func(desk *app.AccountDesk) error {
		change := app.AccountChange{Verb: verb, Account: c.ID, Text: text}
		account, err := desk.Check(ctx, change)
		if err != nil {
			return err
		}
		shown := changeJSON{Account: c.ID, Change: verb, DryRun: !c.Yes, Status: account.Profile.Status}
		if c.Yes {
			operation, err := desk.Make(ctx, change)
			if err != nil {
				return err
			}
			shown.Operation = operation.ID
		}
		return c.print(os.Stdout, shown, func(w io.Writer) { printChange(w, account, shown, effect) })
	})
}

func printChange(w io.Writer, account app.ShownAccount, shown changeJSON, effect string) {
	pairs(w, [2]string{"account", oneLine(string(shown.Account))}, [2]string{"e-mail", address(account.FoundAccount)}, [2]string{"name", printable(account.Name)},
		[2]string{"state", shown.Status}, [2]string{"subscriptions", fmt.Sprint(len(account.Subscriptions))}, [2]string{"keys", fmt.Sprint(len(account.Keys))})
	switch {
	case shown.DryRun:
		paragraph(w, "With --yes: "+effect)
		paragraph(w, "Nothing was changed.")
	case shown.Operation == "":
		paragraph(w, "Done. The audit names you.")
	default:
		paragraph(w, "Accepted: "+effect+" The audit names you.")
		fmt.Fprintf(w, "\n%s operation follow %s\n", processName, shown.Operation)
	}
}

type accountsSuspendCommand struct {
	accountChange
	Reason string `required:"" placeholder:"TEXT" help:"Why. The person reads it, and it stays in the journal for ever. At most 500 characters."`
}

// Run suspends an account.
func (c accountsSuspendCommand) Run(ctx context.Context) error {
	return c.carryOut(ctx, "suspend", c.Reason, "API Gateway refuses every key of the account until it is reinstated, and the person reads the reason.")
}

type accountsReinstateCommand struct{ accountChange }

// Run reinstates an account.
func (c accountsReinstateCommand) Run(ctx context.Context) error {
	return c.carryOut(ctx, "reinstate", "", "API Gateway accepts again the keys that worked before the suspension.")
}

type accountsPromoteCommand struct{ accountChange }

// Run makes a person an admin.
func (c accountsPromoteCommand) Run(ctx context.Context) error {
	return c.carryOut(ctx, "promote", "", "The person becomes an admin of the portal, who sees and decides about all accounts.")
}

type accountsDemoteCommand struct{ accountChange }

// Run ends a promotion.
func (c accountsDemoteCommand) Run(ctx context.Context) error {
	return c.carryOut(ctx, "demote", "", "The person is no longer an admin by promotion. Members of the identity provider's admin group stay admins.")
}

type accountsDeleteCommand struct{ accountChange }

// Run deletes an account.
func (c accountsDeleteCommand) Run(ctx context.Context) error {
	return c.carryOut(ctx, "delete", "", "Its keys are deleted in API Gateway and its personal data is erased. Nothing brings the account back.")
}

type accountsNoteCommand struct {
	accountChange
	Text string `arg:"" help:"The note, at most 2000 characters. The person reads it in an export of their data."`
}

// Run adds a note.
func (c accountsNoteCommand) Run(ctx context.Context) error {
	return c.carryOut(ctx, "note", c.Text, "The note is stored. Admins and operators read it.")
}
