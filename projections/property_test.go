package projections

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/journal/journaltest"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// However the wake-ups come (early, late, repeated, about any fact, or not at all), what
// is shown in the end is what a projector shows that sees the whole stream at once.
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
		partitions := []string{accountPartition(id)}
		for n := range story.ops {
			partitions = append(partitions, "operation#"+string(story.op(n+1)))
		}
		same(t, "rows", fresh.rows(partitions...), live.rows(partitions...))
		if t.Failed() {
			rt.FailNow()
		}
	})
}

func wake(rt *rapid.T, p *Projector, id portal.AccountID, seq int64) {
	if err := p.Handle(rt.Context(), events.Event{Subject: portal.AccountStream(id), Sequence: seq}); err != nil {
		rt.Fatal(err)
	}
}

// story makes up what happens to an account: facts that could follow one another.
type story struct {
	*rapid.T
	id     portal.AccountID
	folded state.Account
	ops    int
}

func (s *story) op(n int) portal.OperationID {
	return portal.OperationID(fmt.Sprintf("%s-%d", s.id, n))
}

// next is what one append adds.
func (s *story) next() []events.Event {
	var facts []events.Event
	for range rapid.IntRange(1, 3).Draw(s.T, "facts") {
		facts = append(facts, s.fact())
	}
	return facts
}

func (s *story) fact() events.Event {
	plan := rapid.SampledFrom([]portal.PlanID{"free", "plus"}).Draw(s.T, "plan")
	now := s.folded.Subscriptions[plan]
	s.ops++
	op := s.op(s.ops)
	outcome := func(f events.Fact) events.Event { return s.tell("", f) }
	switch kind := rapid.IntRange(0, 9).Draw(s.T, "kind"); {
	case kind == 0:
		return s.tell(op, events.UserRegistered{Ends: ends(op)})
	case kind == 1:
		return s.tell(op, events.RequestFailed{Ends: ends(op)})
	case kind == 2 && now.Open():
		return s.tell(op, events.RequestJoined{Plan: plan})
	case kind == 3 && now.Open():
		return outcome(events.SubscriptionParked{Plan: plan, Reason: events.WaitingForAWS})
	case kind == 4:
		return outcome(events.KeyRevealed{Key: "k1"})
	case kind == 5 && now.Open():
		return outcome(events.RequestRejected{Ends: ends(now.Waiting...), Code: portal.Conflict, Message: "No.", Withdraws: plan})
	case len(s.folded.Keys) == 0:
		return s.tell(op, events.KeyWanted{Key: "k1", Slot: portal.DefaultSlot, Name: "Default key"})
	case now.Phase == state.Wanted && s.folded.Keys["k1"].GatewayID == "":
		return outcome(events.KeyCreated{Key: "k1", GatewayID: "gw"})
	case now.Phase == state.Wanted:
		return outcome(events.SubscriptionActivated{Ends: ends(now.Waiting...), Plan: plan, Key: "k1"})
	case now.Phase == state.Active:
		return s.tell(op, events.SubscriptionEnding{Plan: plan, Key: "k1"})
	case now.Phase == state.Ending:
		return outcome(events.SubscriptionEnded{Ends: ends(now.Waiting...), Plan: plan, Key: "k1"})
	}
	return s.tell(op, events.SubscriptionWanted{Plan: plan, Name: "Plan " + string(plan), Key: "k1"})
}

func (s *story) tell(op portal.OperationID, fact events.Fact) events.Event {
	after := s.folded.Sequence
	cause := events.Event{ID: fmt.Sprint("cause", after), Subject: portal.AccountStream(s.id), Operation: op}
	said := journal.Stamp(cause, "/test", at(after+1), after, []events.Fact{fact})[0]
	s.folded.Apply(said)
	return said
}
