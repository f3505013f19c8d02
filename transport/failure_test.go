package transport

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/transport/pubsub"
)

type ledger struct {
	mu       sync.Mutex
	failures map[string]failure
	letters  []DeadLetter
	broken   error
}

type failure struct {
	count int
	first time.Time
}

func (l *ledger) Failed(_ context.Context, key string, at time.Time) (count int, first time.Time, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		return 0, time.Time{}, l.broken
	}
	f, known := l.failures[key]
	if !known {
		f.first = at
	}
	f.count++
	if l.failures == nil {
		l.failures = map[string]failure{}
	}
	l.failures[key] = f
	return f.count, f.first, nil
}

func (l *ledger) Bury(ctx context.Context, letter DeadLetter) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		return l.broken
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	l.letters = append(l.letters, letter)
	return nil
}

func (l *ledger) buried() []DeadLetter {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]DeadLetter(nil), l.letters...)
}

// handle passes one message through policy, recoverer and dispatch to the handler. It returns
// the handling, whether the message was acked, and the delay that was asked for.
func handle(t *testing.T, p *policy, c Consumer, msg *message.Message, h Handler) (out *handling, acked bool, delay time.Duration) {
	t.Helper()
	p.limit = p.limit.withDefaults()
	redelivery := &pubsub.Redelivery{}
	ctx, cancel := context.WithCancelCause(pubsub.WithRedelivery(t.Context(), redelivery))
	defer cancel(nil)
	msg.SetContext(context.WithValue(ctx, cutKey{}, cancel))
	c.Handlers = maps.Clone(c.Handlers)
	for eventType := range c.Handlers {
		c.Handlers[eventType] = h
	}
	decode(msg, c)
	chain := p.middleware(recoverer(func(msg *message.Message) ([]*message.Message, error) { return nil, dispatch(msg) }))
	if _, err := chain(msg); err != nil {
		t.Errorf("the router got an error: %v", err)
	}
	select {
	case <-msg.Acked():
		acked = true
	case <-msg.Nacked():
	default:
		t.Error("the message was not answered")
	}
	return handlingOf(msg.Context()), acked, redelivery.Delay(func() time.Duration { return 0 })
}

type cutKey struct{}

