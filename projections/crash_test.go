package projections

import (
	"errors"
	"fmt"
	"testing"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal/journaltest"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// many is `whole` after so many refusals that their rows do not fit into a transaction.
func many() []said {
	var all []said
	for i := range 60 {
		all = append(all, said{"op-many", events.RequestRejected{Code: portal.Conflict, Message: fmt.Sprint("No. ", i)}})
	}
	return append(all, lifeAfter(60)...)
}

var andMany = append(everything[:len(everything):len(everything)], "operation#op-many", wishPartition(annStream, 63), wishPartition(annStream, 67))

// The worker dies at each request in turn, before or after it took effect. The rows shown by
// then never promise more than is there, and the next delivery completes them.
func TestTheNextDeliveryCompletesARunThatCrashed(t *testing.T) {
	t.Parallel()
	tables := journaltest.Start(t)
	for name, way := range map[string]struct {
		story  []said
		before func(int, call) error
		atOnce bool
	}{
		"in one transaction": {whole, nil, true},
		"row by row":         {whole, colliding, false},
		"in more than one":   {many(), nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fine := screenOn(t, journaltest.On(t, tables.Config))
			facts := fine.say(annStream, way.story...)
			last := facts[len(facts)-1]
			unbroken := watch(fine)
			unbroken.before = way.before
			if err := fine.watchedBy(unbroken).Handle(t.Context(), last); err != nil {
				t.Fatal(err)
			}
			want := fine.rows(andMany...)
			for n := 1; n <= len(unbroken.calls); n++ {
				for _, effect := range []bool{false, true} {
					t.Run(fmt.Sprintf("at request %d of %d, took effect %t", n, len(unbroken.calls), effect), func(t *testing.T) {
						t.Parallel()
						s := screenOn(t, journaltest.On(t, tables.Config))
						s.say(annStream, way.story...)
						s.crash(last, want, way.atOnce, dying(s, n, effect, way.before))
					})
				}
			}
		})
	}
}

// dying returns the client of a worker that dies at that request.
func dying(s *screen, at int, effect bool, before func(int, call) error) *watched {
	w := watch(s)
	w.before = func(n int, c call) error {
		if n > at || n == at && !effect {
			return errBroken
		}
		if before != nil {
			return before(n, c)
		}
		return nil
	}
	w.after = func(n int, _ call) error {
		if n == at {
			return errBroken
		}
		return nil
	}
	return w
}

func (s *screen) crash(msg events.Event, want map[string]map[string]any, atOnce bool, dying *watched) {
	s.t.Helper()
	projector := s.watchedBy(dying)
	err := projector.Handle(s.t.Context(), msg)
	var postponed *portal.Postponed
	if !errors.As(err, &postponed) || !errors.Is(err, errBroken) {
		s.t.Fatalf("%v, want Postponed", err)
	}
	rows := s.rows(andMany...)
	switch shown := s.checkpoint(annStream); {
	case shown == msg.Sequence:
		same(s.t, "rows with the checkpoint at the end", want, rows)
	case shown != 0:
		s.t.Errorf("the checkpoint is at %d", shown)
	case atOnce && len(rows) > 0:
		s.t.Errorf("some rows were written: %v", rows)
	}
	// A reader who sees that leaving has succeeded sees that the plan has ended.
	if account := s.account(); s.progress("op-leave").Status == Succeeded &&
		(len(account.Subscriptions) != 1 || account.Subscriptions[0].State != SubscriptionEnded) {
		s.t.Errorf("the operation has succeeded, but the dashboard shows %+v", account.Subscriptions)
	}
	dying.mu.Lock()
	dying.before, dying.after = nil, nil
	dying.mu.Unlock()
	if err := projector.Handle(s.t.Context(), msg); err != nil {
		s.t.Fatal(err)
	}
	same(s.t, "rows in the end", want, s.rows(andMany...))
	if got := s.checkpoint(annStream); got != msg.Sequence {
		s.t.Errorf("in the end the checkpoint is at %d", got)
	}
}
