package main

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

type dlqCommand struct {
	List    dlqListCommand    `cmd:"" help:"List the dead letters that need an operator."`
	Show    dlqShowCommand    `cmd:"" help:"Show one dead letter with its body."`
	Replay  dlqReplayCommand  `cmd:"" help:"Send dead letters to their queues again."`
	Discard dlqDiscardCommand `cmd:"" help:"Close dead letters without replaying them."`
}

type dlqListCommand struct {
	output
	All bool `help:"Also list the closed ones: settled (a replay was handled) and discarded."`
}

// Letters that need an operator come first.
var order = []deadletters.State{deadletters.Open, deadletters.Replayed, deadletters.Settled, deadletters.Discarded}

func closed(state deadletters.State) bool {
	return state == deadletters.Settled || state == deadletters.Discarded
}

// Run lists the open letters, then the replayed ones that no worker has handled yet, then with
// --all the closed ones; in each group, the oldest last failure comes first.
func (c dlqListCommand) Run(ctx context.Context) error {
	p, err := process(ctx)
	if err != nil {
		return err
	}
	box, done := app.Letters(p)
	var letters []deadletters.Letter
	counts := map[deadletters.State]int{}
	err = box.Each(ctx, func(l deadletters.Letter) error {
		counts[l.State()]++
		if c.All || !closed(l.State()) {
			letters = append(letters, l)
		}
		return nil
	})
	if err = errors.Join(app.InWords(err), done()); err != nil {
		return err
	}
	slices.SortStableFunc(letters, func(a, b deadletters.Letter) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.State()), slices.Index(order, b.State())), a.Last.Compare(b.Last))
	})
	list := make([]letterJSON, 0, len(letters))
	for _, l := range letters {
		list = append(list, letterJSONOf(l))
	}
	return c.print(os.Stdout, map[string]any{"letters": list, "counts": counts}, func(w io.Writer) {
		printLetters(w, letters)
		fmt.Fprintf(w, "%d open, %d replayed and not handled yet, %d settled, %d discarded", counts[deadletters.Open], counts[deadletters.Replayed],
			counts[deadletters.Settled], counts[deadletters.Discarded])
		if counts[deadletters.Settled]+counts[deadletters.Discarded] > 0 && !c.All {
			fmt.Fprint(w, " (--all lists them)")
		}
		fmt.Fprintln(w, ".")
	})
}

type letterJSON struct {
	ID        string             `json:"id"`
	State     deadletters.State  `json:"state"`
	Class     string             `json:"class"`
	Type      string             `json:"type"`
	Subject   portal.Stream      `json:"subject"`
	Operation portal.OperationID `json:"operation,omitempty"`
	Queue     string             `json:"queue"`
	Consumer  string             `json:"consumer"`
	Error     string             `json:"error"`
	Attempts  int64              `json:"attempts"`
	First     *time.Time         `json:"first,omitempty"`
	Last      *time.Time         `json:"last,omitempty"`
	Replays   int64              `json:"replays"`
	Discard   *discardJSON       `json:"discard,omitempty"`
	// Body is the message if it is JSON. Otherwise Text has it, or Encoded if it is not UTF-8.
	Body    json.RawMessage `json:"body,omitempty"`
	Text    string          `json:"body_text,omitempty"`
	Encoded []byte          `json:"body_base64,omitempty"`
}

type discardJSON struct {
	By     string     `json:"by"`
	At     *time.Time `json:"at"`
	Reason string     `json:"reason"`
}

func letterJSONOf(l deadletters.Letter) letterJSON {
	out := letterJSON{
		ID: l.ID, State: l.State(), Class: l.Class, Type: l.Type, Subject: l.Subject, Operation: l.Operation, Queue: l.Queue,
		Consumer: l.Consumer, Error: l.Error, Attempts: int64(l.Attempts), First: instant(l.First), Last: instant(l.Last), Replays: l.Replays,
	}
	if d := l.Discard; d != nil {
		out.Discard = &discardJSON{By: d.By, At: instant(d.At), Reason: d.Reason}
	}
	switch {
	case json.Valid(l.Body):
		out.Body = l.Body
	case utf8.Valid(l.Body):
		out.Text = string(l.Body)
	default:
		out.Encoded = l.Body
	}
	return out
}

func printLetters(to io.Writer, letters []deadletters.Letter) {
	if len(letters) == 0 {
		return
	}
	for _, l := range letters {
		replays := ""
		if l.Replays > 0 {
			replays = ", replayed " + count(int(l.Replays), "time")
		}
		fmt.Fprintf(to, "%s\n", l.ID)
		fmt.Fprintf(to, "  %s, %s%s; %s, last %s\n", l.State(), l.Class, replays, count(int(l.Attempts), "attempt"), moment(l.Last))
		fmt.Fprintf(to, "  %s\n", about(l))
		columns := width(to)
		fmt.Fprintf(to, "  %s\n\n", wrap(oneLine(l.Error), columns, 2))
	}
}

func about(l deadletters.Letter) string {
	switch {
	case l.Type == "":
		return "a message from the queue " + l.Queue
	case l.Subject == "":
		return "a " + oneLine(events.Name(l.Type))
	}
	return "a " + oneLine(events.Name(l.Type)) + " about " + oneLine(string(l.Subject))
}

type dlqShowCommand struct {
	output
	ID string `arg:"" help:"The dead letter's id."`
}

// Bodies hold ids, never personal data or secrets.
func (c dlqShowCommand) Run(ctx context.Context) error {
	p, err := process(ctx)
	if err != nil {
		return err
	}
	box, done := app.Letters(p)
	l, err := box.Find(ctx, c.ID)
	if err = errors.Join(app.InWords(err), done()); err != nil {
		return err
	}
	return c.print(os.Stdout, letterJSONOf(l), func(w io.Writer) {
		pairs(w,
			[2]string{"id", l.ID}, [2]string{"queue", l.Queue}, [2]string{"consumer", l.Consumer}, [2]string{"type", printable(l.Type)},
			[2]string{"about", printable(string(l.Subject))}, [2]string{"operation", printable(string(l.Operation))}, [2]string{"class", l.Class},
			[2]string{"error", oneLine(l.Error)}, [2]string{"attempts", fmt.Sprintf("%d, %s to %s", l.Attempts, moment(l.First), moment(l.Last))},
			[2]string{"state", stateOf(l)}, [2]string{"body", fmt.Sprintf("%d bytes", len(l.Body))},
		)
		fmt.Fprintf(w, "\n%s\n", readable(l.Body))
	})
}

func stateOf(l deadletters.Letter) string {
	state := string(l.State())
	switch l.State() {
	case deadletters.Replayed:
		state += " at " + moment(l.ReplayedAt) + ", not handled yet"
	case deadletters.Settled:
		state += " at " + moment(l.SettledAt)
	case deadletters.Discarded:
		state += fmt.Sprintf(" at %s by %s: %s", moment(l.Discard.At), oneLine(l.Discard.By), oneLine(l.Discard.Reason))
	}
	if l.Replays > 0 {
		state += fmt.Sprintf("; replays in all: %d", l.Replays)
	}
	return state
}

// readable returns the body as text, or as a hex dump if printing it could garble the terminal.
func readable(body []byte) string {
	harmful := func(r rune) bool { return !unicode.IsPrint(r) && !strings.ContainsRune("\n\r\t", r) }
	if !utf8.Valid(body) || strings.ContainsFunc(string(body), harmful) {
		return hex.Dump(body)
	}
	return string(body)
}