func registration(t *testing.T) *message.Message {
	t.Helper()
	ev := event("m1", "account/a", events.RegisterUser{})
	msg, err := encode(ev, Destination{Queue: "commands"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	msg.Metadata.Set(pubsub.MessageIDKey, "sqs-1")
	return msg
}

const registerType = "gatehouse.RegisterUser.v1"

var (
	registrations = Consumer{Name: "deciding", Queue: "commands.fifo", Handlers: map[string]Handler{registerType: nil}}
	noon          = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

func at(now time.Time) func() time.Time { return func() time.Time { return now } }

func TestWhatAHandlersErrorLeadsTo(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		handler Handler
		broken  error
		want    outcome
		acked   bool
		delay   time.Duration
		counted int
		class   Class
	}{
		"none: done": {
			handler: func(context.Context, events.Event) error { return nil },
			want:    handled, acked: true,
		},
		"postponed: delivered again after its delay, uncounted": {
			handler: func(context.Context, events.Event) error {
				return fmt.Errorf("handling: %w", &portal.Postponed{After: 7 * time.Second, Reason: "budget"})
			},
			want: postponed, delay: 7 * time.Second,
		},
		"postponed for something invalid: still postponed": {
			handler: func(context.Context, events.Event) error {
				return portal.Postpone("journal", portal.Fail(portal.Invalid, "what the store said"))
			},
			want: postponed,
		},
		"invalid: a dead letter at once": {
			handler: func(context.Context, events.Event) error { return portal.Fail(portal.Invalid, "No.") },
			want:    buried, acked: true, class: Invalid,
		},
		"another code: counted": {
			handler: func(context.Context, events.Event) error { return portal.Fail(portal.Conflict, "No.") },
			want:    failed, counted: 1,
		},
		"no code: counted": {
			handler: func(context.Context, events.Event) error { return errors.New("oh") },
			want:    failed, counted: 1,
		},
		"a panic: counted": {
			handler: func(context.Context, events.Event) error { panic("oh") },
			want:    failed, counted: 1,
		},
		"a panic in a goroutine that somebody took for a reason to postpone: counted": {
			handler: func(context.Context, events.Event) error {
				return portal.Postpone("the topic does not answer", portal.Guard(func() error { panic("oh") })())
			},
			want: failed, counted: 1,
		},
		"cut off by the worker: uncounted": {
			handler: func(ctx context.Context, _ events.Event) error {
				ctx.Value(cutKey{}).(context.CancelCauseFunc)(pubsub.ErrClosing)
				return ctx.Err()
			},
			want: postponed,
		},
		"its time was up: counted": {
			handler: func(ctx context.Context, _ events.Event) error {
				ctx.Value(cutKey{}).(context.CancelCauseFunc)(context.DeadlineExceeded)
				return ctx.Err()
			},
			want: failed, counted: 1,
		},
		"counting fails: delivered again": {
			handler: func(context.Context, events.Event) error { return errors.New("oh") },
			broken:  errors.New("no table"), want: kept,
		},
		"burying fails: delivered again": {
			handler: func(context.Context, events.Event) error { return portal.Fail(portal.Invalid, "No.") },
			broken:  errors.New("no table"), want: kept,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &ledger{broken: tc.broken}
			h, acked, delay := handle(t, &policy{failures: l, now: at(noon)}, registrations, registration(t), tc.handler)
			if h.outcome != tc.want || acked != tc.acked || delay != tc.delay {
				t.Errorf("got outcome %s, acked %v, delay %v; want %s, %v, %v", h.outcome, acked, delay, tc.want, tc.acked, tc.delay)
			}
			if got := l.failures["sqs-1"].count; got != tc.counted {
				t.Errorf("%d failures were counted, want %d", got, tc.counted)
			}
			if tc.class == "" && len(l.letters) > 0 || tc.class != "" && (len(l.letters) != 1 || l.letters[0].Class != tc.class) {
				t.Errorf("dead letters %+v, want class %q", l.letters, tc.class)
			}
		})
	}
}

func TestAMessageIsBuriedOnceItFailedOftenEnoughOverLongEnough(t *testing.T) {
	t.Parallel()
	l := &ledger{}
	fails := func(context.Context, events.Event) error { panic("again") }
	// The fifth failure is too soon, the sixth is not.
	for i, minutes := range []int{0, 1, 2, 3, 14, 15} {
		p := &policy{failures: l, now: at(noon.Add(time.Duration(minutes) * time.Minute))}
		h, acked, _ := handle(t, p, registrations, registration(t), fails)
		want := failed
		if i == 5 {
			want = buried
		}
		if h.outcome != want || acked != (want == buried) {
			t.Errorf("after %d minutes: got outcome %s, want %s", minutes, h.outcome, want)
		}
	}
	want := []DeadLetter{{
		ID: "m1", FailureKey: "sqs-1", Queue: "commands.fifo", Consumer: "deciding", Type: registerType,
		Subject: "account/a", Operation: "op-m1", Body: registration(t).Payload, Class: Panicked,
		Error: "panic: again", Attempts: 6, First: noon, Last: noon.Add(15 * time.Minute),
	}}
	if diff := cmp.Diff(want, l.letters); diff != "" {
		t.Errorf("dead letters (-want +got):\n%s", diff)
	}
}

func TestEachCopyOfAnEventCountsItsOwnFailures(t *testing.T) {
	t.Parallel()
	l := &ledger{}
	fails := func(context.Context, events.Event) error { return errors.New("oh") }
	p := &policy{failures: l, now: at(noon)}
	elsewhere := registrations
	elsewhere.Name, elsewhere.Queue = "showing", "projections.fifo"
	// A queue's copy keeps SQS's id from delivery to delivery. The other queue's copy and a
	// replay have ids of their own.
	for _, delivered := range []struct {
		to    Consumer
		sqsID string
	}{{registrations, "a"}, {elsewhere, "b"}, {registrations, "a"}, {registrations, "replay"}, {registrations, ""}, {elsewhere, ""}} {
		msg := registration(t)
		msg.Metadata.Set(pubsub.MessageIDKey, delivered.sqsID)
		handle(t, p, delivered.to, msg, fails)
	}
	want := map[string]int{"a": 2, "b": 1, "replay": 1, "deciding/m1": 1, "showing/m1": 1}
	got := map[string]int{}
	for key, f := range l.failures {
		got[key] = f.count
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("failures by key (-want +got):\n%s", diff)
	}
}

func TestWhatCannotBeHandledIsBuriedAtOnce(t *testing.T) {
	t.Parallel()
	foreign := `{"specversion":"1.0","id":"f1","source":"/x","type":"gatehouse.NotYetKnown.v9","subject":"account/a","operationid":"op","data":{}}`
	ignoring := registrations
	ignoring.IgnoreUnknown = true
	for name, tc := range map[string]struct {
		consumer Consumer
		body     string
		outcome  outcome
		class    Class
		id       string
	}{
		"not JSON":                       {registrations, "{secret", buried, Unreadable, "sqs-1"},
		"not an event":                   {registrations, `{"id":"x1","hello":"secret"}`, buried, Unreadable, "x1"},
		"data of another kind":           {registrations, strings.Replace(foreign, "gatehouse.NotYetKnown.v9", registerType, 1)[:len(foreign)-20] + `"data":"secret"}`, buried, Unreadable, "sqs-1"},
		"an unknown type":                {registrations, foreign, buried, UnknownType, "f1"},
		"a type without a handler":       {Consumer{Name: "other", Queue: "q"}, string(registration(t).Payload), buried, UnknownType, "m1"},
		"an unknown type, ignored":       {ignoring, foreign, ignored, "", ""},
		"unreadable is never ignored":    {ignoring, "{secret", buried, Unreadable, "sqs-1"},
		"a redriven message":             {Drain("drain", "dlq"), string(registration(t).Payload), buried, Redriven, "m1"},
		"a redriven unreadable message":  {Drain("drain", "dlq"), "{secret", buried, Redriven, "sqs-1"},
		"a redriven one of unknown type": {Drain("drain", "dlq"), foreign, buried, Redriven, "f1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &ledger{}
			msg := message.NewMessage("uuid", []byte(tc.body))
			msg.Metadata.Set(pubsub.MessageIDKey, "sqs-1")
			msg.Metadata.Set(pubsub.ReceiveCountKey, "4")
			msg.Metadata.Set(pubsub.SentAtKey, noon.Add(-time.Hour).Format(time.RFC3339Nano))
			h, acked, _ := handle(t, &policy{failures: l, now: at(noon)}, tc.consumer, msg, func(context.Context, events.Event) error {
				t.Error("the handler was called")
				return nil
			})
			if h.outcome != tc.outcome || !acked {
				t.Errorf("got outcome %s, acked %v; want %s", h.outcome, acked, tc.outcome)
			}
			if tc.class == "" {
				if len(l.letters) > 0 {
					t.Errorf("dead letters: %+v", l.letters)
				}
				return
			}
			if len(l.letters) != 1 {
				t.Fatalf("dead letters: %+v", l.letters)
			}
			letter := l.letters[0]
			if letter.Class != tc.class || letter.ID != tc.id || string(letter.Body) != tc.body {
				t.Errorf("dead letter %s of %s with body %s", letter.Class, letter.ID, letter.Body)
			}
			if strings.Contains(letter.Error, "secret") || letter.Error == "" {
				t.Errorf("the error is %q", letter.Error)
			}
			if letter.Class == Redriven && (letter.Attempts != 4 || !letter.First.Equal(noon.Add(-time.Hour))) {
				t.Errorf("redriven after %d attempts since %v", letter.Attempts, letter.First)
			}
		})
	}
}

func TestErrorTextsAreShortAndDoNotRepeatTheBody(t *testing.T) {
	t.Parallel()
	body := []byte(`{"secret":"x"}`)
	text := errorText(fmt.Errorf("handling %s: %s", body, strings.Repeat("é", 2000)), body)
	if strings.Contains(text, "secret") || len(text) > maxErrorText+10 || !strings.HasPrefix(text, "handling (the body)") {
		t.Errorf("got %d bytes: %s", len(text), text)
	}
}
