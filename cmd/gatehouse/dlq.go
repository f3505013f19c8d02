package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/handlers"
)

type dlqCommand struct {
	List   dlqListCommand   `cmd:"" help:"List dead letters."`
	Show   dlqShowCommand   `cmd:"" help:"Show one dead letter with its body."`
	Replay dlqReplayCommand `cmd:"" help:"Send dead letters to their queues again."`
}

type dlqListCommand struct {
	All bool `help:"Also those that have been replayed since."`
}

// Run lists.
func (c dlqListCommand) Run(ctx context.Context) error {
	p, err := app.NewProcess(ctx, processName)
	if err != nil {
		return err
	}
	box, done := app.Letters(p)
	table := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	shown := 0
	err = box.Each(ctx, func(l handlers.DeadLetter) error {
		if l.Replays > 0 && !c.All {
			return nil
		}
		if shown == 0 {
			fmt.Fprintln(table, "ID\tTYPE\tABOUT\tCLASS\tATTEMPTS\tLAST\tREPLAYS")
		}
		shown++
		_, err := fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%s\t%d\n", l.MessageID, events.Name(l.Type), l.Subject, l.Class, l.Attempts, l.Last.Format(time.RFC3339), l.Replays)
		return err
	})
	if shown == 0 && err == nil {
		fmt.Println("There are no dead letters.")
	}
	return errors.Join(err, table.Flush(), done())
}

type dlqShowCommand struct {
	ID string `arg:"" help:"The dead letter's id."`
}

// Run shows one. Bodies hold ids, never personal data or secrets.
func (c dlqShowCommand) Run(ctx context.Context) error {
	p, err := app.NewProcess(ctx, processName)
	if err != nil {
		return err
	}
	box, done := app.Letters(p)
	l, err := box.Find(ctx, c.ID)
	if err == nil {
		fmt.Printf("id         %s\nqueue      %s\ntype       %s\nabout      %s\noperation  %s\nclass      %s\nerror      %s\nattempts   %d, %s to %s\nreplays    %d\n\n%s\n",
			l.MessageID, l.Queue, l.Type, l.Subject, l.Operation, l.Class, l.Error, l.Attempts,
			l.First.Format(time.RFC3339), l.Last.Format(time.RFC3339), l.Replays, l.Body)
	}
	return errors.Join(err, done())
}

type dlqReplayCommand struct {
	IDs    []string `arg:"" optional:"" help:"Ids of dead letters." name:"id"`
	All    bool     `help:"All that were not replayed since they were buried."`
	DryRun bool     `help:"Only say what would be replayed."`
}

// Run replays. A newer request has won by then, so replaying can undo nothing.
func (c dlqReplayCommand) Run(ctx context.Context) error {
	if c.All == (len(c.IDs) > 0) {
		return errors.New("name the dead letters to replay, or --all")
	}
	p, err := app.NewProcess(ctx, processName)
	if err != nil {
		return err
	}
	box, done := app.Letters(p)
	letters, err := c.chosen(ctx, box)
	for _, l := range letters {
		if c.DryRun {
			fmt.Printf("would replay %s, a %s about %s\n", l.MessageID, events.Name(l.Type), l.Subject)
			continue
		}
		if failed := box.Replay(ctx, l); failed != nil {
			err = errors.Join(err, failed)
			continue
		}
		fmt.Printf("replayed %s, a %s about %s\n", l.MessageID, events.Name(l.Type), l.Subject)
	}
	if len(letters) == 0 && err == nil {
		fmt.Println("There is nothing to replay.")
	}
	return errors.Join(err, done())
}

func (c dlqReplayCommand) chosen(ctx context.Context, box handlers.LetterBox) (letters []handlers.DeadLetter, err error) {
	if c.All {
		err = box.Each(ctx, func(l handlers.DeadLetter) error {
			if l.Replays == 0 {
				letters = append(letters, l)
			}
			return nil
		})
		return letters, err
	}
	for _, id := range c.IDs {
		l, missing := box.Find(ctx, id)
		if missing != nil {
			err = errors.Join(err, missing)
			continue
		}
		letters = append(letters, l)
	}
	return letters, err
}
