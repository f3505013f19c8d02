package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/transport"
)

type dlqReplayCommand struct {
	output
	IDs    []string `arg:"" optional:"" help:"Ids of dead letters." name:"id"`
	All    bool     `help:"Replay all that are open and can be replayed."`
	DryRun bool     `help:"Only print what would be replayed."`
}

func (c dlqReplayCommand) Validate() error {
	if c.All == (len(c.IDs) > 0) {
		return usage("name the dead letters to replay, or --all")
	}
	return nil
}

type replayer interface {
	Replay(ctx context.Context, letter deadletters.Letter) error
}

type rehearsal struct{}

func (rehearsal) Replay(context.Context, deadletters.Letter) error { return nil }

type treated struct {
	ID      string        `json:"id"`
	Type    string        `json:"type"`
	Subject portal.Stream `json:"subject"`
	Did     string        `json:"did"`
	about   string
}

func treat(l deadletters.Letter, did string) treated {
	return treated{l.ID, events.Name(l.Type), l.Subject, did, about(l)}
}

// A replay keeps its old intent, so it never undoes a newer request. If Run cannot replay a
// letter, it goes on with the others and fails at the end.
func (c dlqReplayCommand) Run(ctx context.Context) error {
	p, err := process(ctx)
	if err != nil {
		return err
	}
	box, done := app.Letters(p)
	var with replayer = box
	verb := "replayed"
	if c.DryRun {
		with, verb = rehearsal{}, "would replay"
	}
	list := []treated{}
	letters, left, err := c.chosen(ctx, box)
	for _, l := range left {
		list = append(list, treated{l.ID, events.Name(l.Type), l.Subject, "left", whyLeft(l)})
	}
	for _, l := range letters {
		if failed := with.Replay(ctx, l); failed != nil {
			err = errors.Join(err, app.InWords(failed))
			continue
		}
		list = append(list, treat(l, verb))
	}
	printed := c.print(os.Stdout, map[string]any{"letters": list}, func(w io.Writer) {
		for _, one := range list {
			if one.Did == "left" {
				fmt.Fprintln(w, wrap("left "+one.ID+": "+one.about, width(w), 2))
				continue
			}
			fmt.Fprintln(w, wrap(one.Did+" "+one.ID+", "+one.about, width(w), 2))
		}
		if len(letters) == 0 && err == nil {
			fmt.Fprintln(w, "There is nothing to replay.")
		}
	})
	return errors.Join(err, printed, done())
}

func whyLeft(l deadletters.Letter) string {
	if l.Class == string(transport.UnknownType) {
		return "This version does not know its type. Update the workers and this command, then replay it."
	}
	if l.Class != transport.Unreadable {
		return "This version of the command cannot read it. Replay it with one as new as the workers."
	}
	why := "No worker can read it."
	_, err := l.Message()
	var cause *portal.Error
	if errors.As(errors.Unwrap(err), &cause) {
		why = cause.Message // without what the decoder says
	}
	return why + " Look at it with `gatehouse dlq show`, then discard it."
}

// Letters that this version cannot read are in left with --all, and otherwise an error.
func (c dlqReplayCommand) chosen(ctx context.Context, box deadletters.Admin) (letters, left []deadletters.Letter, err error) {
	ids := c.IDs
	if c.All {
		err := box.Each(ctx, func(l deadletters.Letter) error {
			if l.State() == deadletters.Open {
				ids = append(ids, l.ID)
			}
			return nil
		})
		if err != nil {
			return nil, nil, app.InWords(err)
		}
	}
	for _, id := range ids {
		l, missing := box.Find(ctx, id)
		if missing != nil {
			err = errors.Join(err, app.InWords(missing))
			continue
		}
		_, unreadable := l.Message()
		switch {
		case unreadable == nil:
			letters = append(letters, l)
		case c.All:
			left = append(left, l)
		default:
			err = errors.Join(err, portal.Fail(portal.Invalid, "Dead letter "+l.ID+" cannot be replayed. "+whyLeft(l)))
		}
	}
	return letters, left, err
}
