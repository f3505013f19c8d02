package projections

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/journal/journaltest"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// However the wake-ups come (early, late, repeated, about any fact, or not at all), the views
// in the end are those of a projector that sees the whole stream at once.
func TestAnyWakeUpsLeadToTheSameViews(t *testing.T) {
	t.Parallel()
	live := newScreen(t)
	fresh := screenOn(t, journaltest.On(t, live.tables.Config))
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		id := portal.AccountID(fmt.Sprint("account", runs))
		story := &story{T: rt, id: id, folded: state.NewAccount(id)}
		for range rapid.IntRange(1, 4).Draw(rt, "appends") {
			after := story.folded.Sequence
			facts := story.next()
			if err := live.journal.Append(t.Context(), portal.AccountStream(id), after, facts); err != nil {
				rt.Fatal(err)
			}
			for range rapid.IntRange(0, 2).Draw(rt, "wake-ups") {
				seq := rapid.Int64Range(0, story.folded.Sequence).Draw(rt, "about")
				wake(rt, live.projector, id, seq)
			}
		}
		wake(rt, live.projector, id, story.folded.Sequence)
		wake(rt, fresh.beside(live.journal, fresh.tables.Client), id, story.folded.Sequence)
		same(t, "rows", fresh.rows(story.partitions()...), live.rows(story.partitions()...))
		if t.Failed() {
			rt.FailNow()
		}
	})
}

// Two projectors with separate memories show one stream at the same time. Their writes collide,
// answers are lost, and now and then the views are deleted. In the end the views match the
// facts.
func TestTwoProjectorsOnOneStreamShowWhatTheFactsSay(t *testing.T) {
	t.Parallel()
	live := newScreen(t)
	fresh := screenOn(t, journaltest.On(t, live.tables.Config))
	clients := []*watched{watch(live), watch(live)}
	both := []*Projector{live.beside(live.journal, clients[0]), live.beside(live.journal, clients[1])}
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		id := portal.AccountID(fmt.Sprint("account", runs))
		stream := portal.AccountStream(id)
		story := &story{T: rt, id: id, folded: state.NewAccount(id)}
		for range rapid.IntRange(1, 4).Draw(rt, "appends") {
			after := story.folded.Sequence
			if err := live.journal.Append(t.Context(), stream, after, story.next()); err != nil {
				rt.Fatal(err)
			}
			var showing sync.WaitGroup
			for i, projector := range both {
				about := rapid.SliceOfN(rapid.Int64Range(0, story.folded.Sequence), 0, 3).Draw(rt, "about")
				clients[i].trouble(rapid.SliceOfN(rapid.SampledFrom([]string{"", "", "", "collides", "lost", "refused"}), 4, 4).Draw(rt, "trouble"))
				showing.Go(func() {
					for _, seq := range about {
						err := projector.Handle(rt.Context(), events.Event{Subject: stream, Sequence: seq})
						var postponed *portal.Postponed
						if err != nil && !errors.As(err, &postponed) {
							rt.Errorf("showing %s at %d: %v", stream, seq, err)
						}
					}
				})
			}
			showing.Wait()
			if rapid.IntRange(0, 3).Draw(rt, "the views are deleted") == 0 {
				live.deleteAll(stream, story.partitions()...)
			}
		}
		clients[0].trouble(nil)
		clients[1].trouble(nil)
		wake(rt, both[rapid.IntRange(0, 1).Draw(rt, "last")], id, 0)
		wake(rt, fresh.beside(live.journal, fresh.tables.Client), id, story.folded.Sequence)
		same(t, "rows", fresh.rows(story.partitions()...), live.rows(story.partitions()...))
		if got := live.checkpoint(stream); got != story.folded.Sequence {
			t.Errorf("the checkpoint is at %d of %d", got, story.folded.Sequence)
		}
		if t.Failed() {
			rt.FailNow()
		}
	})
}

// trouble sets what happens to the next writes.
func (w *watched) trouble(kinds []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	first := len(w.calls)
	of := func(n int, c call) string {
		if n -= first + 1; len(c.wrote) == 0 || n >= len(kinds) {
			return ""
		}
		return kinds[n]
	}
	w.before = func(n int, c call) error {
		switch kind := of(n, c); {
		case kind == "refused":
			return errBroken
		case kind == "collides" && c.operation == "PutItem":
			return &types.TransactionConflictException{}
		case kind == "collides":
			return canceled("TransactionConflict")
		}
		return nil
	}
	w.after = func(n int, c call) error {
		if of(n, c) == "lost" {
			return errBroken
		}
		return nil
	}
}

