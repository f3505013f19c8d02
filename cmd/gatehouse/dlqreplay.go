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

// rehearsal replays nothing. It fails for letters that cannot be replayed.
type rehearsal struct{}

func (rehearsal) Replay(_ context.Context, letter deadletters.Letter) error {
	_, err := letter.Message()
	return err
}

// treated is the JSON of what a command did with a letter.
type treated struct {
	ID      string        `json:"id"`
	Type    string        `json:"type"`
	Subject portal.Stream `json:"subject"`
	Did     string        `json:"did"`
	// about describes the letter, or says why the command left it.
	about string
}

func treat(l deadletters.Letter, did string) treated {
	return treated{l.ID, events.Name(l.Type), l.Subject, did, about(l)}
}

// Run replays letters. A replay keeps its old intent, so it never undoes a newer request. If
// Run cannot replay one, it goes on with the others and fails at the end.
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
		return "this version does not know its type; update the workers and this command, then replay it"
	}
	if l.Class != transport.Unreadable {
		return "this version of the command cannot read it; replay it with one as new as the workers"
	}
	return "no worker can read it; look at it with `gatehouse dlq show`, then discard it"
}

// chosen reads the letters to replay. With --all, left holds the open letters that this
// version of the command cannot read.
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
		if _, unreadable := l.Message(); unreadable != nil && c.All {
			left = append(left, l)
			continue
		}
		letters = append(letters, l)
	}
	return letters, left, err
}
