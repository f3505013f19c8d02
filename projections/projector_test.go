package projections

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// reference returns the rows when all of `whole` is shown at once.
func reference(t *testing.T) map[string]map[string]any {
	t.Helper()
	s := newScreen(t)
	s.shown(annStream, whole...)
	rows := s.rows(everything...)
	if len(rows) < 16 {
		t.Fatalf("the reference has only %d rows", len(rows))
	}
	return rows
}

func TestMessagesInAnyOrderLostOrRepeatedShowTheSame(t *testing.T) {
	t.Parallel()
	want := reference(t)
	for name, order := range map[string][]int{
		"in order":                {1, 2, 3, 4, 5, 6, 7, 8, 9},
		"backwards":               {9, 8, 7, 6, 5, 4, 3, 2, 1},
		"each twice":              {1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9},
		"all but one lost":        {3},
		"one without a sequence":  {0},
		"the last, then old ones": {9, 1, 1, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScreen(t)
			facts := s.say(annStream, whole...)
			for _, seq := range order {
				msg := events.Event{Subject: annStream}
				if seq > 0 {
					msg = facts[seq-1]
				}
				s.show(msg)
			}
			same(t, "rows", want, s.rows(everything...))
			if got := s.checkpoint(annStream); got != int64(len(whole)) {
				t.Errorf("the checkpoint is at %d", got)
			}
		})
	}
}

func TestFactsThatComeOneByOneShowTheSame(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	for _, one := range whole {
		s.shown(annStream, one)
	}
	same(t, "rows", reference(t), s.rows(everything...))
}

func TestAMessageAboutAShownFactWritesNothing(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	facts := s.say(annStream, whole...)
	s.show(facts[len(facts)-1])
	counting := watch(s)
	s.projector.store.client = counting
	s.projector.memory.now = func() time.Time { return time.Now().Add(time.Minute) }
	s.show(facts...)
	if again := counting.writes(); len(again) > 0 {
		t.Errorf("written again: %v", again)
	}
}

func TestTheSameFactsShownAgainChangeNothing(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	s.shown(annStream, whole...)
	before := s.rows(everything...)
	// A projector that has lost its checkpoint starts at the first fact.
	pk, sk := checkpointKey(1, annStream)
	s.remove(t, s.tables.Views, pk, sk)
	s.show(events.Event{Subject: annStream})
	same(t, "rows", before, s.rows(everything...))
	if got := s.checkpoint(annStream); got != int64(len(whole)) {
		t.Errorf("the checkpoint is at %d", got)
	}
}

func TestAMessageAheadOfTheJournalIsPostponed(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	facts := s.say(annStream, registered)
	msg := facts[0]
	msg.Sequence = 2
	var postponed *portal.Postponed
	if err := s.projector.Handle(t.Context(), msg); !errors.As(err, &postponed) || postponed.After == 0 {
		t.Errorf("%v, want Postponed with a delay", err)
	}
	if got := s.checkpoint(annStream); got != 0 {
		t.Errorf("the checkpoint is at %d although the message is postponed", got)
	}
}

// In both ways of writing, no row is there before the rows that it refers to.
func TestStepsAreWrittenAfterTheRowsTheyReferTo(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]func(int, call) error{"in transactions": nil, "row by row": colliding} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScreen(t)
			facts := s.say(annStream, many()...)
			order := watch(s)
			order.before = before
			if err := s.watchedBy(order).Handle(t.Context(), facts[0]); err != nil {
				t.Fatal(err)
			}
			mark, _ := checkpointKey(1, annStream)
			lastView, firstStep, marks, writes := -1, len(order.calls), []int{}, order.writes()
			for i, write := range writes {
				if before != nil && len(write) > 1 {
					continue // the transaction that was canceled
				}
				for _, pk := range write {
					switch pk {
					case partition(1, accountPartition(ann)), schema.Generation(1).Holders("free").PK,
						schema.Generation(1).ListedAccount(ann, at(1)).PK, schema.Generation(1).KeyOwner("k1").PK:
						lastView = i
					case mark:
						marks = append(marks, i)
					default:
						firstStep = min(firstStep, i)
					}
				}
			}
			if lastView > firstStep || len(marks) != 1 || marks[0] != len(writes)-1 {
				t.Errorf("the order was %v", writes)
			}
		})
	}
}

