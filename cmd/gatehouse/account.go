package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

type accountCommand struct {
	Find accountFindCommand `cmd:"" help:"Show the accounts of an e-mail address, or one account: state, subscriptions, keys (no values), newest operations."`
}

type accountFindCommand struct {
	output
	Who string `arg:"" help:"An e-mail address, an account id, or the subject (sub) of an identity at GATEHOUSE_OIDC_ISSUER. Finding an e-mail address reads the whole records table."`
}

func (c accountFindCommand) Run(ctx context.Context) error {
	desk, err := openDesk(ctx)
	if err != nil {
		return err
	}
	accounts, err := desk.Accounts(ctx, c.Who)
	if err != nil {
		return err
	}
	list := make([]accountJSON, 0, len(accounts))
	for _, a := range accounts {
		list = append(list, accountJSONOf(a))
	}
	return c.print(os.Stdout, map[string]any{"accounts": list}, func(w io.Writer) {
		for i, a := range accounts {
			if i > 0 {
				fmt.Fprintln(w)
			}
			printAccount(w, a)
		}
	})
}

func printAccount(w io.Writer, a app.FoundAccount) {
	pairs(w, [2]string{"account", string(a.ID)}, [2]string{"e-mail", address(a)}, [2]string{"name", printable(a.Name)},
		[2]string{"state", a.Profile.Status}, [2]string{"registered", moment(a.Profile.RegisteredAt)})
	var rows [][]string
	for _, s := range a.Subscriptions {
		state := s.State + whyEnded(a, s).text
		if !s.Offered {
			state += ", no longer offered"
		}
		if s.Waiting != "" {
			state += ", waiting: " + s.Waiting
		}
		rows = append(rows, []string{string(s.Plan), oneLine(s.Name), state, moment(s.Since)})
	}
	section(w, "subscriptions", []string{"PLAN", "NAME", "STATE", "SINCE"}, rows)
	rows = nil
	for _, k := range a.Keys {
		state := k.State
		if k.State != projections.KeyReleased && !inUse(a, k) {
			state += ", in no plan"
		}
		rows = append(rows, []string{string(k.ID), oneLine(string(k.GatewayID)), state})
	}
	section(w, "keys", []string{"KEY", "API GATEWAY", "STATE"}, rows)
	rows = nil
	for _, op := range a.Operations {
		rows = append(rows, []string{string(op.ID), op.Type, oneLine(string(op.Plan)), string(op.Status)})
	}
	section(w, "newest operations", []string{"OPERATION", "TYPE", "PLAN", "STATUS"}, rows)
}

func inUse(a app.FoundAccount, key projections.Key) bool {
	return slices.ContainsFunc(a.Subscriptions, func(s projections.Subscription) bool {
		return s.Ring == key.Ring && s.State != projections.SubscriptionEnded
	})
}

type ending struct{ code, text string }

// whyEnded returns the zero ending for a subscription that has not ended, or not by one of the
// newest operations.
func whyEnded(a app.FoundAccount, s projections.Subscription) ending {
	switch {
	case s.State != projections.SubscriptionEnded:
		return ending{}
	case s.Lost == string(events.LostPlanGone):
		return ending{s.Lost, ": the usage plan was deleted (" + s.Lost + ")"}
	case s.Lost == string(events.LostStageTaken):
		return ending{s.Lost, ": another plan of the key covers the same stage (" + s.Lost + ")"}
	case s.Lost != "":
		return ending{s.Lost, " (" + oneLine(s.Lost) + ")"}
	}
	for _, op := range a.Operations {
		// The fact that ended the subscription ended the operation, too.
		if op.Plan != s.Plan || !op.UpdatedAt.Equal(s.Since) {
			continue
		}
		switch op.Status {
		case projections.Succeeded:
			return ending{"left", ": its owner left the plan (left)"}
		case projections.Rejected:
			return ending{op.Code, ": the request was refused (" + op.Code + ")"}
		}
	}
	return ending{}
}

func section(w io.Writer, title string, heads []string, rows [][]string) {
	if len(rows) == 0 {
		fmt.Fprintf(w, "\nno %s\n", title)
		return
	}
	fmt.Fprintf(w, "\n%s\n", title)
	table(w, "  ", heads, rows)
}

func address(a app.FoundAccount) string {
	if a.Unverified {
		return printable(a.Email) + " (not verified)"
	}
	return printable(a.Email)
}

// printable is oneLine, but "" stays "".
func printable(text string) string {
	if text == "" {
		return ""
	}
	return oneLine(text)
}

type accountJSON struct {
	ID            portal.AccountID   `json:"id"`
	Email         string             `json:"email,omitempty"`
	Unverified    bool               `json:"email_unverified,omitempty"`
	Name          string             `json:"name,omitempty"`
	Status        string             `json:"status"`
	RegisteredAt  *time.Time         `json:"registered_at,omitempty"`
	Subscriptions []subscriptionJSON `json:"subscriptions"`
	Keys          []keyJSON          `json:"keys"`
	Operations    []operationJSON    `json:"operations"`
}

type subscriptionJSON struct {
	Plan    portal.PlanID `json:"plan"`
	Name    string        `json:"name"`
	Offered bool          `json:"offered"`
	State   string        `json:"state"`
	Waiting string        `json:"waiting,omitempty"`
	// Reason is why the subscription ended: plan_gone, stage_taken, left, or the code with
	// which the request was refused.
	Reason string     `json:"reason,omitempty"`
	Since  *time.Time `json:"since,omitempty"`
}

type keyJSON struct {
	ID        portal.KeyID        `json:"id"`
	GatewayID portal.GatewayKeyID `json:"gateway_id,omitempty"`
	State     string              `json:"state"`
	// InUse: the key is in a plan, or is being added to one or removed from one.
	InUse     bool       `json:"in_use"`
	CreatedAt *time.Time `json:"created_at,omitempty"`
}

func accountJSONOf(a app.FoundAccount) accountJSON {
	out := accountJSON{
		ID: a.ID, Email: a.Email, Unverified: a.Unverified, Name: a.Name, Status: a.Profile.Status, RegisteredAt: instant(a.Profile.RegisteredAt),
		Subscriptions: []subscriptionJSON{}, Keys: []keyJSON{}, Operations: []operationJSON{},
	}
	for _, s := range a.Subscriptions {
		out.Subscriptions = append(out.Subscriptions, subscriptionJSON{Plan: s.Plan, Name: s.Name, Offered: s.Offered, State: s.State, Waiting: s.Waiting, Reason: whyEnded(a, s).code, Since: instant(s.Since)})
	}
	for _, k := range a.Keys {
		out.Keys = append(out.Keys, keyJSON{ID: k.ID, GatewayID: k.GatewayID, State: k.State, InUse: inUse(a, k), CreatedAt: instant(k.CreatedAt)})
	}
	for _, op := range a.Operations {
		op.Steps = nil
		out.Operations = append(out.Operations, operationJSONOf(op))
	}
	return out
}
