package usage

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

const (
	// A fact that is younger than recent may not be published yet if its worker stopped.
	recent   = time.Hour
	late     = 48 * time.Hour
	maxRaces = 8
)

type facts interface {
	Append(ctx context.Context, stream portal.Stream, after int64, facts []events.Event, rows ...journal.Row) error
}

type accountReader interface {
	Account(ctx context.Context, id portal.AccountID) (accounts.History, error)
}

type sender interface {
	Send(ctx context.Context, messages ...events.Event) error
	SendAgain(ctx context.Context, messages ...events.Event) error
}

// Recorder writes counters that have changed, and appends QuotaThresholdReached. It is safe for
// concurrent use.
type Recorder struct {
	Table    *Table
	Journal  facts
	Accounts accountReader
	Sender   sender
	Now      func() time.Time
}

// Record records counters read at that time and returns how many had changed. It may be repeated:
// the fold says which thresholds were told, and counters only grow. Facts come before their
// counters, so if the worker stops in between, the counters still count as changed the next time.
func (r *Recorder) Record(ctx context.Context, counters []owned, asked time.Time) (changed int, err error) {
	stored, err := r.Table.stored(ctx, counters)
	if err != nil {
		return 0, err
	}
	today := day(asked)
	var write []owned
	for _, c := range counters {
		before, known := stored[r.Table.key(c)]
		if known && !c.updates(before, today) {
			continue
		}
		if known && c.Day.Before(today) && before.Limit != nil {
			c.Limit, c.Period = before.Limit, before.Period
		}
		if c.level() > before.level() && asked.Sub(c.Period.Next(c.Day)) < late {
			if err := r.tell(ctx, c); errors.Is(err, errNotUnderstood) {
				continue
			} else if err != nil {
				return 0, err
			}
		}
		write = append(write, c)
	}
	return len(write), r.Table.write(ctx, write)
}

// errNotUnderstood: the stream holds a fact that only newer workers understand. One of these
// writes the counter and tells the threshold.
var errNotUnderstood = errors.New("the stream is for newer workers")

// tell appends and publishes the fact about a threshold that a counter has passed, or publishes
// it again if that may not have happened.
func (r *Recorder) tell(ctx context.Context, c owned) error {
	used, _ := c.consumed()
	pair := portal.Pair{Key: c.Key, Plan: c.Plan}
	fact := events.QuotaThresholdReached{
		Plan: c.Plan, Key: c.Key, PeriodStart: c.Period.Start(c.Day).Format(time.DateOnly), Period: string(c.Period),
		Limit: *c.Limit, Used: used, Percent: c.level(),
	}
	id := portal.DeriveID("threshold", string(c.Plan), string(c.Key), fact.Period, fact.PeriodStart, strconv.Itoa(fact.Percent))
	cause := events.Event{ID: id, Subject: portal.AccountStream(c.account), Correlation: id}
	for range maxRaces {
		history, err := r.Accounts.Account(ctx, c.account)
		var unreadable *journal.PermanentError
		switch {
		case errors.As(err, &unreadable):
			zerolog.Ctx(ctx).Error().Err(err).Str("stream", string(portal.AccountStream(c.account))).Msg("cannot tell an account that it has reached a threshold of its quota")
			return nil
		case err != nil:
			return err
		case history.Account.NotUnderstood != "":
			return errNotUnderstood
		case history.Account.Standing.Deleted, forgotten(history.Account, c.Key):
			return nil
		case history.Account.Reached(pair, fact.Period, fact.PeriodStart) >= fact.Percent:
			return r.publishAgain(ctx, history, id)
		}
		head := history.Account.Sequence
		appended := journal.Stamp(cause, "/gatehouse/usage", r.Now(), head, []events.Fact{fact})
		err = r.Journal.Append(ctx, cause.Subject, head, appended)
		switch {
		case errors.Is(err, journal.ErrTaken):
		case err != nil:
			return err
		default:
			return portal.Postpone("the topic does not answer", r.Sender.Send(ctx, appended...))
		}
	}
	return &portal.Postponed{After: time.Second, Reason: fmt.Sprintf("others append to %s", cause.Subject)}
}

func (r *Recorder) publishAgain(ctx context.Context, history accounts.History, cause string) error {
	for _, fact := range history.Facts {
		if fact.Causation == cause && r.Now().Sub(fact.Time) < recent {
			return portal.Postpone("the topic does not answer", r.Sender.SendAgain(ctx, fact))
		}
	}
	return nil
}

// forgotten: the fold no longer knows what was told of the key, because it ended long ago.
func forgotten(account state.Account, key portal.KeyID) bool {
	_, known := account.Keys[key]
	return !known && account.Forgotten > 0
}