// stalled is a journal whose reader sees only the first facts, and waits until another
// projector is done.
type stalled struct {
	wholeJournal
	upTo      int
	meanwhile func()
}

func (s stalled) ReadUpTo(ctx context.Context, stream portal.Stream, after int64, limit int) ([]events.Event, bool, error) {
	facts, more, err := s.wholeJournal.ReadUpTo(ctx, stream, after, limit)
	s.meanwhile()
	return slices.Clip(facts[:s.upTo]), more, err
}

func TestAProjectorThatStalledOverwritesNoNewerRow(t *testing.T) {
	t.Parallel()
	want := reference(t)
	for upTo := 1; upTo < len(whole); upTo++ {
		t.Run(fmt.Sprintf("after %d facts", upTo), func(t *testing.T) {
			t.Parallel()
			s := newScreen(t)
			facts := s.say(annStream, whole...)
			late := s.beside(stalled{s.journal, upTo, func() { s.show(facts[len(facts)-1]) }}, s.tables.Client)
			if err := late.Handle(t.Context(), facts[0]); err != nil {
				t.Fatal(err)
			}
			same(t, "rows", want, s.rows(everything...))
			if got := s.checkpoint(annStream); got != int64(len(whole)) {
				t.Errorf("the checkpoint went back to %d", got)
			}
		})
	}
}

// A stream that has no views of its own still has operations, which people follow.
func TestAStreamWithoutViewsOfItsOwnGetsStepsAndACheckpoint(t *testing.T) {
	t.Parallel()
	for _, stream := range []portal.Stream{"licence/l1", "legacy/product/customer", portal.PortalStream} {
		t.Run(string(stream), func(t *testing.T) {
			t.Parallel()
			s := newScreen(t)
			s.shown(stream, registered, said{"op-many", events.RequestJoined{Link: link(1)}}, said{"", events.WishParked{Link: link(1)}}, painted)
			if got := s.checkpoint(stream); got != 4 {
				t.Errorf("the checkpoint is at %d", got)
			}
			if shown, err := s.Shown(t.Context(), stream); err != nil || shown != 4 {
				t.Errorf("readers see it up to %d, %v", shown, err)
			}
			if got := s.progress("op-register"); got.Status != Succeeded || len(got.Steps) != 1 || got.Steps[0].Stream != stream {
				t.Errorf("the operation is %+v", got)
			}
			if got := s.progress("op-many"); got.Status != Waiting || len(got.Steps) != 2 {
				t.Errorf("the operation that joined is %+v", got)
			}
			if rows := s.rows(accountPartition(ann), catalogPartition); len(rows) > 0 {
				t.Errorf("views were written: %v", rows)
			}
		})
	}
}

// Deciding keeps snapshots, and a projector then reads the stream from one.
func TestFactsAfterASnapshotAreShownAsAfterTheWholeStream(t *testing.T) {
	t.Parallel()
	want := reference(t)
	for behind := range 4 {
		t.Run(fmt.Sprintf("%d facts behind", behind), func(t *testing.T) {
			t.Parallel()
			s := newScreen(t)
			counting := watch(s)
			reader := accounts.NewReader(s.journal, counting, s.tables.Records, func() time.Time { return start }).SnapshotEvery(4, 2)
			var told []events.Event
			for _, one := range whole {
				told = append(told, s.say(annStream, one)...)
				for range 2 {
					if _, err := reader.Account(t.Context(), ann); err != nil {
						t.Fatal(err)
					}
				}
				// A new process, which has read nothing yet.
				fresh := accounts.NewReader(s.journal, counting, s.tables.Records, func() time.Time { return start }).SnapshotEvery(4, 2)
				s.projector = NewProjector(s.journal, fresh, s.tables.Client, s.names())
				if len(told) > behind && len(told)%(behind+1) == 0 {
					s.show(told[len(told)-1])
				}
			}
			s.show(told[len(told)-1])
			same(t, "rows", want, s.rows(everything...))
			if counting.counts()["PutItem"] == 0 || counting.counts()["GetItem"] == 0 {
				t.Errorf("no snapshot was kept and read, so this test shows nothing: %v", counting.counts())
			}
		})
	}
}
