package projections

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestARepeatedMessageCostsNothing(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	facts := s.say(annStream, whole...)
	counting := watch(s)
	s.projector = s.watchedBy(counting)
	s.show(facts[2])
	first := counting.counts()
	s.show(facts...)
	s.show(facts...)
	same(t, "requests", first, counting.counts())
}

func TestALateRepeatedMessageReadsTheCheckpoint(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	facts := s.say(annStream, whole...)
	counting := watch(s)
	s.projector = s.watchedBy(counting)
	now := time.Now()
	s.projector.memory.now = func() time.Time { return now }
	s.show(facts[0])
	now = now.Add(trustedFor + time.Second)
	s.show(facts...) // the first one reads the checkpoint, the others trust the memory
	same(t, "requests", map[string]int{"GetItem": 2, "Query": 1, "TransactWriteItems": 1}, counting.counts())
}

func TestAProjectorThatHasNotSeenAStreamGuesses(t *testing.T) {
	t.Parallel()
	long := append([]said{registered}, slices.Repeat([]said{painted}, journal.MaxFacts+1)...)
	for name, c := range map[string]struct {
		facts []said
		// The first shown facts are shown. Then the message about facts[message] comes.
		shown, message int
		want           map[string]int
	}{
		"that all facts before the message's are shown": {
			whole, 3, 3, map[string]int{"GetItem": 1, "Query": 1, "TransactWriteItems": 1},
		},
		"and shows a few facts again if more is shown": {
			whole, 9, 3, map[string]int{"GetItem": 1, "Query": 1, "TransactWriteItems": 1},
		},
		"and reads the checkpoint before it shows many facts again": {
			long, len(long), 0, map[string]int{"GetItem": 2, "Query": 1},
		},
		"and reads the checkpoint if less is shown": {
			whole, 1, 3, map[string]int{"GetItem": 2, "Query": 1, "TransactWriteItems": 2},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScreen(t)
			s.shown(annStream, c.facts[:c.shown]...)
			s.say(annStream, c.facts[c.shown:]...)
			facts, err := s.journal.Read(t.Context(), annStream, 0)
			if err != nil {
				t.Fatal(err)
			}
			counting := watch(s)
			if err := s.watchedBy(counting).Handle(t.Context(), facts[c.message]); err != nil {
				t.Fatal(err)
			}
			same(t, "requests", c.want, counting.counts())
			if got := s.checkpoint(annStream); got != int64(len(c.facts)) {
				t.Errorf("the checkpoint is at %d", got)
			}
		})
	}
}

func TestFactsThatComeTogetherAfterWhatIsRememberedAreShownWithOneRequest(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	s.shown(annStream, whole[:3]...)
	counting := watch(s)
	projector := s.watchedBy(counting)
	if err := projector.Handle(t.Context(), events.Event{Subject: annStream}); err != nil {
		t.Fatal(err)
	}
	facts := s.say(annStream, whole[3:6]...)
	for i := range facts {
		facts[i].Time = start // the projector's clock stands still
	}
	before := counting.counts()
	for i, fact := range facts {
		ctx := events.WithFollowing(t.Context(), func() []events.Event { return facts[i+1:] })
		if err := projector.Handle(ctx, fact); err != nil {
			t.Fatal(err)
		}
	}
	after := counting.counts()
	if after["Query"] != before["Query"] || after["TransactWriteItems"] != before["TransactWriteItems"]+1 || after["GetItem"] != before["GetItem"] {
		t.Errorf("requests %v, and before that %v, want one transaction more", after, before)
	}
	if got := s.checkpoint(annStream); got != 6 {
		t.Errorf("the checkpoint is at %d", got)
	}
}

// Each projector remembers facts that the other one has not seen.
func TestAProjectorDoesNotSetBackAStreamThatAnotherHasShownFurther(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	other := s.beside(s.journal, s.tables.Client)
	for i, one := range whole {
		facts := s.say(annStream, one)
		projector := s.projector
		if i%3 == 1 {
			projector = other
		}
		if err := projector.Handle(t.Context(), facts[0]); err != nil {
			t.Fatal(err)
		}
	}
	same(t, "rows", reference(t), s.rows(everything...))
	if got := s.checkpoint(annStream); got != int64(len(whole)) {
		t.Errorf("the checkpoint is at %d", got)
	}
}

