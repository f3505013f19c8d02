package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/deadletters"
)

type dlqDiscardCommand struct {
	output
	selection
	Reason string `required:"" help:"Why they must not be replayed. The letters and the audit keep it with your name, so put nothing personal in it." placeholder:"TEXT"`
}

// Validate checks the command line.
func (c dlqDiscardCommand) Validate() error {
	if strings.TrimSpace(c.Reason) == "" {
		return usageError("--reason is empty: say why")
	}
	return c.validate("discard")
}

type discarder interface {
	Discard(ctx context.Context, id, reason string) error
}

type discardRehearsal struct{}

func (discardRehearsal) Discard(context.Context, string, string) error { return nil }

// Run discards letters. If it cannot discard one, it goes on with the others and fails at the end.
func (c dlqDiscardCommand) Run(ctx context.Context) error {
	p, err := process(ctx)
	if err != nil {
		return err
	}
	box := app.OpenLetters(p)
	return errors.Join(c.run(ctx, box, time.Now()), box.Close())
}

func (c dlqDiscardCommand) run(ctx context.Context, box app.Letters, now time.Time) error {
	choice, asOf := c.choiceAsOf(now)
	chosen, missing, err := c.chosen(ctx, box, choice)
	if err != nil {
		return err
	}
	work := discarding{find: box.Find, with: discardRehearsal{}, did: "would discard", reason: c.Reason, named: len(c.IDs) > 0, list: []letterOutcome{}}
	if c.Yes {
		work.with, work.did = box, "discarded"
		if len(chosen) > 0 {
			if err := box.RecordDiscard(ctx, len(chosen), c.words(choice), strings.TrimSpace(c.Reason)); err != nil {
				return app.InWords(err)
			}
		}
	}
	bar := newProgressBar(os.Stderr, work.did, len(chosen))
	done, err := paced(ctx, chosen, 0, work.treat, bar.tell)
	bar.end()
	err = errors.Join(err, interruptedAfter(ctx, done, len(chosen)))
	printed := c.print(os.Stdout, map[string]any{"as_of": asOf, "letters": work.list}, func(w io.Writer) { c.describe(w, work.list, asOf, errors.Join(err, missing)) })
	return errors.Join(err, missing, printed)
}

func (c dlqDiscardCommand) describe(w io.Writer, list []letterOutcome, asOf time.Time, err error) {
	for _, one := range list[:min(len(list), shownTreated)] {
		text := one.Did + " " + one.ID + ", " + one.about
		if one.Did == already {
			text = one.ID + " was " + one.about
		}
		fmt.Fprintln(w, wrap(text, width(w), 2))
	}
	if more := len(list) - shownTreated; more > 0 {
		fmt.Fprintf(w, "… and %d more; --json names all.\n", more)
	}
	switch {
	case len(list) == 0 && err != nil:
	case len(list) == 0:
		fmt.Fprintln(w, "There is nothing to discard.")
	case !c.Yes:
		fmt.Fprintln(w, wrap("Nothing was changed. "+c.repeat(asOf)+" they are closed; their operations stay failed.", width(w), 0))
	}
}

type discarding struct {
	find   func(ctx context.Context, id string) (deadletters.Letter, error)
	with   discarder
	did    string
	reason string
	named  bool
	list   []letterOutcome
}

func (d *discarding) treat(ctx context.Context, chosen deadletters.Chosen) error {
	letter, err := d.find(ctx, chosen.ID)
	switch {
	case err != nil:
		return app.InWords(err)
	case letter.State() == deadletters.Discarded:
		d.list = append(d.list, alreadyDiscarded(letter))
		return nil
	case !d.named && letter.State() != deadletters.Open:
		return nil // another operator was first
	}
	if err := d.with.Discard(ctx, letter.ID, d.reason); err != nil {
		return app.InWords(err)
	}
	d.list = append(d.list, outcomeOf(letter, d.did))
	return nil
}

const already = "already discarded"

func alreadyDiscarded(l deadletters.Letter) letterOutcome {
	one := outcomeOf(l, already)
	one.about = fmt.Sprintf("%s at %s by %s: %s", already, moment(l.Discard.At), oneLine(l.Discard.By), oneLine(l.Discard.Reason))
	return one
}
