package administration

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// DeadLetters does what admins ask for on the admin pages and by JSON. A worker carries their orders out.
type DeadLetters struct {
	Letters deadletters.Admin
	Orders  *LetterOrders
	// Wake has a worker look at the orders. If it fails, a worker finds the order within five minutes.
	Wake func(ctx context.Context, order LetterOrder) error
	// ReplayOutlook says what a replay of a letter with its body would come to.
	ReplayOutlook func(ctx context.Context, letter deadletters.Letter) (ReplayOutlook, error)
}

// List lists letters; see deadletters.Admin.
func (d DeadLetters) List(ctx context.Context, choice deadletters.Choice, after string, limit int) (deadletters.Listing, error) {
	found, err := d.Letters.List(ctx, choice, after, limit)
	return found, Unavailable(err)
}

// Letter returns a letter with its body, and what a replay of it would come to now. The error is
// NotFound for an unknown id.
func (d DeadLetters) Letter(ctx context.Context, id string) (deadletters.Letter, ReplayOutlook, error) {
	letter, err := d.Letters.Find(ctx, id)
	if err != nil {
		return letter, ReplayOutlook{}, Unavailable(err)
	}
	outlook, err := d.ReplayOutlook(ctx, letter)
	return letter, outlook, Unavailable(err)
}

// Preview is what an order would do.
type Preview struct {
	// Letters is how many would be replayed or discarded; First are the first of them, with what a replay
	// comes to.
	Letters int
	First   []PreviewedLetter
	// NotReplayable are letters that match and cannot be replayed. They stay open. It is empty for a discard.
	NotReplayable []SkippedLetters
}

// SkippedLetters counts the letters that stay for the same reason, which is a sentence.
type SkippedLetters struct {
	Why     string
	Letters int
}

// Skipped counts the letters of NotReplayable.
func (p Preview) Skipped() (n int) {
	for _, one := range p.NotReplayable {
		n += one.Letters
	}
	return n
}

// PreviewedLetter is a letter of a Preview.
type PreviewedLetter struct {
	deadletters.Letter
	ReplayOutlook ReplayOutlook
}

const previewed = 10

// Preview says what an order would do, and changes nothing. The error is Conflict if no open letter
// matches. If some match and none can be replayed, Letters is 0 and there is no error.
func (d DeadLetters) Preview(ctx context.Context, order LetterOrder) (Preview, error) {
	chosen, left, err := d.chosen(ctx, order)
	if err != nil {
		return Preview{}, Unavailable(err)
	}
	shown := Preview{Letters: len(chosen), NotReplayable: left.List()}
	for _, one := range chosen[:min(len(chosen), previewed)] {
		letter, outlook, err := d.Letter(ctx, one.ID)
		if order.Letter == "" && portal.CodeOf(err) == portal.NotFound {
			shown.Letters-- // it was deleted meanwhile
			continue
		}
		if err != nil {
			return shown, err
		}
		shown.First = append(shown.First, PreviewedLetter{letter, outlook})
	}
	if shown.Letters == 0 && len(shown.NotReplayable) == 0 {
		return shown, portal.Fail(portal.Conflict, "No open dead letter matches. Another admin may already have handled it.")
	}
	return shown, nil
}

// chosen lists the letters that an order would treat, and counts those that cannot be replayed.
func (d DeadLetters) chosen(ctx context.Context, order LetterOrder) (list []deadletters.Chosen, skips Skips, err error) {
	order.Choice.States = nil
	switch {
	case order.Letter != "":
		letter, err := d.Letters.Find(ctx, order.Letter)
		if err != nil {
			return nil, skips, err
		}
		if _, unread := letter.Message(); unread != nil && order.Verb == Replay {
			return nil, skips, d.skip(ctx, &skips, letter)
		}
		return []deadletters.Chosen{{ID: letter.ID, Began: letter.Began()}}, skips, nil
	case order.Verb == Replay:
		var failed error
		list, err = d.Letters.Replayable(ctx, order.Choice, func(l deadletters.Letter) {
			failed = errors.Join(failed, d.skip(ctx, &skips, l))
		})
		return list, skips, errors.Join(err, failed)
	}
	list, err = d.Letters.Chosen(ctx, order.Choice)
	return list, skips, err
}

func (d DeadLetters) skip(ctx context.Context, skips *Skips, letter deadletters.Letter) error {
	outlook, err := d.ReplayOutlook(ctx, letter)
	skips.Add(outlook.Text)
	return err
}

// Skips gathers a list of SkippedLetters. The zero value is empty.
type Skips struct{ counts map[string]int }

// Add counts a letter that stays.
func (l *Skips) Add(why string) {
	if l.counts == nil {
		l.counts = map[string]int{}
	}
	l.counts[why]++
}

// List returns the reasons, the most frequent first.
func (l *Skips) List() []SkippedLetters {
	list := make([]SkippedLetters, 0, len(l.counts))
	for why, n := range l.counts {
		list = append(list, SkippedLetters{why, n})
	}
	slices.SortFunc(list, func(a, b SkippedLetters) int {
		return cmp.Or(cmp.Compare(b.Letters, a.Letters), cmp.Compare(a.Why, b.Why))
	})
	return list
}

// Order has workers carry an order out, and returns how many letters it is about. It records the order
// in the audit. The errors are those of Orders.Place; Conflict if no open letter matches, or if none of them can be
// replayed.
func (d DeadLetters) Order(ctx context.Context, order LetterOrder) (LetterOrder, int, error) {
	shown, err := d.Preview(ctx, order)
	if err == nil {
		err = fits(order, shown)
	}
	if err != nil {
		return order, 0, err
	}
	order, err = d.Orders.Place(ctx, order, shown.Letters)
	if err != nil {
		return order, 0, err
	}
	if err := d.Wake(ctx, order); err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Str("order", order.ID).Msg("cannot wake a worker for an order about dead letters; the job finds it within five minutes")
	}
	return order, shown.Letters, nil
}

func fits(order LetterOrder, shown Preview) error {
	switch {
	case shown.Letters == 0 && order.Letter != "":
		return portal.Fail(portal.Conflict, "Dead letter "+order.Letter+" cannot be replayed. "+shown.NotReplayable[0].Why)
	case shown.Letters == 0:
		return portal.Fail(portal.Conflict, "None of the dead letters that match can be replayed. "+shown.NotReplayable[0].Why)
	case order.Letter == "" || order.Verb != Discard:
		return nil
	}
	one := shown.First[0]
	if state := one.State(); state == deadletters.Settled || state == deadletters.Discarded {
		return portal.Fail(portal.Conflict, fmt.Sprintf("Dead letter %s is %s. There is nothing to discard.", one.ID, state))
	}
	return nil
}

// Waiting returns orders that no worker has carried out yet.
func (d DeadLetters) Waiting(ctx context.Context) ([]LetterOrder, error) {
	orders, err := d.Orders.Waiting(ctx, previewed)
	return orders, Unavailable(err)
}

// Unavailable returns an error with a code as it is. It wraps any other as portal.Unavailable, with a message for people.
func Unavailable(err error) error {
	if err == nil || portal.CodeOf(err) != portal.Internal {
		return err
	}
	return &portal.Error{Code: portal.Unavailable, Message: "The portal cannot read or write its data right now. Try again in a moment.", Err: err}
}
