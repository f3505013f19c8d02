package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/events"
)

type dlqReplayCommand struct {
	IDs    []string `arg:"" optional:"" help:"Ids of dead letters." name:"id"`
	All    bool     `help:"All that are open and can be replayed."`
	DryRun bool     `help:"Only say what would be replayed."`
}

type replayer interface {
	Replay(ctx context.Context, letter deadletters.Letter) error
}

// rehearsal replays nothing and fails where replaying would.
type rehearsal struct{}

func (rehearsal) Replay(_ context.Context, letter deadletters.Letter) error {
	_, err := letter.Message()
	return err
}

// Run replays. A newer request has won by then, so replaying can undo nothing. What
// cannot be replayed is said, and stops no other.
func (c dlqReplayCommand) Run(ctx context.Context) error {
	if c.All == (len(c.IDs) > 0) {
		return errors.New("name the dead letters to replay, or --all")
	}
	p, err := app.NewProcess(ctx, processName)
	if err != nil {
		return err
	}
	box, done := app.Letters(p)
	var with replayer = box
	verb := "replayed"
	if c.DryRun {
		with, verb = rehearsal{}, "would replay"
	}
	letters, err := c.chosen(ctx, box)
	for _, l := range letters {
		if failed := with.Replay(ctx, l); failed != nil {
			err = errors.Join(err, failed)
			continue
		}
		fmt.Printf("%s %s, a %s about %s\n", verb, l.ID, events.Name(l.Type), l.Subject)
	}
	if len(letters) == 0 && err == nil {
		fmt.Println("There is nothing to replay.")
	}
	return errors.Join(err, done())
}

// chosen reads the letters one asked for. Of all open ones, those that no worker could
// read are left where they are.
func (c dlqReplayCommand) chosen(ctx context.Context, box deadletters.Box) (letters []deadletters.Letter, err error) {
	ids := c.IDs
	if c.All {
		err := box.Each(ctx, func(l deadletters.Letter) error {
			if l.State() == deadletters.Open {
				ids = append(ids, l.ID)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	for _, id := range ids {
		l, missing := box.Find(ctx, id)
		if missing != nil {
			err = errors.Join(err, missing)
			continue
		}
		if _, unreadable := l.Message(); unreadable != nil && c.All {
			fmt.Printf("left %s, which no worker can read\n", id)
			continue
		}
		letters = append(letters, l)
	}
	return letters, err
}
