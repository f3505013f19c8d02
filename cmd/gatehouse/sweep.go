package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/provisioning"
)

type sweepCommand struct{ output }

func (c sweepCommand) Run(ctx context.Context) error {
	p, err := process(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "Asking a worker to sweep, and waiting until it has.")
	found, err := app.Sweep(ctx, p, warnWaiting)
	if err != nil {
		return err
	}
	return c.print(os.Stdout, found, func(w io.Writer) { printFound(w, found) })
}

func printFound(w io.Writer, found provisioning.Found) {
	fmt.Fprintf(w, "Compared %s: %d with open wishes, %d different in API Gateway,\n%d not fully shown.\n",
		count(found.Streams, "stream"), found.Open, found.Drifted, found.Unshown)
	if found.Open+found.Drifted+found.Unshown > 0 {
		fmt.Fprintln(w, "Workers have been woken for them.")
	}
	if found.Open > 0 {
		fmt.Fprintf(w, "An open wish may wait for you: `%s account find ID` shows what it\nwaits for.\n", processName)
	}
	if found.Recent > 0 {
		have, are, them := "have", "are", "them"
		if found.Recent == 1 {
			have, are, them = "has", "is", "it"
		}
		fmt.Fprintf(w, "%s %s changed just now and %s not fully compared yet. The next\nsweep, within the hour, compares %s again.\n",
			count(found.Recent, "stream"), have, are, them)
	}
	printFirst(w, "With open wishes", found.Open, streamNames(found.First.Open))
	printFirst(w, "Different in API Gateway", found.Drifted, streamNames(found.First.Drifted))
	printFirst(w, "Not fully shown", found.Unshown, streamNames(found.First.Unshown))
	printFirst(w, "Cannot be read; the workers' log says why", found.Unreadable, streamNames(found.First.Unreadable))
	printFirst(w, "Changed just now; the next sweep compares them again", found.Recent, streamNames(found.First.Recent))
	var strays []string
	for _, stray := range found.First.Strays {
		strays = append(strays, fmt.Sprintf("%s  %s", oneLine(string(stray.ID)), oneLine(stray.Name)))
	}
	printFirst(w, "Strays: keys in API Gateway that the journal does not know under their names", found.Strays, strays)
	if found.Strays > 0 {
		fmt.Fprintln(w, "Each works with the plans it is in. Delete those that nobody needs; see\ndocs/runbook.md#the-sweep.")
	}
}

func printFirst(w io.Writer, heading string, total int, names []string) {
	if total == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s:\n", heading)
	columns := max(width(w)-2, 0)
	for _, name := range names {
		fmt.Fprintf(w, "  %s\n", wrap(name, columns, 4))
	}
	if more := total - len(names); more > 0 {
		fmt.Fprintf(w, "  and %d more\n", more)
	}
}

func streamNames(streams []portal.Stream) []string {
	var names []string
	for _, stream := range streams {
		names = append(names, oneLine(string(stream)))
	}
	return names
}
