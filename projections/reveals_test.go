package projections

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

var defaultKey = Key{ID: "k1", Name: "Default key"}

func (s *screen) reveals() *Reveals { return NewReveals(s.tables.Client, s.tables.Records) }

// reveal is a Record that must succeed.
func (s *screen) reveal(at time.Time) {
	s.t.Helper()
	if err := s.reveals().Record(s.t.Context(), ann, defaultKey, at, "corr"); err != nil {
		s.t.Fatal(err)
	}
}

func (s *screen) refusesReveal(at time.Time) {
	s.t.Helper()
	before := s.revealed()
	if err := s.reveals().Record(s.t.Context(), ann, defaultKey, at, "corr"); portal.CodeOf(err) != portal.TooManyRequests {
		s.t.Errorf("at %v: %v, want too many", at, err)
	}
	same(s.t, "reveals after a refused one", before, s.revealed())
}

// revealed returns the times of the reveals, newest first.
func (s *screen) revealed() []time.Time {
	s.t.Helper()
	page, err := s.Activity(s.t.Context(), ann, "", 100)
	if err != nil {
		s.t.Fatal(err)
	}
	var times []time.Time
	for _, line := range page.Lines {
		if line.Revealed != "" {
			times = append(times, line.At)
		}
	}
	return times
}

func TestARevealIsALineOfTheActivity(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	s.shown(annStream, whole[:4]...)
	s.reveal(at(3).Add(time.Second))
	page, err := s.Activity(t.Context(), ann, "", 2)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "lines", []Activity{
		{Sequence: 4, At: at(4), Text: "Default key was created."},
		{At: at(3).Add(time.Second), Text: "Default key was revealed.", Revealed: "k1"},
	}, page.Lines)
}

func TestAnAccountHasTenRevealsAMinuteAtMost(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	for i := range MaxRevealsPerMinute {
		s.reveal(start.Add(time.Duration(i) * time.Second))
	}
	s.refusesReveal(start.Add(59*time.Second + 999*time.Millisecond))
	s.reveal(start.Add(time.Minute))
	if got := s.revealed(); len(got) != MaxRevealsPerMinute+1 || !got[0].Equal(start.Add(time.Minute)) {
		t.Errorf("the reveals are %v", got)
	}
	if err := s.reveals().Record(t.Context(), "bob", defaultKey, start, ""); err != nil {
		t.Errorf("another account: %v", err)
	}
}

// A process whose clock is a little behind records reveals in the minute before the current
// one.
func TestRevealsOnBothSidesOfAMinuteCountInTheLaterOne(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	border := start.Add(time.Minute)
	s.reveal(border.Add(-2 * time.Millisecond))
	for i := range MaxRevealsPerMinute / 2 {
		s.reveal(border.Add(time.Duration(i) * time.Millisecond))
		s.reveal(border.Add(-time.Duration(i+3) * time.Millisecond))
	}
	s.refusesReveal(border.Add(-time.Millisecond))
	s.refusesReveal(border.Add(time.Second))
	s.reveal(border.Add(time.Minute))
}

func TestAMinuteFilledByAClockFarAheadBlocksNoReveals(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	for i := range MaxRevealsPerMinute {
		s.reveal(start.Add(time.Hour + time.Duration(i)))
	}
	for i := range MaxRevealsPerMinute {
		s.reveal(start.Add(time.Duration(i)))
	}
	s.refusesReveal(start.Add(time.Second))
}

// Several processes record reveals of one account in the same nanosecond.
func TestRevealsInTheSameNanosecondAreAllRecorded(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	const asked = 2 * MaxRevealsPerMinute
	var mu sync.Mutex
	shown := 0
	var group sync.WaitGroup
	for range asked {
		group.Go(func() {
			err := s.reveals().Record(t.Context(), ann, defaultKey, start, "")
			mu.Lock()
			defer mu.Unlock()
			switch portal.CodeOf(err) {
			case "":
				shown++
			case portal.TooManyRequests:
			default:
				t.Error(err)
			}
		})
	}
	group.Wait()
	if got := s.revealed(); shown != MaxRevealsPerMinute || len(got) != shown {
		t.Errorf("of %d reveals %d were allowed and %d recorded", asked, shown, len(got))
	}
}

func TestARevealThatCollidesIsTriedAgain(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	contended := watch(s)
	contended.before = func(n int, _ call) error {
		switch n {
		case 1:
			return canceled("TransactionConflict", "None")
		case 2:
			return canceled("None", "TransactionConflict")
		}
		return nil
	}
	if err := NewReveals(contended, s.tables.Records).Record(t.Context(), ann, defaultKey, start, ""); err != nil {
		t.Fatal(err)
	}
	same(t, "reveals", []time.Time{start}, s.revealed())

	contended.before = colliding
	err := NewReveals(contended, s.tables.Records).Record(t.Context(), ann, defaultKey, start, "")
	var postponed *portal.Postponed
	if !errors.As(err, &postponed) {
		t.Errorf("one that always collides: %v, want Postponed", err)
	}
	contended.before = func(int, call) error { return errBroken }
	if err := NewReveals(contended, s.tables.Records).Record(t.Context(), ann, defaultKey, start, ""); !errors.Is(err, errBroken) || !errors.As(err, &postponed) {
		t.Errorf("without the table: %v, want Postponed", err)
	}
	same(t, "reveals", []time.Time{start}, s.revealed())
}

func TestLastRevealsHasTheLastRevealOfEachKey(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	for i, key := range []portal.KeyID{"k1", "k2", "k1"} {
		if err := s.reveals().Record(t.Context(), ann, Key{ID: key, Name: fmt.Sprint("Key ", key)}, at(int64(i)), ""); err != nil {
			t.Fatal(err)
		}
	}
	for account, want := range map[portal.AccountID]map[portal.KeyID]time.Time{ann: {"k1": at(2), "k2": at(1)}, "bob": {}} {
		got, err := s.LastReveals(t.Context(), account)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "last reveals of "+string(account), want, got)
	}
	gone := NewViews(s.tables.Client, Tables{Views: s.tables.Views, Records: "not-there"}, noDocuments{})
	if _, err := gone.LastReveals(t.Context(), ann); portal.CodeOf(err) != portal.Unavailable {
		t.Errorf("without the table: %v, want unavailable", err)
	}
}
