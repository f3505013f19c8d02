package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/deadletters"
)

type dlqDiscardCommand struct {
	output
	IDs    []string `arg:"" help:"Ids of dead letters." name:"id"`
	Reason string   `required:"" help:"Why they must not be replayed; the letters record it with your name." placeholder:"TEXT"`
	DryRun bool     `help:"Only print what would be discarded."`
}

func (c dlqDiscardCommand) Validate() error {
	if strings.TrimSpace(c.Reason) == "" {
		return usage("--reason is empty: say why")
	}
	return nil
}

type discarder interface {
	Discard(ctx context.Context, id, reason string) error
}

type discardRehearsal struct{}

func (discardRehearsal) Discard(context.Context, string, string) error { return nil }

// If Run cannot discard a letter, it goes on with the others and fails at the end.
func (c dlqDiscardCommand) Run(ctx context.Context) error {
	p, err := process(ctx)
	if err != nil {
		return err
	}
	box, done := app.Letters(p)
	var with discarder = box
	verb := "discarded"
	if c.DryRun {
		with, verb = discardRehearsal{}, "would discard"
	}
	list := []treated{}
	for _, id := range c.IDs {
		l, failed := box.Find(ctx, id)
		if failed == nil && l.State() == deadletters.Discarded {
			list = append(list, alreadyDiscarded(l))
			continue
		}
		if failed == nil {
			failed = with.Discard(ctx, id, c.Reason)
		}
		if failed != nil {
			err = errors.Join(err, app.InWords(failed))
			continue
		}
		list = append(list, treat(l, verb))
	}
	printed := c.print(os.Stdout, map[string]any{"letters": list}, func(w io.Writer) {
		for _, one := range list {
			text := one.Did + " " + one.ID + ", " + one.about
			if one.Did == already {
				text = one.ID + " was " + one.about
			}
			fmt.Fprintln(w, wrap(text, width(w), 2))
		}
	})
	return errors.Join(err, printed, done())
}

const already = "already discarded"

func alreadyDiscarded(l deadletters.Letter) treated {
	one := treat(l, already)
	one.about = fmt.Sprintf("%s at %s by %s: %s", already, moment(l.Discard.At), oneLine(l.Discard.By), oneLine(l.Discard.Reason))
	return one
}
