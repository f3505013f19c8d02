package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/administration"
	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

type dlqReplayCommand struct {
	output
	selection
	Rate int  `help:"Send at most this many letters a second." default:"20" placeholder:"N"`
	Wait bool `help:"With --yes: wait until workers have handled them, and say how many failed again."`
}

// maxRate is below what one process can send one by one, so that a rate is kept.
const maxRate = 100

// Validate checks the command line.
func (c dlqReplayCommand) Validate() error {
	if c.Rate < 1 || c.Rate > maxRate {
		return usageError(fmt.Sprintf("--rate %d: want 1 to %d", c.Rate, maxRate))
	}
	return c.validate("replay")
}

type replayer interface {
	Replay(ctx context.Context, letter deadletters.Letter) error
}

type rehearsal struct{}

func (rehearsal) Replay(_ context.Context, letter deadletters.Letter) error {
	_, err := letter.Message()
	return err
}

type letterOutcome struct {
	ID      string                 `json:"id"`
	Type    string                 `json:"type"`
	Subject portal.Stream          `json:"subject"`
	Did     string                 `json:"did"`
	Outlook administration.Outlook `json:"outlook,omitempty"`
	Text    string                 `json:"comes_to,omitempty"`
	about   string
}

func outcomeOf(l deadletters.Letter, did string) letterOutcome {
	return letterOutcome{ID: l.ID, Type: events.Name(l.Type), Subject: l.Subject, Did: did, about: about(l)}
}

// The ways in which replay treats a letter.
const (
	didReplay   = "replayed"
	wouldReplay = "would replay"
	didLeave    = "left"
)

// Run replays letters one after the other. A replay keeps its old intent, so it never undoes a newer
// request. A run that was interrupted is continued by the same command, since replayed letters are no
// longer open. If Run cannot replay a letter, it goes on with the others and fails at the end.
func (c dlqReplayCommand) Run(ctx context.Context) error {
	p, err := process(ctx)
	if err != nil {
		return err
	}
	box := app.OpenLetters(p)
	return errors.Join(c.run(ctx, box, time.Now()), box.Close())
}

func (c dlqReplayCommand) run(ctx context.Context, box app.Letters, now time.Time) error {
	choice, asOf := c.choiceAsOf(now)
	work := replaying{asOf: asOf, box: box, with: rehearsal{}, did: wouldReplay, named: len(c.IDs) > 0, list: []letterOutcome{}}
	chosen, missing, err := c.replayable(ctx, box, choice, work.leave)
	if err != nil {
		return err
	}
	if c.Yes {
		work.with, work.did = box, didReplay
		if len(chosen) > 0 {
			if err := box.RecordReplay(ctx, len(chosen), c.words(choice)); err != nil {
				return app.InWords(err)
			}
		}
	}
	rate := c.Rate
	if !c.Yes {
		rate = 0
	}
	bar := newProgressBar(os.Stderr, work.did, len(chosen))
	done, err := paced(ctx, chosen, rate, work.treat, bar.tell)
	bar.end()
	err = errors.Join(err, interruptedAfter(ctx, done, len(chosen)))
	var waited *waitedFor
	if c.Yes && c.Wait && ctx.Err() == nil {
		var unwaited error
		if waited, unwaited = waitForReplays(ctx, box, work.list); waited != nil && waited.Again > 0 {
			err = errors.Join(err, fmt.Errorf("%s failed again", count(waited.Again, "letter")))
		}
		err = errors.Join(err, unwaited)
	}
	value := map[string]any{"as_of": asOf, "letters": work.list, "outlooks": work.outlooks(), "left": work.reasons()}
	if waited != nil {
		value["handled"], value["failed_again"] = waited.Handled, waited.Again
	}
	printed := c.print(os.Stdout, value, func(w io.Writer) { c.describe(w, work, waited, errors.Join(err, missing)) })
	return errors.Join(err, missing, printed)
}

// replayable lists the letters to replay, oldest failure first, and calls left with each
// one that matches and cannot be replayed. missing is about ids that name no letter, or one that cannot be replayed.
func (c dlqReplayCommand) replayable(ctx context.Context, box app.Letters, choice deadletters.Choice, left func(deadletters.Letter)) (list []deadletters.Chosen, missing, err error) {
	if len(c.IDs) == 0 {
		list, err = box.Replayable(ctx, choice, left)
		return list, nil, app.InWords(err)
	}
	for _, id := range c.IDs {
		letter, err := box.Find(ctx, id)
		if err == nil {
			if _, unread := letter.Message(); unread != nil {
				err = portal.Fail(portal.Invalid, "Dead letter "+letter.ID+" cannot be replayed. "+app.WhyLeft(letter))
			}
		}
		if err != nil {
			missing = errors.Join(missing, app.InWords(err))
			continue
		}
		list = append(list, deadletters.Chosen{ID: letter.ID, Began: letter.Began()})
	}
	deadletters.OldestFirst(list)
	return list, missing, nil
}

// shownTreated is how many letters a report for people names.
const shownTreated = 20

