package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

type dlqCommand struct {
	List    dlqListCommand    `cmd:"" help:"List the dead letters that need an operator, grouped by cause."`
	Show    dlqShowCommand    `cmd:"" help:"Show one dead letter with its body, and what a replay would come to."`
	Replay  dlqReplayCommand  `cmd:"" help:"Send dead letters to their queues again, or say what that would come to."`
	Discard dlqDiscardCommand `cmd:"" help:"Close dead letters without replaying them, or say which."`
	Export  dlqExportCommand  `cmd:"" help:"Print dead letters with their bodies as JSON, one a line."`
}

type dlqListCommand struct {
	output
	choiceFlags
	All   bool `help:"Also list the closed ones: settled (a replay was handled) and discarded."`
	Limit int  `help:"How many letters to list; 0 is all. The default is 50, and all with --json." default:"-1" placeholder:"N"`
}

const listedLetters = 50

func (c dlqListCommand) limit() int {
	switch {
	case c.Limit >= 0:
		return c.Limit
	case c.JSON:
		return 0
	}
	return listedLetters
}

// listed are the states that a list has.
func listed(all bool) []deadletters.State {
	if all {
		return []deadletters.State{deadletters.Open, deadletters.Replayed, deadletters.Settled, deadletters.Discarded}
	}
	return []deadletters.State{deadletters.Open, deadletters.Replayed}
}

// Run prints the groups and then the letters: open ones, replayed ones that no worker has handled yet,
// and with --all closed ones; in each state, oldest failure first.
func (c dlqListCommand) Run(ctx context.Context) error {
	p, err := process(ctx)
	if err != nil {
		return err
	}
	box := app.OpenLetters(p)
	found, err := box.List(ctx, c.choice(time.Now(), listed(c.All)...), "", c.limit())
	if err = errors.Join(app.InWords(err), box.Close()); err != nil {
		return err
	}
	value := listingJSON{Letters: []letterJSON{}, LeftOut: found.Left, Groups: []groupJSON{}, LettersOfMoreCauses: found.More, Counts: found.Counts}
	for _, l := range found.Letters {
		value.Letters = append(value.Letters, letterJSONOf(l))
	}
	for _, g := range found.Groups {
		value.Groups = append(value.Groups, groupJSONOf(g))
	}
	return c.print(os.Stdout, value, func(w io.Writer) { c.describe(w, found) })
}

func (c dlqListCommand) describe(w io.Writer, found deadletters.Listing) {
	printGroups(w, found)
	printLetters(w, found.Letters)
	if found.Left > 0 {
		fmt.Fprintf(w, "… and %s more (--limit lists them).\n", count(found.Left, "letter"))
	}
	counts := found.Counts
	fmt.Fprintf(w, "%d open, %d replayed and not handled yet, %d settled, %d discarded", counts[deadletters.Open], counts[deadletters.Replayed],
		counts[deadletters.Settled], counts[deadletters.Discarded])
	if counts[deadletters.Settled]+counts[deadletters.Discarded] > 0 && !c.All {
		fmt.Fprint(w, " (--all lists them)")
	}
	fmt.Fprintln(w, ".")
}

type listingJSON struct {
	Groups []groupJSON `json:"groups"`
	// LettersOfMoreCauses counts the letters of causes that have no group.
	LettersOfMoreCauses int                       `json:"more_causes,omitempty"`
	Letters             []letterJSON              `json:"letters"`
	LeftOut             int                       `json:"left_out"`
	Counts              map[deadletters.State]int `json:"counts"`
}

type groupJSON struct {
	Cause   string     `json:"cause"`
	Class   string     `json:"class"`
	Text    string     `json:"text"`
	Letters int        `json:"letters"`
	Types   []string   `json:"types"`
	First   *time.Time `json:"first,omitempty"`
	Last    *time.Time `json:"last,omitempty"`
}