// deleteAll deletes all rows of the stream and its checkpoint, as when views are lost.
func (s *screen) deleteAll(stream portal.Stream, partitions ...string) {
	s.t.Helper()
	for _, of := range partitions {
		for _, row := range s.rows(of) {
			s.remove(s.t, s.tables.Views, row["pk"].(string), row["sk"].(string))
		}
	}
	pk, sk := checkpointKey(1, stream)
	s.remove(s.t, s.tables.Views, pk, sk)
}

// Views are lost while workers run, and the workers remember the old ones.
func TestViewsThatWereDeletedAreShownAgain(t *testing.T) {
	t.Parallel()
	short := newScreen(t)
	short.shown(annStream, whole[:8]...)
	upTo8 := short.rows(everything...)
	for name, c := range map[string]struct {
		wake func(s *screen, told []events.Event)
		want map[string]map[string]any
		// then counts the requests for the same facts afterwards.
		then map[string]int
	}{
		"by a request to show it": {
			func(s *screen, _ []events.Event) {
				s.show(events.Event{Subject: annStream, Data: events.ShowRequested{}})
			}, upTo8, map[string]int{},
		},
		"by the next fact": {
			func(s *screen, _ []events.Event) { s.shown(annStream, whole[8]) }, reference(t), map[string]int{"TransactWriteItems": 1},
		},
		"by the last fact, sent again later": {
			func(s *screen, told []events.Event) {
				s.projector.memory.now = func() time.Time { return time.Now().Add(time.Minute) }
				s.show(told[7])
			}, upTo8, map[string]int{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScreen(t)
			told := s.say(annStream, whole[:8]...)
			s.show(told...)
			s.deleteAll(annStream, everything...)
			if got := s.checkpoint(annStream); got != 0 {
				t.Fatalf("the checkpoint is at %d, from memory", got)
			}
			c.wake(s, told)
			same(t, "rows", c.want, s.rows(everything...))
			counting := watch(s)
			s.projector.store.client = counting
			s.show(told...)
			same(t, "requests for the same facts then", c.then, counting.counts())
		})
	}
}

func TestAMessageWithoutASequenceWritesNothingIfAllIsShown(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	s.shown(annStream, whole...)
	counting := watch(s)
	if err := s.watchedBy(counting).Handle(t.Context(), events.Event{Subject: annStream}); err != nil {
		t.Fatal(err)
	}
	same(t, "requests", map[string]int{"GetItem": 2, "Query": 1}, counting.counts())
}

func TestAFailedWriteIsNotRemembered(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	facts := s.say(annStream, whole...)
	broken := watch(s)
	broken.before = func(_ int, c call) error {
		if len(c.wrote) > 0 {
			return errBroken
		}
		return nil
	}
	projector := s.watchedBy(broken)
	if err := projector.Handle(t.Context(), facts[8]); err == nil {
		t.Fatal("Handle succeeded without a write")
	}
	broken.before = nil
	if err := projector.Handle(t.Context(), facts[0]); err != nil {
		t.Fatal(err)
	}
	same(t, "rows", reference(t), s.rows(everything...))
}

func TestTheMemoryIsBounded(t *testing.T) {
	t.Parallel()
	m := newMemory()
	stream := func(n int) shownIn { return shownIn{1, portal.Stream(fmt.Sprint("account/", n))} }
	const workers = 4
	var busy sync.WaitGroup
	for w := range workers {
		busy.Go(func() {
			for i := range maxRemembered {
				one := stream(w*maxRemembered + i)
				m.remember(one, int64(i))
				m.recall(one, 1)
			}
		})
	}
	busy.Wait()
	if len(m.streams) != maxRemembered {
		t.Errorf("the memory holds %d streams", len(m.streams))
	}
	m.remember(stream(-1), 7)
	if shown, known, _ := m.recall(stream(-1), 8); !known || shown != 7 || len(m.streams) != maxRemembered {
		t.Errorf("the newest stream is at %d, %t, of %d streams", shown, known, len(m.streams))
	}
}

// The journal was restored and the views were not.
func TestAMessageAboutAShownFactThatIsGoneSucceeds(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	facts := s.say(annStream, whole...)
	s.show(facts[8])
	for _, fact := range facts[3:] {
		s.remove(t, s.tables.Journal, string(annStream), fmt.Sprintf("%012d", fact.Sequence))
	}
	if err := s.beside(s.journal, s.tables.Client).Handle(t.Context(), facts[8]); err != nil {
		t.Error(err)
	}
}