func wake(rt *rapid.T, p *Projector, id portal.AccountID, seq int64) {
	if err := p.Handle(rt.Context(), events.Event{Subject: portal.AccountStream(id), Sequence: seq}); err != nil {
		rt.Fatal(err)
	}
}

// story invents what happens to an account: facts that can follow one another.
type story struct {
	*rapid.T
	id     portal.AccountID
	folded state.Account
	ops    int
	wishes []int64
}

func (s *story) op(n int) portal.OperationID {
	return portal.OperationID(fmt.Sprintf("%s-%d", s.id, n))
}

// partitions lists the partitions of the story's rows.
func (s *story) partitions() []string {
	all := []string{accountPartition(s.id)}
	for n := range s.ops {
		all = append(all, "operation#"+string(s.op(n+1)))
	}
	for _, wish := range s.wishes {
		all = append(all, wishPartition(portal.AccountStream(s.id), wish))
	}
	return all
}

// next returns the facts of one append.
func (s *story) next() []events.Event {
	var facts []events.Event
	for range rapid.IntRange(1, 3).Draw(s.T, "facts") {
		facts = append(facts, s.fact())
	}
	return facts
}

func (s *story) fact() events.Event {
	plan := rapid.SampledFrom([]portal.PlanID{"free", "plus"}).Draw(s.T, "plan")
	now, key := s.folded.Subscription(plan), s.folded.Keys["k1"]
	pair := s.folded.Attachments[portal.Pair{Key: "k1", Plan: plan}]
	s.ops++
	op := s.op(s.ops)
	outcome := func(f events.Fact) events.Event { return s.tell("", f) }
	switch kind := rapid.IntRange(0, 12).Draw(s.T, "kind"); {
	case kind == 0:
		return s.tell(op, events.UserRegistered{})
	case kind == 1:
		return s.tell(op, events.RequestFailed{Class: "failed"})
	case kind == 2 && now.HasOpenWish():
		return s.tell(op, events.RequestJoined{Link: link(now.OpenedBy), Plan: plan})
	case kind == 3 && now.HasOpenWish():
		return outcome(events.WishParked{Link: link(now.OpenedBy), Reason: events.WaitingForAWS})
	case kind == 4:
		return outcome(events.KeyObserved{Key: "k1", Enabled: key.Disabled})
	case kind == 5 && now.HasOpenWish():
		return outcome(events.RequestRejected{Link: link(now.OpenedBy), Code: portal.Conflict, Message: "No."})
	case kind == 6 && now.HasOpenWish():
		return s.tell(op, events.RequestSuperseded{Link: link(now.OpenedBy)})
	case kind == 7 && now.Phase == state.Active:
		return outcome(events.SubscriptionLost{Plan: plan, Reason: events.LostPlanGone})
	case kind == 8 && key.Releasing != 0:
		return outcome(events.KeyReleased{Link: link(key.Releasing), Key: "k1"})
	case kind == 9 && key.Created():
		return outcome(events.KeyReleasing{Key: "k1"})
	case len(s.folded.Keys) == 0:
		return s.tell(op, events.KeyWanted{Key: "k1", Ring: portal.AccountRing, Name: "Default key"})
	case now.Phase == state.Wanted && !key.Created():
		return outcome(events.KeyCreated{Key: "k1", GatewayID: "gw"})
	case now.Phase == state.Wanted && pair.HasOpenWish():
		return outcome(events.KeyAttached{Link: link(pair.OpenedBy), Key: "k1", Plan: plan})
	case now.Phase == state.Wanted:
		return outcome(events.SubscriptionActivated{Link: link(now.OpenedBy), Plan: plan})
	case now.Phase == state.Active:
		return s.tell(op, events.SubscriptionEnding{Plan: plan})
	case now.Phase == state.Ending && pair.HasOpenWish():
		return outcome(events.KeyDetached{Link: link(pair.OpenedBy), Key: "k1", Plan: plan})
	case now.Phase == state.Ending:
		return outcome(events.SubscriptionEnded{Link: link(now.OpenedBy), Plan: plan})
	}
	return s.tell(op, events.SubscriptionWanted{Plan: plan, Name: "Plan " + string(plan), Ring: portal.AccountRing})
}

func (s *story) tell(op portal.OperationID, fact events.Fact) events.Event {
	after := s.folded.Sequence
	cause := events.Event{ID: fmt.Sprint("cause", after), Subject: portal.AccountStream(s.id), Operation: op}
	said := journal.Stamp(cause, "/test", at(after+1), after, []events.Fact{fact})[0]
	s.folded.Apply(said)
	if s.folded.WishOpen(said.Sequence) {
		s.wishes = append(s.wishes, said.Sequence)
	}
	return said
}
