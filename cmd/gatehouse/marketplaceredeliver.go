package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

type marketplaceRedeliverCommand struct {
	output
	dryRun
	From []string `placeholder:"ARN" help:"A dead-letter queue to read; can be repeated. Without it: those of the rule and of the subscriptions."`
}

func (marketplaceRedeliverCommand) Help() string {
	return "A dead-letter queue holds what SNS or EventBridge could not deliver. The command lists it and, with --yes, sends each notice to the portal's queue and then deletes it from the dead-letter queue. First correct what kept the notices from the queue: `gatehouse marketplace doctor` says what is wrong. You can interrupt and repeat the command. A notice that workers have had already changes nothing."
}

func (c marketplaceRedeliverCommand) Run(ctx context.Context) error {
	p, err := process(ctx)
	if err != nil {
		return err
	}
	done, err := app.RedeliverNotices(ctx, p, app.Redelivery{Yes: c.Yes, From: c.From})
	if len(done.Queues) == 0 && err != nil {
		return err
	}
	printed := c.print(os.Stdout, redeliveredJSONOf(done, c.Yes), func(w io.Writer) { printRedelivered(w, done, c.Yes) })
	if left := done.Left(); left > 0 && err == nil {
		err = fmt.Errorf("%s cannot be sent", count(left, "message"))
	}
	return errors.Join(err, printed)
}

func printRedelivered(w io.Writer, done app.Redelivered, yes bool) {
	if len(done.Notices) > 0 {
		printUndelivered(w, done.Notices)
		fmt.Fprintln(w)
	}
	for _, n := range done.Notices {
		if n.Problem != "" {
			fmt.Fprintf(w, "%s\n", wrap("LEFT: message "+oneLine(n.Message)+" of "+oneLine(n.Queue)+". "+oneLine(n.Problem), width(w), 2))
		}
	}
	possible := len(done.Notices) - done.Left()
	switch {
	case len(done.Notices) == 0:
		fmt.Fprintln(w, wrap("There are no undelivered notices in "+queuesOf(done)+".", width(w), 0))
	case possible == 0:
		fmt.Fprintln(w, "Nothing can be sent.")
	case !yes:
		fmt.Fprintf(w, "%s would be sent to the portal's queue. Run the command with --yes.\n", count(possible, "notice"))
	default:
		fmt.Fprintf(w, "%s sent. `gatehouse dlq list` has those that a worker cannot handle.\n", count(done.Sent(), "notice"))
	}
	if done.Hidden > 0 {
		paragraph(w, fmt.Sprintf("About %s were being read by another run of this command, or by one that was stopped. Repeat it in two minutes.", count(done.Hidden, "message")))
	}
}

// printUndelivered has a column of reasons only if AWS gives one.
func printUndelivered(w io.Writer, notices []app.UndeliveredNotice) {
	heads := []string{"STATE", "NOTICE OF", "KIND", "ABOUT"}
	reasons := slices.ContainsFunc(notices, func(n app.UndeliveredNotice) bool { return n.Reason != "" })
	if reasons {
		heads = append(heads, "NOT DELIVERED BECAUSE")
	}
	rows := make([][]string, 0, len(notices))
	for _, n := range notices {
		data := n.Notice.Data
		row := []string{stateOfUndelivered(n), moment(data.At), oneLine(string(data.Kind)), oneLine(subjectOf(n))}
		if reasons {
			row = append(row, oneLine(n.Reason))
		}
		rows = append(rows, row)
	}
	table(w, "", heads, rows)
}

func queuesOf(done app.Redelivered) string {
	if len(done.Queues) == 1 {
		return "the queue " + oneLine(done.Queues[0])
	}
	return count(len(done.Queues), "queue")
}

func stateOfUndelivered(n app.UndeliveredNotice) string {
	switch {
	case n.Problem != "":
		return "LEFT"
	case n.Sent:
		return "sent"
	}
	return "waits"
}

// subjectOf is the licence, or else the agreement or the product that the notice names.
func subjectOf(n app.UndeliveredNotice) string {
	bought := n.Notice.Data.Purchase
	switch {
	case n.Notice.Subject.IsLicence():
		return string(n.Notice.Subject)
	case bought.Agreement != "":
		return "agreement " + bought.Agreement
	case bought.Product != "":
		return "product " + string(bought.Product)
	}
	return ""
}

type redeliveredJSON struct {
	DryRun  bool              `json:"dry_run"`
	Queues  []string          `json:"queues"`
	Sent    int               `json:"sent"`
	Left    int               `json:"left"`
	Hidden  int               `json:"hidden"`
	Notices []undeliveredJSON `json:"notices"`
}

type undeliveredJSON struct {
	app.UndeliveredNotice
	Source    string             `json:"source,omitempty"`
	Kind      events.NoticeKind  `json:"kind,omitempty"`
	At        *time.Time         `json:"at,omitempty"`
	Licence   portal.Stream      `json:"licence,omitempty"`
	Agreement string             `json:"agreement,omitempty"`
	Product   portal.ProductCode `json:"product,omitempty"`
}

func redeliveredJSONOf(done app.Redelivered, yes bool) redeliveredJSON {
	out := redeliveredJSON{DryRun: !yes, Queues: done.Queues, Sent: done.Sent(), Left: done.Left(), Hidden: done.Hidden, Notices: []undeliveredJSON{}}
	for _, n := range done.Notices {
		data := n.Notice.Data
		one := undeliveredJSON{UndeliveredNotice: n, Source: data.Source, Kind: data.Kind, At: instant(data.At), Agreement: data.Purchase.Agreement, Product: data.Purchase.Product}
		if n.Notice.Subject.IsLicence() {
			one.Licence = n.Notice.Subject
		}
		out.Notices = append(out.Notices, one)
	}
	return out
}
