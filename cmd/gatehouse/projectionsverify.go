package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/projections"
)

type projectionsVerifyCommand struct{ output }

// Run changes nothing. It fails if a row differs or a stream cannot be read, and not because facts are
// still to be shown.
func (c projectionsVerifyCommand) Run(ctx context.Context) error {
	p, err := process(ctx)
	if err != nil {
		return err
	}
	views := app.OpenViewsVerifier(p)
	streams, err := views.Streams(ctx)
	if err != nil {
		return err
	}
	bar := newProgressBar(os.Stderr, "compared", streams)
	found, err := views.Verify(ctx, bar.tell)
	bar.end()
	if err != nil {
		return err
	}
	if err := c.print(os.Stdout, found, func(w io.Writer) { describeVerification(w, found) }); err != nil {
		return err
	}
	switch {
	case found.Found > 0:
		return fmt.Errorf("the views differ from the journal in %s; `gatehouse projections rebuild` writes all rows again", count(found.Found, "row"))
	case found.Unreadable > 0:
		return fmt.Errorf("%s could not be read", count(found.Unreadable, "stream"))
	}
	return nil
}

func describeVerification(w io.Writer, found projections.Verification) {
	for _, d := range found.Differences {
		text := fmt.Sprintf("%s: %s, %s", d.What, oneLine(d.PK), oneLine(d.SK))
		if d.Stream != "" {
			text += fmt.Sprintf(" (of %s)", oneLine(string(d.Stream)))
		}
		if len(d.Attributes) > 0 {
			text += ": " + oneLine(strings.Join(d.Attributes, ", "))
		}
		fmt.Fprintln(w, wrap(text, width(w), 2))
	}
	if more := found.Found - len(found.Differences); more > 0 {
		fmt.Fprintf(w, "… and %d more\n", more)
	}
	if found.Found > 0 {
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "Compared %s of generation %d with %s of %s: %s.\n", count(found.Rows, "row"), found.Generation,
		count(int(found.Facts), "fact"), count(found.Streams, "stream"), count(found.Found, "difference"))
	if found.Behind > 0 {
		fmt.Fprintf(w, "%s not shown to the end yet; %s missing.\n", count(found.Behind, "stream"), count(int(found.Unshown), "fact"))
	}
	if found.Unreadable > 0 {
		fmt.Fprintf(w, "%s cannot be read by this version, so rows that no stream has were not looked for.\n", count(found.Unreadable, "stream"))
	}
	if found.Leftover > 0 {
		fmt.Fprintf(w, "%s of older generations are left. They do no harm; the next rebuild deletes them.\n", count(found.Leftover, "row"))
	}
}
