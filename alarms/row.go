package alarms

import (
	"strconv"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// State is the state of an alarm; see the package comment.
type State string

// The states. A row without one is Quiet.
const (
	Quiet    State = "quiet"
	Pending  State = "pending"
	Raised   State = "raised"
	Clearing State = "clearing"
)

// Row is what workers know of an alarm.
type Row struct {
	Alarm Name  `dynamodbav:"alarm"`
	State State `dynamodbav:"state"`
	// Turned is when the alarm became pending or clearing.
	Turned time.Time `dynamodbav:"turned"`
	// Episode counts how often the alarm was raised. Since is when the last episode began, and Ended
	// when it was over, zero while it lasts.
	Episode int64     `dynamodbav:"episode"`
	Since   time.Time `dynamodbav:"since"`
	Ended   time.Time `dynamodbav:"ended"`
	// Count, AtLeast and Text are of the last look that saw the condition.
	Count   int    `dynamodbav:"count"`
	AtLeast bool   `dynamodbav:"at_least,omitempty"`
	Text    string `dynamodbav:"text,omitempty"`
	// Told has what each channel was told last.
	Told map[string]Told `dynamodbav:"told,omitempty"`
	// Every write raises Version by one and is conditional on it.
	Version int64 `dynamodbav:"version"`
}

// Told is what a channel was told of an alarm, and what it is being told.
type Told struct {
	// Episode, Phase, Reminder and Count are those of the last message that was sent; At is when.
	Episode  int64     `dynamodbav:"episode"`
	Phase    Phase     `dynamodbav:"phase,omitempty"`
	Reminder int       `dynamodbav:"reminder,omitempty"`
	Count    int       `dynamodbav:"count,omitempty"`
	At       time.Time `dynamodbav:"at"`
	// Sending is the id of a message that a worker sends, "" for none. Until Until, no other worker
	// sends it.
	Sending string    `dynamodbav:"sending,omitempty"`
	Until   time.Time `dynamodbav:"until"`
	// Tries counts the failed tries of the next message, Error is why the last one failed, and the
	// next try is not before NotBefore.
	Tries     int       `dynamodbav:"tries,omitempty"`
	Error     string    `dynamodbav:"error,omitempty"`
	NotBefore time.Time `dynamodbav:"not_before"`
}

// Phase is what a message says about an episode.
type Phase string

// The phases.
const (
	Began    Phase = "began"
	Reminder Phase = "reminder"
	Over     Phase = "over"
	// Trying is the phase of a test.
	Trying Phase = "test"
)

// IsRaised reports whether the condition was last known to hold long enough.
func (r Row) IsRaised() bool { return r.State == Raised || r.State == Clearing }

// looked is the row after a look. It does not change Told.
func (r Row) looked(a Alarm, seen Finding, now time.Time) Row {
	if seen.Fires {
		r.Count, r.AtLeast, r.Text = seen.Count, seen.AtLeast, seen.Text
	}
	switch {
	case seen.Fires && r.State == Clearing:
		r.State, r.Turned = Raised, time.Time{}
	case seen.Fires && r.State != Raised:
		if r.State != Pending {
			r.State, r.Turned = Pending, now
		}
		if held(r.Turned, a.After, now) {
			return r.raise(seen, now)
		}
	case !seen.Fires && r.State == Pending:
		r.State, r.Turned = Quiet, time.Time{}
	case !seen.Fires && r.IsRaised():
		if r.State != Clearing {
			r.State, r.Turned = Clearing, now
		}
		if held(r.Turned, a.Clear, now) {
			r.State, r.Ended, r.Turned = Quiet, r.Turned, time.Time{}
		}
	}
	return r
}

func (r Row) raise(seen Finding, now time.Time) Row {
	r.Since = r.Turned
	if !seen.Since.IsZero() && seen.Since.Before(now) {
		r.Since = seen.Since
	}
	r.State, r.Turned, r.Ended = Raised, time.Time{}, time.Time{}
	r.Episode++
	return r
}

// held is also true if the stored time is in the future, which comes from a wrong clock.
func held(since time.Time, long time.Duration, now time.Time) bool {
	return now.Sub(since) >= long || since.After(now.Add(wrongClock))
}

const wrongClock = time.Minute

// due returns what the channel has to be told next, "" for nothing, and the number of the
// reminder. An end is not told if it is older than a day, as when a channel was not configured for
// long.
func (r Row) due(channel string, now time.Time) (phase Phase, reminder int) {
	told := r.Told[channel]
	knows := told.Episode == r.Episode && told.Phase != ""
	switch {
	case r.IsRaised() && !knows:
		return Began, 0
	case r.IsRaised() && now.Sub(told.At) >= remindEvery, r.State == Raised && r.grown(told) && now.Sub(told.At) >= growsEvery:
		return Reminder, told.Reminder + 1
	case !r.IsRaised() && knows && told.Phase != Over && now.Sub(r.Ended) < remindEvery:
		return Over, 0
	}
	return "", 0
}

// grown: there is at least twice as much as the channel was told of.
func (r Row) grown(told Told) bool { return told.Count > 0 && r.Count >= 2*told.Count }

// idOf is the same for every attempt to send the message.
func idOf(r Row, phase Phase, reminder int) string {
	return "msg_" + portal.DeriveID("alarm", string(r.Alarm), strconv.FormatInt(r.Episode, 10), strconv.FormatInt(r.Since.UnixNano(), 10), string(phase), strconv.Itoa(reminder))
}