func groupJSONOf(g deadletters.Group) groupJSON {
	return groupJSON{Cause: g.ID, Class: g.Class, Text: g.Text, Letters: g.Letters, Types: g.Types, First: instant(g.First), Last: instant(g.Last)}
}

func printGroups(w io.Writer, found deadletters.Listing) {
	if len(found.Groups) == 0 {
		return
	}
	rows := make([][]string, 0, len(found.Groups))
	for _, g := range found.Groups {
		rows = append(rows, []string{g.ID, fmt.Sprint(g.Letters), g.Class, moment(g.First), moment(g.Last), typesOf(g), oneLine(g.Text)})
	}
	table(w, "", []string{"CAUSE", "LETTERS", "CLASS", "FIRST FAILED", "LAST FAILED", "TYPES", "ERROR"}, rows)
	if found.More > 0 {
		fmt.Fprintf(w, "… and %s of further causes\n", count(found.More, "letter"))
	}
	fmt.Fprintln(w)
}

func typesOf(g deadletters.Group) string {
	names := make([]string, 0, len(g.Types))
	for _, name := range g.Types {
		names = append(names, oneLine(events.Name(name)))
	}
	return strings.Join(names, ", ")
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
	Cause     string             `json:"cause"`
	Attempts  int64              `json:"attempts"`
	First     *time.Time         `json:"first,omitempty"`
	Last      *time.Time         `json:"last,omitempty"`
	Replays   int64              `json:"replays"`
	Discard   *discardJSON       `json:"discard,omitempty"`
	// Outlook and OutlookText say what a replay would come to now; lists leave them out.
	Outlook     administration.Outlook `json:"outlook,omitempty"`
	OutlookText string                 `json:"a_replay_comes_to,omitempty"`
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
		Consumer: l.Consumer, Error: l.Error, Cause: l.Cause().ID, Attempts: int64(l.Attempts), First: instant(l.First), Last: instant(l.Last), Replays: l.Replays,
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

func printLetters(w io.Writer, letters []deadletters.Letter) {
	if len(letters) == 0 {
		return
	}
	rows := make([][]string, 0, len(letters))
	for _, l := range letters {
		state := string(l.State())
		if l.Replays > 0 {
			state += fmt.Sprintf(" (%s)", count(int(l.Replays), "replay"))
		}
		rows = append(rows, []string{l.ID, state, l.Cause().ID, moment(l.First), fmt.Sprint(l.Attempts), about(l)})
	}
	table(w, "", []string{"ID", "STATE", "CAUSE", "FIRST FAILED", "ATTEMPTS", "WHAT"}, rows)
	fmt.Fprintln(w)
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

// Run prints a letter. Bodies hold ids, never personal data or secrets.
func (c dlqShowCommand) Run(ctx context.Context) error {
	p, err := process(ctx)
	if err != nil {
		return err
	}
	box := app.OpenLetters(p)
	l, err := box.Find(ctx, c.ID)
	var outlook administration.ReplayOutlook
	if err == nil {
		outlook, err = box.ReplayOutlook(ctx, l)
	}
	if err = errors.Join(app.InWords(err), box.Close()); err != nil {
		return err
	}
	value := letterJSONOf(l)
	value.Outlook, value.OutlookText = outlook.Outlook, outlook.Text
	return c.print(os.Stdout, value, func(w io.Writer) {
		pairs(w,
			[2]string{"id", l.ID}, [2]string{"queue", l.Queue}, [2]string{"consumer", l.Consumer}, [2]string{"type", printable(l.Type)},
			[2]string{"about", printable(string(l.Subject))}, [2]string{"operation", printable(string(l.Operation))}, [2]string{"class", l.Class},
			[2]string{"cause", l.Cause().ID}, [2]string{"error", oneLine(l.Error)}, [2]string{"attempts", fmt.Sprintf("%d, %s to %s", l.Attempts, moment(l.First), moment(l.Last))},
			[2]string{"state", stateOf(l)}, [2]string{"replay", oneLine(outlook.Text)}, [2]string{"body", fmt.Sprintf("%d bytes", len(l.Body))},
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
