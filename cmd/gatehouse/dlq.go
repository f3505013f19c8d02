package main

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/events"
)

type dlqCommand struct {
	List   dlqListCommand   `cmd:"" help:"List the dead letters that somebody has to look at."`
	Show   dlqShowCommand   `cmd:"" help:"Show one dead letter with its body."`
	Replay dlqReplayCommand `cmd:"" help:"Send dead letters to their queues again."`
}

type dlqListCommand struct {
	All bool `help:"Also the settled ones, of which a replay was handled."`
}

// Run lists: first what is open, then what was replayed and not heard of since, then
// what is settled; in each the oldest first.
func (c dlqListCommand) Run(ctx context.Context) error {
	p, err := app.NewProcess(ctx, processName)
	if err != nil {
		return err
	}
	box, done := app.Letters(p)
	var letters []deadletters.Letter
	count := map[deadletters.State]int{}
	err = box.Each(ctx, func(l deadletters.Letter) error {
		count[l.State()]++
		if c.All || l.State() != deadletters.Settled {
			letters = append(letters, l)
		}
		return nil
	})
	if err = errors.Join(err, done()); err != nil {
		return err
	}
	order := []deadletters.State{deadletters.Open, deadletters.Replayed, deadletters.Settled}
	slices.SortStableFunc(letters, func(a, b deadletters.Letter) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.State()), slices.Index(order, b.State())), a.Last.Compare(b.Last))
	})
	if err := printLetters(os.Stdout, letters); err != nil {
		return err
	}
	fmt.Printf("%d open, %d replayed and not handled yet, %d settled", count[deadletters.Open], count[deadletters.Replayed], count[deadletters.Settled])
	if count[deadletters.Settled] > 0 && !c.All {
		fmt.Print(" (--all lists them)")
	}
	fmt.Println(".")
	return nil
}

func printLetters(to io.Writer, letters []deadletters.Letter) error {
	if len(letters) == 0 {
		return nil
	}
	table := tabwriter.NewWriter(to, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tTYPE\tABOUT\tCLASS\tATTEMPTS\tLAST\tSTATE\tREPLAYS")
	for _, l := range letters {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%s\t%s\t%d\n", l.ID, oneLine(events.Name(l.Type)), oneLine(string(l.Subject)), l.Class,
			l.Attempts, l.Last.Format(time.RFC3339), l.State(), l.Replays)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(to)
	return err
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
	if err = errors.Join(err, done()); err != nil {
		return err
	}
	for _, line := range [][2]string{
		{"id", l.ID}, {"queue", l.Queue}, {"consumer", l.Consumer}, {"type", l.Type}, {"about", string(l.Subject)},
		{"operation", string(l.Operation)}, {"class", l.Class}, {"error", l.Error},
		{"attempts", fmt.Sprintf("%d, %s to %s", l.Attempts, l.First.Format(time.RFC3339), l.Last.Format(time.RFC3339))},
		{"state", stateOf(l)}, {"body", fmt.Sprintf("%d bytes", len(l.Body))},
	} {
		fmt.Printf("%-10s %s\n", line[0], oneLine(line[1]))
	}
	_, err = fmt.Printf("\n%s\n", readable(l.Body))
	return err
}

func stateOf(l deadletters.Letter) string {
	state := string(l.State())
	switch l.State() {
	case deadletters.Replayed:
		state += " at " + l.ReplayedAt.Format(time.RFC3339) + ", not handled yet"
	case deadletters.Settled:
		state += " at " + l.SettledAt.Format(time.RFC3339)
	}
	if l.Replays > 0 {
		state += fmt.Sprintf("; replays in all: %d", l.Replays)
	}
	return state
}

// oneLine is a text of the message's sender as one line that does nothing to a terminal.
func oneLine(text string) string {
	if text == "" {
		return "-"
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return utf8.RuneError
		}
		return r
	}, text)
}

// readable is a body as it is, or what a text would do harm as, byte by byte.
func readable(body []byte) string {
	harmful := func(r rune) bool { return !unicode.IsPrint(r) && !strings.ContainsRune("\n\r\t", r) }
	if !utf8.Valid(body) || strings.ContainsFunc(string(body), harmful) {
		return hex.Dump(body)
	}
	return string(body)
}
