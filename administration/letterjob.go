package administration

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const (
	// A step works for stepTime, with perSecond letters in a second at most.
	stepTime  = 8 * time.Second
	perSecond = 20
	// Once no letter of an order could be read or sent for patience, those that fail stay as they are, so that
	// they do not block the orders behind their own.
	patience = 30 * time.Minute
)

// LetterJob carries orders out, the oldest first.
type LetterJob struct {
	Orders *LetterOrders
	// Letters are the dead letters. A discarded one records the admin of the order.
	Letters deadletters.Admin
	Now     func() time.Time
	Wait    func(ctx context.Context, d time.Duration) error
}

// more is the cursor of every step but the first. The rows say what remains to be done.
const more = "more"

// Step works on the oldest order for some seconds. A letter that is no longer open is done, so a step
// that is repeated goes on where the last one stopped. A letter that cannot be replayed stays open.
// The worker's log has a line for each order that ends.
func (j LetterJob) Step(ctx context.Context, _ string) (next string, err error) {
	order, ok, err := j.Orders.First(ctx)
	if err != nil || !ok {
		return "", err
	}
	box := j.Letters
	box.Operator = "admin " + string(order.By)
	chosen := []deadletters.Chosen{{ID: order.Letter}}
	if order.Letter == "" {
		if chosen, err = box.Chosen(ctx, order.Choice); err != nil {
			return "", portal.Postpone("the records do not answer", err)
		}
	}
	over, err := j.work(ctx, box, &order, chosen)
	if err != nil || !over {
		return more, err
	}
	zerolog.Ctx(ctx).Info().Str("order", order.ID).Str("verb", string(order.Verb)).Msg("an order about dead letters is carried out")
	return more, j.Orders.Done(ctx, order.ID)
}

// work: over is false if time ran out.
func (j LetterJob) work(ctx context.Context, box deadletters.Admin, order *LetterOrder, chosen []deadletters.Chosen) (over bool, err error) {
	began := j.Now()
	for _, one := range chosen {
		if j.Now().Sub(began) >= stepTime {
			return false, nil
		}
		sent, err := j.treat(ctx, box, order, one.ID)
		if err != nil {
			return false, err
		}
		if sent && order.Letter == "" {
			if err := j.Wait(ctx, time.Second/perSecond); err != nil {
				return false, err
			}
		}
	}
	return true, nil
}

// treat goes on after an error that trying again cannot help, or has not helped for long.
func (j LetterJob) treat(ctx context.Context, box deadletters.Admin, order *LetterOrder, id string) (sent bool, err error) {
	sent, err = apply(ctx, box, *order, id)
	if err == nil {
		return sent, j.failingSince(ctx, order, time.Time{})
	}
	var known *portal.Error
	hopeless := errors.As(err, &known) && known.Code != portal.Unavailable
	if hopeless || !order.FailingSince.IsZero() && j.Now().Sub(order.FailingSince) >= patience {
		zerolog.Ctx(ctx).Warn().Err(err).Str("letter", id).Msg("a dead letter stays as it is")
		return false, nil
	}
	if order.FailingSince.IsZero() {
		err = errors.Join(err, j.failingSince(ctx, order, j.Now().UTC()))
	}
	return false, portal.Postpone("the records or queues do not answer", err)
}

func apply(ctx context.Context, box deadletters.Admin, order LetterOrder, id string) (sent bool, err error) {
	letter, err := box.Find(ctx, id)
	switch {
	case err != nil:
		return false, err
	case order.Letter == "" && letter.State() != deadletters.Open:
		return false, nil
	case order.Verb == Replay:
		return true, box.Replay(ctx, letter)
	}
	return true, box.Discard(ctx, id, order.Reason)
}

func (j LetterJob) failingSince(ctx context.Context, order *LetterOrder, at time.Time) error {
	if order.FailingSince.Equal(at) {
		return nil
	}
	order.FailingSince = at
	return j.Orders.keep(ctx, *order)
}
