package transport

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/transport/pubsub"
)

func event(id string, stream portal.Stream, data events.Payload) events.Event {
	return events.Event{
		ID: id, Source: "/gatehouse/test", Subject: stream, Time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		Operation: "op-" + portal.OperationID(id), Correlation: "corr-" + id, Data: data,
	}
}

type recorder struct {
	mu    sync.Mutex
	calls []sentCall
	err   error
}

type sentCall struct {
	topic string
	msgs  []*message.Message
}

func (r *recorder) Publish(topic string, msgs ...*message.Message) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, sentCall{topic, msgs})
	return r.err
}

func (r *recorder) Close() error { return nil }

// routes has no destination for catalog requests.
func routes(ev events.Event) (Destination, error) {
	switch ev.Data.(type) {
	case events.RegisterUser, events.JobRequested:
		return Destination{Queue: "commands.fifo", FIFO: true}, nil
	case events.ProvisionRequested:
		return Destination{Queue: "provisioning"}, nil
	case events.UserRegistered:
		return Destination{Topic: "events.fifo", FIFO: true}, nil
	}
	return Destination{}, errors.New("it has no destination")
}

func TestEventsForOneDestinationLeaveInOneCall(t *testing.T) {
	t.Parallel()
	queues, topics := &recorder{}, &recorder{}
	ctx := context.WithValue(t.Context(), cutKey{}, "the caller's")
	err := NewSender(queues, topics, routes).Send(ctx,
		event("1", "account/a", events.RegisterUser{}),
		event("2", "account/a", events.ProvisionRequested{}),
		event("3", "account/b", events.RegisterUser{}),
		event("4", "account/a", events.UserRegistered{}),
		event("5", "job/sweep", events.JobRequested{Job: "sweep"}),
	)
	if err != nil {
		t.Fatal(err)
	}
	type sent struct{ UUID, Type, Group, Deduplication string }
	got := map[string][]sent{}
	for _, call := range append(queues.calls, topics.calls...) {
		if got[call.topic] != nil {
			t.Errorf("%s was published to twice", call.topic)
		}
		for _, msg := range call.msgs {
			got[call.topic] = append(got[call.topic], sent{
				msg.UUID, msg.Metadata[pubsub.TypeKey], msg.Metadata[pubsub.GroupID], msg.Metadata[pubsub.DeduplicationID],
			})
			if msg.Context() != ctx {
				t.Error("a message does not have the caller's context")
			}
		}
	}
	want := map[string][]sent{
		"commands.fifo": {
			{"1", "gatehouse.RegisterUser.v1", "account/a", "1"},
			{"3", "gatehouse.RegisterUser.v1", "account/b", "3"},
			{"5", "gatehouse.JobRequested.v1", "sweep", "5"},
		},
		"provisioning": {{"2", "gatehouse.ProvisionRequested.v1", "account/a", ""}},
		"events.fifo":  {{"4", "gatehouse.UserRegistered.v1", "account/a", "4"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("messages by destination (-want +got):\n%s", diff)
	}
}

func TestRepeatGivesEachMessageADeduplicationIDOfItsOwn(t *testing.T) {
	t.Parallel()
	queues := &recorder{}
	sender := NewSender(queues, nil, routes)
	ev := event("1", "account/a", events.RegisterUser{})
	for range 2 {
		if err := sender.SendAgain(t.Context(), ev, ev); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]bool{"1": true}
	for _, call := range queues.calls {
		for _, msg := range call.msgs {
			id := msg.Metadata[pubsub.DeduplicationID]
			if seen[id] || id == "" || len(id) > 128 {
				t.Errorf("deduplication id %q", id)
			}
			seen[id] = true
			if msg.UUID != "1" {
				t.Errorf("the uuid became %s", msg.UUID)
			}
		}
	}
	if len(seen) != 5 {
		t.Errorf("%d messages were sent, want 4", len(seen)-1)
	}
}

func TestSendTellsOfEveryDestinationThatFailed(t *testing.T) {
	t.Parallel()
	queues, topics := &recorder{err: errors.New("queues are down")}, &recorder{err: errors.New("topics are down")}
	err := NewSender(queues, topics, routes).Send(t.Context(),
		event("1", "account/a", events.RegisterUser{}), event("2", "account/a", events.UserRegistered{}))
	if !errors.Is(err, queues.err) || !errors.Is(err, topics.err) {
		t.Errorf("got %v, want both", err)
	}
}

func TestNothingIsSentIfOneOfTheEventsCannotBe(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]events.Event{
		"without a route": event("2", "catalog", events.CatalogSyncRequested{}),
		"without an id":   event("", "account/a", events.RegisterUser{}),
	} {
		queues := &recorder{}
		err := NewSender(queues, nil, routes).Send(t.Context(), event("1", "account/a", events.RegisterUser{}), bad)
		if err == nil || len(queues.calls) > 0 {
			t.Errorf("%s: got %v after %d calls", name, err, len(queues.calls))
		}
	}
	both := func(events.Event) (Destination, error) { return Destination{Queue: "q", Topic: "t"}, nil }
	if err := NewSender(&recorder{}, &recorder{}, both).Send(t.Context(), event("1", "s", events.RegisterUser{})); err == nil {
		t.Error("it took a destination that is both queue and topic")
	}
}

func TestAMessageCarriesAnEventThereAndBack(t *testing.T) {
	t.Parallel()
	ev := event("1", "account/a", events.UnsubscribeRequested{Plan: "p"})
	msg, err := encode(ev, Destination{Queue: "commands"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	msg.Metadata.Set(pubsub.TypeKey, "gatehouse.Another.v1")
	decode(msg, registrations)
	h := handlingOf(msg.Context())
	if diff := cmp.Diff(ev, h.event); diff != "" || h.readErr != nil {
		t.Errorf("the event changed (-want +got):\n%s%v", diff, h.readErr)
	}
	if want := "gatehouse.UnsubscribeRequested.v1"; h.head.Type != want {
		t.Errorf("the type is %s, want %s from the body", h.head.Type, want)
	}
}

func TestABodyThatIsNoEventIsUnreadable(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"{}", "{not json"} {
		msg := message.NewMessage("x", []byte(body))
		decode(msg, registrations)
		if h := handlingOf(msg.Context()); portal.CodeOf(h.readErr) != portal.Invalid || h.head.Type != "" {
			t.Errorf("%s: type %q and %v, want no type and invalid", body, h.head.Type, h.readErr)
		}
	}
}
