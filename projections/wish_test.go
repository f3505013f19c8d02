package projections

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestAnOutcomeIsOneRowHoweverManyOperationsJoinedTheWish(t *testing.T) {
	t.Parallel()
	const joined = 2400
	op := func(n int) portal.OperationID { return portal.OperationID(fmt.Sprint("op-", n)) }
	s := newScreen(t)
	all := slices.Clone(whole[:4])
	for n := range joined {
		all = append(all, said{op(n), events.RequestJoined{Link: link(3), Plan: "free"}})
	}
	s.shown(annStream, all...)
	counting := watch(s)
	s.projector = s.watchedBy(counting)
	s.shown(annStream, freeActive)
	mark, _ := checkpointKey(1, annStream)
	same(t, "the writes", [][]string{{
		partition(1, accountPartition(ann)), partition(1, accountPartition(ann)), // the subscription and a line of activity
		partition(1, wishPartition(annStream, 3)), mark,
	}}, counting.writes())
	for n := 0; n < joined; n += 171 {
		if got := s.progress(op(n)); got.Status != Succeeded || len(got.Steps) != 3 {
			t.Errorf("%s is %s after %d steps", op(n), got.Status, len(got.Steps))
		}
	}
	if got := s.progress("op-free"); got.Status != Succeeded {
		t.Errorf("the first is %s", got.Status)
	}
}

// tell appends the fact to its stream, with that time, and shows it.
func (s *screen) tell(stream portal.Stream, at time.Time, one said) {
	s.t.Helper()
	head, err := s.journal.Head(s.t.Context(), stream)
	if err != nil {
		s.t.Fatal(err)
	}
	facts := journal.Stamp(events.Event{ID: "cause", Subject: stream, Operation: one.op}, "/test", at, head, []events.Fact{one.fact})
	if err := s.journal.Append(s.t.Context(), stream, head, facts); err != nil {
		s.t.Fatal(err)
	}
	s.show(facts...)
}

func TestStepsOfOneOperationAreInOrderOfTimeAcrossStreams(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	joined := said{"op", events.RequestJoined{}}
	s.tell("licence/l1", at(1), joined)
	s.tell(annStream, at(2), joined)
	s.tell("licence/l1", at(4), joined)
	s.tell(annStream, at(3), joined)
	s.tell(annStream, at(4), joined)
	s.tell(annStream, at(2), joined) // by a process whose clock is behind
	var got []string
	for _, step := range s.progress("op").Steps {
		kind, _, _ := strings.Cut(string(step.Stream), "/")
		got = append(got, fmt.Sprint(kind, step.Sequence))
	}
	same(t, "steps", []string{"licence1", "account1", "account2", "account3", "account4", "licence2"}, got)
}

// The steps of one stream keep their sequence, however wrong the clocks are. If the clocks
// agree, all steps are in order of time.
func TestMergingStepsKeepsAllOfThemAndTheirOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		agree := rapid.Bool().Draw(rt, "clocks agree")
		var steps []Step
		for _, stream := range []portal.Stream{"account/a", "licence/l", "portal"} {
			minutes := rapid.SliceOfN(rapid.Int64Range(0, 9), 0, 5).Draw(rt, string(stream))
			if agree {
				slices.Sort(minutes)
			}
			for i, minute := range minutes {
				steps = append(steps, Step{Stream: stream, Sequence: int64(i) + 1, At: at(minute)})
			}
		}
		merged := inOrder(rapid.Permutation(steps).Draw(rt, "as read"))
		if len(merged) != len(steps) {
			rt.Fatalf("%d steps became %d", len(steps), len(merged))
		}
		last := map[portal.Stream]int64{}
		for i, step := range merged {
			if step.Sequence != last[step.Stream]+1 {
				rt.Errorf("%s goes from %d to %d", step.Stream, last[step.Stream], step.Sequence)
			}
			last[step.Stream] = step.Sequence
			if agree && i > 0 && step.At.Before(merged[i-1].At) {
				rt.Errorf("step %d is earlier than the one before", i)
			}
		}
	})
}

func TestTheLatestWishOfAnOperationCounts(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	s.tell("licence/l1", at(1), said{"op", events.RequestJoined{Link: link(9)}})
	s.tell(annStream, at(2), said{"op-free", events.SubscriptionWanted{Plan: "free", Name: "Free", Ring: portal.AccountRing}})
	s.tell(annStream, at(3), said{"op", events.RequestJoined{Link: link(1), Plan: "free"}})
	s.tell("licence/l1", at(4), said{"", events.WishParked{Link: link(9), Reason: events.WaitingForAWS}})
	if got := s.progress("op"); got.Status != Running {
		t.Errorf("the earlier wish has made it %s", got.Status)
	}
	s.tell(annStream, at(5), said{"", events.SubscriptionActivated{Link: link(1), Plan: "free"}})
	if got := s.progress("op"); got.Status != Succeeded || len(got.Steps) != 3 {
		t.Errorf("it is %s after %d steps", got.Status, len(got.Steps))
	}
}

func TestAReplayMayLinkAnOperationToAnotherWish(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	s.shown(annStream, keyWanted, freeWanted, said{"op-leave", events.RequestSuperseded{Link: link(2)}}, freeEnding)
	if got := s.progress("op-free"); got.Status != Rejected {
		t.Fatalf("it is %s", got.Status)
	}
	s.shown(annStream, said{"op-again", events.RequestSuperseded{Link: link(4)}}, said{"op-again", events.SubscriptionWanted{Plan: "free", Name: "Free", Ring: portal.AccountRing}},
		said{"op-free", events.RequestJoined{Link: link(6), Plan: "free"}}, said{"", events.SubscriptionActivated{Link: link(6), Plan: "free"}})
	if got := s.progress("op-free"); got.Status != Succeeded {
		t.Errorf("after its replay it is %s", got.Status)
	}
}

func TestAnOperationThatJoinsAWaitingWishWaits(t *testing.T) {
	t.Parallel()
	at := func(minute int) time.Time { return time.Date(2026, 11, 22, 9, minute, 0, 0, time.UTC) }
	wanted := Step{Stream: annStream, Sequence: 3, At: at(1), Status: Running, Wish: 3}
	parked := Step{Stream: annStream, Sequence: 4, At: at(2), Status: Waiting, Code: "aws", Message: "later"}
	joined := Step{Stream: annStream, Sequence: 5, At: at(3), Status: Running, Wish: 3}
	attached := Step{Stream: annStream, Sequence: 6, At: at(4), Status: Running}
	active := Step{Stream: annStream, Sequence: 7, At: at(5), Status: Succeeded}
	for want, steps := range map[Status][]Step{
		Running:   {wanted, parked, joined, attached},
		Waiting:   {parked, joined},
		Succeeded: {parked, joined, attached, active},
	} {
		if got := progress(inOrder(steps)); got.Status != want {
			t.Errorf("after %d steps it is %s, want %s", len(steps), got.Status, want)
		}
	}
}