func (c dlqReplayCommand) describe(w io.Writer, work replaying, waited *waitedFor, err error) {
	for _, one := range work.list[:min(len(work.list), shownTreated)] {
		text := one.Did + " " + one.ID + ", " + one.about
		if one.Did == didLeave {
			text = one.Did + " " + one.ID + ": " + one.about
		}
		fmt.Fprintln(w, wrap(text, width(w), 2))
		if one.Text != "" && one.Did != didLeave {
			fmt.Fprintln(w, "  "+wrap("-> "+oneLine(one.Text), width(w), 5))
		}
	}
	if more := len(work.list) - shownTreated; more > 0 {
		fmt.Fprintf(w, "… and %d more; --json names all.\n", more)
	}
	if left := work.count(didLeave); left > 0 {
		stay := "stay"
		if left == 1 {
			stay = "stays"
		}
		fmt.Fprintf(w, "%s cannot be replayed and %s open:\n", count(left, "letter"), stay)
		for _, reason := range work.reasons() {
			fmt.Fprintln(w, "  "+wrap(fmt.Sprintf("%d: %s", reason.Letters, oneLine(reason.Why)), width(w), 5))
		}
	}
	sent := work.count(work.did)
	switch {
	case sent == 0 && err == nil:
		fmt.Fprintln(w, "There is nothing to replay.")
	case sent > 0:
		verb := "Replayed"
		if !c.Yes {
			verb = "Would replay"
		}
		fmt.Fprintf(w, "%s %s", verb, count(sent, "letter"))
		for i, outlook := range work.outlooks() {
			separator := ", "
			if i == 0 {
				separator = ": "
			}
			fmt.Fprintf(w, "%s%d %s", separator, outlook.Letters, outlookWords[outlook.Outlook])
		}
		fmt.Fprintln(w, ".")
		if !c.Yes {
			fmt.Fprintln(w, wrap(fmt.Sprintf("Nothing was sent. %s they are sent, oldest first, at most %d a second.", c.repeat(work.asOf), c.Rate), width(w), 0))
		}
	}
	if waited != nil {
		fmt.Fprintf(w, "Workers have handled %d of them; %d failed again and are open.\n", waited.Handled, waited.Again)
	}
}

var outlookWords = map[administration.Outlook]string{
	administration.CarriedOut: "carried out", administration.Superseded: "superseded by a newer choice", administration.Rejected: "rejected", administration.Unchanged: "already done or under way",
	administration.HandledBefore: "handled before", administration.FailsAgain: "failing again", administration.WakesUp: "waking a worker up",
}

type outlookCount struct {
	Outlook administration.Outlook `json:"outlook"`
	Letters int                    `json:"letters"`
}

type replaying struct {
	asOf time.Time
	box  app.Letters
	with replayer
	did  string
	// named: the operator gave the letter's id, so one that is not open is replayed all the same.
	named bool
	list  []letterOutcome
}

func (r *replaying) treat(ctx context.Context, chosen deadletters.Chosen) error {
	letter, err := r.box.Find(ctx, chosen.ID)
	if err != nil {
		return app.InWords(err)
	}
	if !r.named && letter.State() != deadletters.Open {
		return nil // another operator was first
	}
	outlook, err := r.box.ReplayOutlook(ctx, letter)
	if err == nil {
		err = r.with.Replay(ctx, letter)
	}
	if err != nil {
		return app.InWords(err)
	}
	one := outcomeOf(letter, r.did)
	one.Outlook, one.Text = outlook.Outlook, outlook.Text
	r.list = append(r.list, one)
	return nil
}

func (r *replaying) leave(letter deadletters.Letter) {
	left, why := outcomeOf(letter, didLeave), app.WhyLeft(letter)
	left.Outlook, left.Text, left.about = administration.NotReplayable, why, why
	r.list = append(r.list, left)
}

type leftJSON struct {
	Why     string `json:"why"`
	Letters int    `json:"letters"`
}

// reasons says why letters are left, the most frequent reason first.
func (r *replaying) reasons() []leftJSON {
	var left administration.Skips
	for _, one := range r.list {
		if one.Did == didLeave {
			left.Add(one.Text)
		}
	}
	reasons := []leftJSON{}
	for _, one := range left.List() {
		reasons = append(reasons, leftJSON(one))
	}
	return reasons
}

func (r *replaying) count(did string) (n int) {
	for _, one := range r.list {
		if one.Did == did {
			n++
		}
	}
	return n
}

// outlooks counts those of the letters that are not left, the most frequent first.
func (r *replaying) outlooks() []outlookCount {
	counts := []outlookCount{}
	for _, one := range r.list {
		if one.Did == didLeave {
			continue
		}
		i := slices.IndexFunc(counts, func(c outlookCount) bool { return c.Outlook == one.Outlook })
		if i < 0 {
			i, counts = len(counts), append(counts, outlookCount{Outlook: one.Outlook})
		}
		counts[i].Letters++
	}
	slices.SortStableFunc(counts, func(a, b outlookCount) int { return b.Letters - a.Letters })
	return counts
}

type waitedFor struct{ Handled, Again int }

const replayPoll = time.Second

// waitForReplays waits until none of the letters is merely replayed any more. If ctx ends first,
// the error says so; the replays are handled all the same.
func waitForReplays(ctx context.Context, box app.Letters, list []letterOutcome) (*waitedFor, error) {
	sent := map[string]bool{}
	for _, one := range list {
		sent[one.ID] = one.Did == didReplay
	}
	poll := time.NewTicker(replayPoll)
	defer poll.Stop()
	for {
		var found waitedFor
		waiting := 0
		err := box.Each(ctx, func(l deadletters.Letter) error {
			switch {
			case !sent[l.ID]:
			case l.State() == deadletters.Replayed:
				waiting++
			case l.State() == deadletters.Open:
				found.Again++
			default:
				found.Handled++
			}
			return nil
		})
		switch {
		case ctx.Err() != nil:
			return nil, errors.New("interrupted; workers handle the replays without you")
		case err != nil:
			return nil, app.InWords(err)
		case waiting == 0:
			return &found, nil
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
		}
	}
}
