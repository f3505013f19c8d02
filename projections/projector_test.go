package projections

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal/journaltest"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// reference is what the rows are when all of `whole` is shown in one go.
func reference(t *testing.T) map[string]map[string]any {
	t.Helper()
	s := newScreen(t)
	s.shown(annStream, whole...)
	rows := s.rows(everything...)
	if len(rows) < 12 {
		t.Fatalf("the reference has only %d rows", len(rows))
	}
	return rows
}

func TestMessagesInAnyOrderLostOrRepeatedShowTheSame(t *testing.T) {
	t.Parallel()
	want := reference(t)
	for name, order := range map[string][]int{
		"in order":                   {1, 2, 3, 4, 5, 6, 7},
		"backwards":                  {7, 6, 5, 4, 3, 2, 1},
		"each twice":                 {1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7},
		"all but one lost":           {3},
		"one that says no sequence":  {0},
		"the last and then an old 1": {7, 1, 1, 4},
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

func TestAMessageAboutWhatIsShownAlreadyWritesNothing(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	facts := s.say(annStream, whole...)
	s.show(facts[len(facts)-1])
	counting := &breaking{Client: s.tables.Client}
	s.projector = s.beside(s.journal, counting)
	s.show(facts...)
	if counting.writes != 0 {
		t.Errorf("%d rows were written again", counting.writes)
	}
}

func TestTheSameFactsShownAgainChangeNothing(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	s.shown(annStream, whole...)
	before := s.rows(everything...)
	// A projector that has lost its checkpoint begins at the first fact.
	key := checkpoint(annStream, 0)
	_, err := s.tables.Client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{
		TableName: &s.tables.Records, Key: map[string]types.AttributeValue{"pk": textValue(key.pk), "sk": textValue(key.sk)},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.show(events.Event{Subject: annStream})
	same(t, "rows", before, s.rows(everything...))
	if got := s.checkpoint(annStream); got != int64(len(whole)) {
		t.Errorf("the checkpoint is at %d", got)
	}
}

func TestAMessageAheadOfTheJournalComesAgain(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	facts := s.say(annStream, registered)
	msg := facts[0]
	msg.Sequence = 2
	var postponed *portal.Postponed
	if err := s.projector.Handle(t.Context(), msg); !errors.As(err, &postponed) || postponed.After == 0 {
		t.Errorf("%v, want Postponed for a moment", err)
	}
	if got := s.checkpoint(annStream); got != 0 {
		t.Errorf("the checkpoint is at %d although the message comes again", got)
	}
}

// The worker dies at every possible write. What is shown by then never promises more
// than is there, and the next delivery completes it.
func TestACrashBetweenAnyTwoRowsIsMadeGood(t *testing.T) {
	t.Parallel()
	want := reference(t)
	tables := journaltest.Start(t)
	total := len(want) + 1 // and the checkpoint
	for n := 1; n <= total; n++ {
		t.Run(fmt.Sprintf("at write %d", n), func(t *testing.T) {
			t.Parallel()
			s := screenOn(t, journaltest.On(t, tables.Config))
			facts := s.say(annStream, whole...)
			last := facts[len(facts)-1]
			broken := &breaking{Client: s.tables.Client, from: n}
			err := s.beside(s.journal, broken).Handle(t.Context(), last)
			var postponed *portal.Postponed
			if !errors.As(err, &postponed) || !errors.Is(err, errBroken) {
				t.Fatalf("%v, want Postponed", err)
			}
			if got := s.checkpoint(annStream); got != 0 {
				t.Errorf("the checkpoint is at %d with rows missing", got)
			}
			// Who reads that leaving has succeeded finds the plan ended.
			if account := s.account(); s.progress("op-leave").Status == Succeeded &&
				(len(account.Subscriptions) != 1 || account.Subscriptions[0].State != SubscriptionEnded) {
				t.Errorf("the operation has succeeded, and the dashboard shows %+v", account.Subscriptions)
			}
			s.show(last)
			same(t, "rows", want, s.rows(everything...))
		})
	}
}

func TestStepsComeAfterTheRowsTheyTellOf(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	facts := s.say(annStream, whole...)
	order := &breaking{Client: s.tables.Client}
	if err := s.beside(s.journal, order).Handle(t.Context(), facts[0]); err != nil {
		t.Fatal(err)
	}
	lastView, firstStep, mark := -1, len(order.lastKeys), -1
	for i, pk := range order.lastKeys {
		switch {
		case pk == partition(accountPartition(ann)):
			lastView = i
		case pk == checkpoint(annStream, 0).pk:
			mark = i
		default:
			firstStep = min(firstStep, i)
		}
	}
	if lastView > firstStep || mark != len(order.lastKeys)-1 {
		t.Errorf("the order was %v", order.lastKeys)
	}
}

// stalled is a journal whose reader sees the first facts only and is held up until
// somebody else is done.
type stalled struct {
	streams
	upTo      int
	meanwhile func()
}

func (s stalled) Read(ctx context.Context, stream portal.Stream, after int64) ([]events.Event, error) {
	facts, err := s.streams.Read(ctx, stream, after)
	s.meanwhile()
	return slices.Clip(facts[:s.upTo]), err
}

func TestAProjectorThatStalledCannotOverwriteWhatIsNewer(t *testing.T) {
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

func TestAStreamThatNothingIsShownOfIsPassedOver(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	const other = portal.Stream("licence/l1")
	s.shown(other, registered)
	if got := s.checkpoint(other); got != 1 {
		t.Errorf("the checkpoint is at %d", got)
	}
	if rows := s.rows(everything...); len(rows) > 0 {
		t.Errorf("rows were written: %v", rows)
	}
}
