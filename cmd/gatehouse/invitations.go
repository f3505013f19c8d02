package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/portal"
)

type invitationsCommand struct {
	List   invitationsListCommand   `cmd:"" help:"List invitations, with what came of the mail."`
	Invite invitationsInviteCommand `cmd:"" help:"Invite e-mail addresses, or send their invitations again."`
	Remove invitationsRemoveCommand `cmd:"" help:"Remove invitations that nobody has used."`
}

// withMembers runs a command with the desk for people, and sends what it has queued.
func withMembers(ctx context.Context, run func(*app.MemberDesk) error) error {
	p, err := process(ctx)
	if err != nil {
		return err
	}
	desk := app.OpenMembers(p)
	return errors.Join(run(desk), desk.Close())
}

type invitationsListCommand struct {
	output
	State string `enum:"open,used,expired,all" default:"open" help:"open, used, expired or all." placeholder:"STATE"`
	listLimit
}

type invitationJSON struct {
	ID        string           `json:"id"`
	Email     string           `json:"email"`
	State     string           `json:"state"`
	InvitedBy portal.AccountID `json:"invited_by,omitempty"`
	Operator  string           `json:"operator,omitempty"`
	InvitedAt time.Time        `json:"invited_at"`
	ExpiresAt time.Time        `json:"expires_at"`
	UsedBy    portal.AccountID `json:"used_by,omitempty"`
	Mail      string           `json:"mail"`
	MailError string           `json:"mail_error,omitempty"`
}

// Run lists invitations.
func (c invitationsListCommand) Run(ctx context.Context) error {
	return withMembers(ctx, func(desk *app.MemberDesk) error {
		state := c.State
		if state == "all" {
			state = ""
		}
		found, more, err := desk.Invitations(ctx, state, c.Limit, time.Now())
		if err != nil {
			return err
		}
		list := make([]invitationJSON, 0, len(found))
		for _, one := range found {
			list = append(list, invitationJSON{
				ID: one.ID, Email: one.Email, State: one.State, InvitedBy: one.InvitedBy, Operator: one.Operator, InvitedAt: one.InvitedAt, ExpiresAt: one.Expires,
				UsedBy: one.UsedBy, Mail: one.Mail, MailError: one.MailError,
			})
		}
		return c.print(os.Stdout, map[string]any{"invitations": list, "more": more}, func(w io.Writer) {
			printInvitations(w, list)
			printMore(w, more)
		})
	})
}

func printInvitations(w io.Writer, list []invitationJSON) {
	if len(list) == 0 {
		fmt.Fprintln(w, "There is no such invitation.")
		return
	}
	var rows [][]string
	for _, one := range list {
		mail := one.Mail
		if one.MailError != "" {
			mail += ": " + oneLine(one.MailError)
		}
		rows = append(rows, []string{oneLine(one.Email), one.State, moment(one.ExpiresAt), mail})
	}
	table(w, "", []string{"E-MAIL", "STATE", "EXPIRES", "MAIL"}, rows)
}

type invitationsInviteCommand struct {
	output
	Addresses []string `arg:"" help:"E-mail addresses, or - to read them from standard input, one a line. At most 100."`
}

type invitedJSON struct {
	Email   string `json:"email"`
	Outcome string `json:"outcome"`
	Detail  string `json:"detail,omitempty"`
}

// Run invites the addresses. It fails at the end if one was not invited.
func (c invitationsInviteCommand) Run(ctx context.Context) error {
	addresses, err := addressesOf(c.Addresses, os.Stdin)
	if err != nil {
		return err
	}
	return withMembers(ctx, func(desk *app.MemberDesk) error {
		all, err := desk.Invite(ctx, addresses)
		if err != nil {
			return err
		}
		list, failed := make([]invitedJSON, 0, len(all)), 0
		for _, one := range all {
			shown := invitedJSONOf(one)
			if one.Err != nil {
				failed++
			}
			list = append(list, shown)
		}
		err = c.print(os.Stdout, map[string]any{"invited": list, "mailed": desk.Mailed()}, func(w io.Writer) { printInvited(w, list, desk.Mailed()) })
		if err == nil && failed > 0 {
			err = fmt.Errorf("not invited: %d of %d", failed, len(all))
		}
		return err
	})
}

func addressesOf(args []string, in io.Reader) ([]string, error) {
	var texts []string
	for _, arg := range args {
		if arg != "-" {
			texts = append(texts, arg)
			continue
		}
		lines := bufio.NewScanner(in)
		for lines.Scan() {
			texts = append(texts, lines.Text())
		}
		if err := lines.Err(); err != nil {
			return nil, fmt.Errorf("reading addresses: %w", err)
		}
	}
	addresses := administration.Addresses(strings.Join(texts, "\n"))
	switch n := len(addresses); {
	case n == 0:
		return nil, usageError("there is no e-mail address to invite")
	case n > administration.MaxInvited:
		return nil, usageError(fmt.Sprintf("%d addresses are too many: invite at most %d at once", n, administration.MaxInvited))
	}
	return addresses, nil
}

func invitedJSONOf(one administration.Invited) invitedJSON {
	switch {
	case one.Err != nil:
		return invitedJSON{one.Address, "not_invited", app.Explain(one.Err)}
	case one.Lately:
		return invitedJSON{one.Address, "invited_lately", "It was invited less than a minute ago, so nothing was done."}
	case one.Again():
		return invitedJSON{one.Address, "invited_again", ""}
	}
	return invitedJSON{one.Address, "invited", ""}
}

func printInvited(w io.Writer, list []invitedJSON, mailed bool) {
	var rows [][]string
	for _, one := range list {
		rows = append(rows, []string{oneLine(one.Email), strings.ReplaceAll(one.Outcome, "_", " "), one.Detail})
	}
	table(w, "", []string{"E-MAIL", "OUTCOME", ""}, rows)
	if !mailed {
		fmt.Fprintln(w, "No mail is sent, since GATEHOUSE_MAIL is not set here. Tell the people yourself.")
	}
}

type invitationsRemoveCommand struct {
	output
	Which []string `arg:"" help:"E-mail addresses, or ids of invitations."`
}

// Run removes the invitations. If it cannot remove one, it goes on with the others and fails at the end.
func (c invitationsRemoveCommand) Run(ctx context.Context) error {
	return withMembers(ctx, func(desk *app.MemberDesk) error {
		return c.each(ctx, "removed", c.Which, desk.RemoveInvitation)
	})
}
