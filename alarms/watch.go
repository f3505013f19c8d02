package alarms

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/records"
)

// Every is how often the job checks the conditions.
const Every = time.Minute

const (
	// sendingFor is how long one worker alone may send a message. A channel takes at most sendTime.
	sendingFor, sendTime = 2 * time.Minute, 15 * time.Second
	// longestWait is the longest time between two tries.
	longestWait = 30 * time.Minute
	maxError    = 300
	maxRaces    = 10
)

// Channel is a way to tell operators.
type Channel interface {
	// Name names the channel in rows.
	Name() string
	// Send sends a message, until ctx ends. It may be called again with the same message. The error
	// says in a sentence what operators can do.
	Send(ctx context.Context, m Message) error
}

type store interface {
	Load(ctx context.Context, alarm Name) (Row, error)
	save(ctx context.Context, row Row) (Row, error)
}

// Watch is the job that checks the conditions and tells operators. It is safe for several
// workers at once.
type Watch struct {
	Store    *Store
	Alarms   []Alarm
	Channels []Channel
	// BaseURL has no trailing "/". Links begin with it.
	BaseURL string
	Now     func() time.Time

	// rows replaces Store in tests.
	rows store
}

// Step checks the conditions, beginning with the cursor's. After an alarm that it sent to a channel it stops, since
// sending may take long, and returns the name of the next alarm; otherwise it goes on to the last and returns "". If a
// condition cannot be checked, its row stays as it is and Step goes on. Step returns an error only if the records table
// does not answer, other workers keep changing the row, or the worker is stopping; the next tick repeats it.
func (w Watch) Step(ctx context.Context, cursor string) (next string, err error) {
	first := max(0, slices.IndexFunc(w.Alarms, func(a Alarm) bool { return string(a.Name) == cursor }))
	for i, alarm := range w.Alarms[first:] {
		sent, err := w.watch(ctx, alarm)
		if err != nil {
			return "", err
		}
		if rest := w.Alarms[first+i+1:]; sent && len(rest) > 0 {
			return string(rest[0].Name), nil
		}
	}
	return "", nil
}

func (w Watch) store() store {
	if w.rows != nil {
		return w.rows
	}
	return w.Store
}

// watch checks one condition, writes down what it sees and what it is about to send, and sends.
func (w Watch) watch(ctx context.Context, alarm Alarm) (sent bool, err error) {
	row, err := w.store().Load(ctx, alarm.Name)
	if err != nil {
		return false, err
	}
	before := row
	seen, err := w.look(ctx, alarm, row)
	if ctx.Err() != nil {
		return false, portal.Postpone("the worker is stopping", ctx.Err())
	}
	now := w.Now().UTC().Round(0)
	if err != nil {
		portal.WithStack(zerolog.Ctx(ctx).Warn().Err(err).Str("alarm", string(alarm.Name)), err).Msg("cannot look at the condition of an alarm")
	} else {
		row = row.looked(alarm, seen, now)
	}
	row, toSend := w.startSending(alarm, row, now)
	if reflect.DeepEqual(before, row) {
		return false, nil
	}
	if row, err = w.store().save(ctx, row); err != nil {
		if errors.Is(err, records.ErrRefused) {
			return false, nil // another worker looks
		}
		return false, err
	}
	if row.Episode != before.Episode || row.IsRaised() != before.IsRaised() {
		zerolog.Ctx(ctx).Warn().Str("alarm", string(alarm.Name)).Bool("raised", row.IsRaised()).Int("count", row.Count).Msg("an alarm has changed")
	}
	for _, s := range toSend {
		if err := w.send(ctx, alarm.Name, s); err != nil {
			return true, err
		}
	}
	return len(toSend) > 0, nil
}

func (w Watch) look(ctx context.Context, alarm Alarm, row Row) (seen Finding, err error) {
	err = portal.Guard(func() error {
		seen, err = alarm.Look(ctx, row.IsRaised())
		return err
	})()
	return seen, err
}

// sending is a message that this worker sends.
type sending struct {
	channel Channel
	message Message
	phase   Phase
	number  int
	episode int64
	count   int
}

// startSending writes into the row what this worker is about to send.
func (w Watch) startSending(alarm Alarm, row Row, now time.Time) (Row, []sending) {
	var toSend []sending
	for _, channel := range w.Channels {
		name := channel.Name()
		phase, number := row.due(name, now)
		told := row.Told[name]
		if phase == "" {
			if (told.Sending != "" || told.Tries > 0) && !within(told.Until, now, sendingFor) {
				// The message is moot: the alarm may have ended before it could be sent.
				told.Sending, told.Until, told.Tries, told.Error, told.NotBefore = "", time.Time{}, 0, "", time.Time{}
				row = row.tell(name, told)
			}
			continue
		}
		id := idOf(row, phase, number)
		if told.Sending == id && within(told.Until, now, sendingFor) || within(told.NotBefore, now, longestWait) {
			continue
		}
		told.Sending, told.Until = id, now.Add(sendingFor)
		row = row.tell(name, told)
		toSend = append(toSend, sending{channel, w.message(alarm, row, phase, id, now), phase, number, row.Episode, row.Count})
	}
	return row, toSend
}

// within reports whether now is before until. A time too far ahead comes from a wrong clock.
func within(until, now time.Time, longest time.Duration) bool {
	return now.Before(until) && until.Sub(now) <= longest+wrongClock
}

// send sends a message and writes down what came of it.
func (w Watch) send(ctx context.Context, alarm Name, s sending) error {
	failure := portal.Guard(func() error {
		limited, cancel := context.WithTimeout(ctx, sendTime)
		defer cancel()
		return s.channel.Send(limited, s.message)
	})()
	if failure != nil {
		portal.WithStack(zerolog.Ctx(ctx).Error().Err(failure).Str("alarm", string(alarm)).Str("channel", s.channel.Name()), failure).
			Msg("operators could not be told of an alarm")
	}
	for range maxRaces {
		row, err := w.store().Load(ctx, alarm)
		if err != nil {
			return err
		}
		told := row.Told[s.channel.Name()]
		if told.Sending != s.message.ID {
			return nil // this worker took too long, and another one has sent it, too
		}
		row = row.tell(s.channel.Name(), told.after(s, failure, w.Now().UTC().Round(0)))
		if _, err = w.store().save(ctx, row); !errors.Is(err, records.ErrRefused) {
			return err
		}
	}
	return &portal.Postponed{After: time.Second, Reason: "the alarm's row is busy"}
}

// after returns the row's entry for the channel after the attempt to send s.
func (t Told) after(s sending, failure error, now time.Time) Told {
	if failure == nil {
		return Told{Episode: s.episode, Phase: s.phase, Reminder: s.number, Count: s.count, At: now}
	}
	t.Sending, t.Until = "", time.Time{}
	t.NotBefore = now.Add(min(time.Minute<<min(t.Tries, 10), longestWait))
	t.Tries++
	t.Error = strings.ToValidUTF8(failure.Error(), "�")
	if len(t.Error) > maxError {
		t.Error = strings.ToValidUTF8(t.Error[:maxError], "") + "…"
	}
	return t
}
