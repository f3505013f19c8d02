package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
)

type auditCommand struct {
	output
	Account string `help:"Only what was done to this account." placeholder:"ID"`
	By      string `help:"Only what this admin did, by account id, or this operator, as user@host." placeholder:"WHO"`
	What    string `help:"Only this, such as AccountSuspensionRequested or KeysPurged." placeholder:"WHAT"`
	From    day    `help:"Only what was done on this day (UTC) or later, such as 2026-11-01, or at this time or later (RFC 3339)." placeholder:"DAY"`
	To      day    `help:"Only what was done on this day (UTC) or earlier, or before this time." placeholder:"DAY"`
	Limit   int    `help:"How many to list; 0 is all. The default is 50, and all with --json." default:"-1" placeholder:"N"`
}

func (auditCommand) Help() string {
	return "It lists what admins did on pages and by JSON, and what operators did at the command line, the latest first. The audit is kept for ever."
}

const listedEntries = 50

func (c auditCommand) limit() int {
	switch {
	case c.Limit >= 0:
		return c.Limit
	case c.JSON:
		return 0
	}
	return listedEntries
}

func (c auditCommand) filter() members.AuditFilter {
	return members.AuditFilter{By: c.By, Subject: portal.AccountID(c.Account), What: c.What, From: c.From.begins, To: c.To.ends}
}

func (c auditCommand) Validate() error {
	if !c.From.begins.IsZero() && !c.To.ends.IsZero() && !c.From.begins.Before(c.To.ends) {
		return usageError("--from is later than --to: swap them")
	}
	return nil
}

type auditEntryJSON struct {
	At        *time.Time         `json:"at"`
	Admin     portal.AccountID   `json:"admin,omitempty"`
	Operator  string             `json:"operator,omitempty"`
	What      string             `json:"what"`
	Account   portal.AccountID   `json:"account,omitempty"`
	Operation portal.OperationID `json:"operation,omitempty"`
	Plan      portal.PlanID      `json:"plan,omitempty"`
	Answer    string             `json:"answer,omitempty"`
	Count     int                `json:"count,omitempty"`
	Choice    string             `json:"choice,omitempty"`
	Reason    string             `json:"reason,omitempty"`
}

func (c auditCommand) Run(ctx context.Context) error {
	desk, err := openDesk(ctx)
	if err != nil {
		return err
	}
	list, left := []auditEntryJSON{}, false
	err = desk.EachAuditEntry(ctx, c.filter(), func(d members.AuditEntry) bool {
		if left = c.limit() > 0 && len(list) == c.limit(); left {
			return false
		}
		list = append(list, auditEntryJSON{instant(d.At), d.Admin, d.Operator, d.What, d.Subject, d.Operation, d.Plan, d.Answer, d.Count, d.Choice, d.Reason})
		return true
	})
	if err != nil {
		return err
	}
	return c.print(os.Stdout, map[string]any{"items": list, "more": left}, func(w io.Writer) { printAuditEntries(w, list, left) })
}

func printAuditEntries(w io.Writer, list []auditEntryJSON, left bool) {
	if len(list) == 0 {
		fmt.Fprintln(w, "Nothing matches.")
		return
	}
	rows := make([][]string, 0, len(list))
	for _, d := range list {
		by := string(d.Admin)
		if by == "" {
			by = d.Operator
		}
		rows = append(rows, []string{moment(*d.At), oneLine(by), oneLine(d.What), oneLine(string(d.Account)), oneLine(d.details())})
	}
	table(w, "", []string{"AT", "BY", "WHAT", "ACCOUNT", "DETAILS"}, rows)
	if left {
		fmt.Fprintln(w, "There are older ones (--limit lists more).")
	}
}

func (d auditEntryJSON) details() string {
	var parts []string
	for _, part := range [][2]string{{"plan ", string(d.Plan)}, {"", d.Answer}, {"", d.Choice}, {"", d.Reason}, {"operation ", string(d.Operation)}} {
		if part[1] != "" {
			parts = append(parts, part[0]+part[1])
		}
	}
	if d.Count > 0 {
		parts = append([]string{fmt.Sprintf("%d in all", d.Count)}, parts...)
	}
	return strings.Join(parts, ", ")
}

// day is a day in UTC, or a time.
type day struct{ begins, ends time.Time }

// UnmarshalText accepts 2026-11-22, and RFC 3339.
func (d *day) UnmarshalText(text []byte) error {
	if at, err := time.Parse(time.DateOnly, string(text)); err == nil {
		*d = day{at, at.AddDate(0, 0, 1)}
		return nil
	}
	at, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		return fmt.Errorf("%q: want a day such as 2026-11-22, or a time such as 2026-11-22T09:00:00Z", text)
	}
	*d = day{at, at}
	return nil
}
