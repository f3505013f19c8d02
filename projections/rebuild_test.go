package projections

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// oneResult is a scratch that keeps the result of a rebuild.
type oneResult struct{ body []byte }

func (o *oneResult) Put(_ context.Context, _, _ string, value any, _ time.Duration) (err error) {
	o.body, err = json.Marshal(value)
	return err
}

func (o *oneResult) Get(_ context.Context, _, _ string, value any) (bool, error) {
	if o.body == nil {
		return false, nil
	}
	return true, json.Unmarshal(o.body, value)
}

// rebuild returns a rebuild of the screen's views by a worker with that projector.
func (s *screen) rebuild(projector *Projector) *Rebuild {
	now := start
	return &Rebuild{
		Projector: projector.Clock(func() time.Time { now = now.Add(pointerMaxAge); return now }),
		Journal:   s.journal, Rows: s.tables.Client, Scratch: &oneResult{}, Now: func() time.Time { return now },
		Wait: func(context.Context, time.Duration) error { return nil },
	}
}

// run does all steps of a rebuild and returns its phases.
func (s *screen) run(r *Rebuild, cursor string) (phases []string) {
	s.t.Helper()
	for range 100 {
		next, err := r.Step(s.t.Context(), cursor)
		if err != nil {
			s.t.Fatalf("after %v: %v", phases, err)
		}
		if next == "" {
			return phases
		}
		at, ok := ParseRebuilding(next)
		if !ok {
			s.t.Fatalf("the cursor is %s", next)
		}
		phases, cursor = append(phases, string(at.Phase)), next
	}
	s.t.Fatalf("the rebuild does not end: %v", phases)
	return nil
}

func (s *screen) pointer() pointer {
	s.t.Helper()
	now, err := newGenerations(s.tables.Client, s.tables.Views).current(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return now
}

// rowsByGeneration counts the rows of the views by generation.
func (s *screen) rowsByGeneration() map[schema.Generation]int {
	s.t.Helper()
	counts := map[schema.Generation]int{}
	pages := dynamodb.NewScanPaginator(s.tables.Client, &dynamodb.ScanInput{TableName: &s.tables.Views})
	for pages.HasMorePages() {
		page, err := pages.NextPage(s.t.Context())
		if err != nil {
			s.t.Fatal(err)
		}
		for _, item := range page.Items {
			if n, ok := schema.GenerationOf(schema.KeyOf(item)); ok {
				counts[n]++
			}
		}
	}
	return counts
}

func (s *screen) lastRebuild(r *Rebuild) Rebuilt {
	s.t.Helper()
	result, ok, err := LastRebuild(s.t.Context(), r.Scratch)
	if err != nil || !ok {
		s.t.Fatalf("the last rebuild is %t, %v", ok, err)
	}
	return result
}

func TestARebuildWritesRowsThatWereLostOrWrongAndDeletesTheOldOnes(t *testing.T) {
	t.Parallel()
	want := reference(t)
	s := newScreen(t)
	s.shown(annStream, whole...)
	s.shown("licence/l1", said{"op-licence", events.UserRegistered{}})
	s.remove(t, s.tables.Views, partition(1, accountPartition(ann)), schema.NowProfile)
	s.shown(portal.CatalogStream, painted)

	r := s.rebuild(s.beside(s.journal, s.tables.Client))
	var list []string
	for _, phase := range s.run(r, Demanded) {
		if len(list) == 0 || list[len(list)-1] != phase {
			list = append(list, phase)
		}
	}
	same(t, "phases", "announced showing moving moved checking deleting", strings.Join(list, " "))
	after := s.fresh()
	if got := after.account().Profile.Status; got != StatusRegistered {
		t.Errorf("readers see %s", got)
	}
	got := after.generation(2)
	for key, row := range got {
		row["pk"] = want[key]["pk"]
	}
	same(t, "rows", want, got)
	if old := s.rowsByGeneration()[1]; old > 0 {
		t.Errorf("%d rows of the first generation are left", old)
	}
	result := s.lastRebuild(r)
	if result.Generation != 2 || result.Streams != 3 || result.Passes != 2 || result.Unreadable != 0 || result.Deleted < len(want) {
		t.Errorf("the result is %+v", result)
	}
	same(t, "the pointer", pointer{Live: 2, Shape: shape, Build: s.pointer().Build}, s.pointer())
}

func TestATickRebuildsOnlyViewsOfAnOlderShapeOrContinuesARebuild(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		stored pointer
		lives  schema.Generation
	}{
		"views of the present shape stay":                   {pointer{Live: 1, Shape: shape}, 1},
		"views of an older shape are rebuilt":               {pointer{Live: 1, Shape: shape - 1}, 2},
		"a rebuild that was started continues":              {pointer{Live: 1, Next: 2, Shape: shape, NextShape: shape, Build: "b"}, 2},
		"a newer version's rebuild is left to that version": {pointer{Live: 1, Next: 2, Shape: shape, NextShape: shape + 1, Build: "b"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScreen(t)
			s.shown(annStream, whole...)
			s.move(first, c.stored)
			r := s.rebuild(s.beside(s.journal, s.tables.Client))
			s.run(r, "")
			if got := s.pointer(); got.Live != c.lives || c.lives > 1 && (got.Next != 0 || got.Shape != shape) {
				t.Errorf("the pointer is %+v", got)
			}
			if got := s.fresh().account().Profile.Status; got != StatusRegistered {
				t.Errorf("readers see %s", got)
			}
			if phases := s.run(r, ""); len(phases) > 0 {
				t.Errorf("the next tick does %v", phases)
			}
		})
	}
}

func TestADemandReplacesTheRebuildOfAVersionThatWasRolledBack(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	s.shown(annStream, whole...)
	s.move(first, pointer{Live: 1, Next: 2, Shape: shape, NextShape: shape + 1, Build: "newer"})
	s.run(s.rebuild(s.beside(s.journal, s.tables.Client)), Demanded)
	if got := s.pointer(); got.Live != 3 || got.Shape != shape || got.Next != 0 {
		t.Errorf("the pointer is %+v", got)
	}
}

func TestAnOlderVersionWritesNoRowsOfANewerShape(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	s.move(first, pointer{Live: 1, Next: 2, Shape: shape, NextShape: shape + 1, Build: "newer"})
	s.fresh().shown(annStream, whole...)
	if counts := s.rowsByGeneration(); counts[1] == 0 || counts[2] > 0 {
		t.Errorf("rows by generation: %v", counts)
	}
}

// An old worker that still runs after a rebuild writes rows of the old shape. It lowers the
// pointer's shape, so the views are rebuilt again.
func TestViewsThatAnOlderVersionWritesAreRebuilt(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	s.move(first, pointer{Live: 3, Shape: shape + 1, Build: "newer"})
	s.fresh().shown(annStream, whole...)
	same(t, "the pointer", pointer{Live: 3, Shape: shape, Build: "newer"}, s.pointer())
}

func TestTheFirstProjectorStoresThePointer(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	s.empty()
	s.beside(s.journal, s.tables.Client).showsNothing(t)
	if got := s.tables.Rows(t, s.tables.Views, schema.LiveGeneration().PK); len(got) != 1 {
		t.Errorf("the pointer is %v", got)
	}
	same(t, "the pointer", first, s.pointer())
}

func (p *Projector) showsNothing(t *testing.T) {
	t.Helper()
	if err := p.Handle(t.Context(), events.Event{Subject: annStream}); err != nil {
		t.Fatal(err)
	}
}

// unreadableStream is a journal in which one stream cannot be read.
type unreadableStream struct {
	wholeJournal
	stream portal.Stream
}

func (u unreadableStream) Read(ctx context.Context, stream portal.Stream, after int64) ([]events.Event, error) {
	if stream == u.stream {
		return nil, errors.New("a fact that cannot be read")
	}
	return u.wholeJournal.Read(ctx, stream, after)
}

func TestARebuildSkipsAndNamesAStreamThatCannotBeRead(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	s.shown(annStream, whole...)
	s.shown("licence/l1", registered)
	r := s.rebuild(s.beside(unreadableStream{s.journal, "licence/l1"}, s.tables.Client))
	s.run(r, Demanded)
	if got := s.fresh().account().Profile.Status; got != StatusRegistered || s.pointer().Live != 2 {
		t.Errorf("readers see %s in %+v", got, s.pointer())
	}
	result := s.lastRebuild(r)
	if result.Unreadable != 1 || len(result.First) != 1 || result.First[0] != "licence/l1" {
		t.Errorf("the result is %+v", result)
	}
}

func TestAStreamThatCannotBeShownInTheNextGenerationIsShownInTheLiveOne(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	s.shown(annStream, whole[:3]...)
	s.move(first, pointer{Live: 1, Next: 2, Shape: shape, NextShape: shape, Build: "b"})
	facts := s.say(annStream, whole[3:]...)
	late := s.beside(s.journal, s.tables.Client)
	late.accounts = noWholeStream{late.accounts}
	if err := late.Handle(t.Context(), facts[len(facts)-1]); err != nil {
		t.Fatal(err)
	}
	if counts := s.rowsByGeneration(); counts[2] > 0 {
		t.Errorf("rows by generation: %v", counts)
	}
	if got := s.fresh().checkpoint(annStream); got != int64(len(whole)) {
		t.Errorf("readers see it up to %d", got)
	}
}

// meanwhile is a journal that runs happens after its first read.
type meanwhile struct {
	wholeJournal
	happens func()
}

func (m *meanwhile) Read(ctx context.Context, stream portal.Stream, after int64) ([]events.Event, error) {
	facts, err := m.wholeJournal.Read(ctx, stream, after)
	m.once()
	return facts, err
}

func (m *meanwhile) ReadUpTo(ctx context.Context, stream portal.Stream, after int64, limit int) ([]events.Event, bool, error) {
	facts, more, err := m.wholeJournal.ReadUpTo(ctx, stream, after, limit)
	m.once()
	return facts, more, err
}

func (m *meanwhile) once() {
	if m.happens != nil {
		m.happens()
		m.happens = nil
	}
}

// Otherwise readers would miss facts when the pointer moves.
func TestTheLiveGenerationShowsNothingThatTheNextOneLacks(t *testing.T) {
	t.Parallel()
	for stream, all := range map[portal.Stream][]said{
		annStream:            whole,
		portal.CatalogStream: {{"", events.CatalogPublished{Hash: "a"}}, {"", events.CatalogPublished{Hash: "b"}}, {"", events.CatalogPublished{Hash: "c"}}, {"", events.CatalogPublished{Hash: "d"}}},
		"licence/l1":         {{"", events.RequestUnchanged{}}, {"", events.RequestUnchanged{}}, {"", events.RequestUnchanged{}}, {"", events.RequestUnchanged{}}},
	} {
		t.Run(string(stream), func(t *testing.T) {
			t.Parallel()
			s := newScreen(t)
			s.shown(stream, all[:1]...)
			s.move(first, pointer{Live: 1, Next: 2, Shape: shape, NextShape: shape, Build: "b"})
			facts := s.say(stream, all[1:3]...)
			var later []events.Event
			journal := &meanwhile{s.journal, func() { later = s.say(stream, all[3:]...) }}
			projector := s.beside(journal, s.tables.Client)
			checkpoints := func() (live, next int64) {
				t.Helper()
				live, err := projector.store.checkpoint(t.Context(), shownIn{1, stream})
				if err != nil {
					t.Fatal(err)
				}
				next, err = projector.store.checkpoint(t.Context(), shownIn{2, stream})
				if err != nil {
					t.Fatal(err)
				}
				return live, next
			}
			if err := projector.Handle(t.Context(), facts[len(facts)-1]); err != nil {
				t.Fatal(err)
			}
			if live, next := checkpoints(); len(later) == 0 || live != 3 || next != 3 {
				t.Errorf("of %d facts the live generation shows %d, the next one %d; want 3 both", 3+len(later), live, next)
			}
			if err := projector.Handle(t.Context(), later[len(later)-1]); err != nil {
				t.Fatal(err)
			}
			if live, next := checkpoints(); live != int64(len(all)) || next != live {
				t.Errorf("in the end the live generation shows %d, the next one %d; want %d", live, next, len(all))
			}
		})
	}
}

// noWholeStream fails to read accounts from the first fact.
type noWholeStream struct{ accountReader }

func (n noWholeStream) AccountSince(ctx context.Context, id portal.AccountID, after int64, fact events.Event) (accounts.History, error) {
	if after == 0 {
		return accounts.History{}, errors.New("the first fact cannot be read")
	}
	return n.accountReader.AccountSince(ctx, id, after, fact)
}

// The table is lost and created again during a rebuild. Generation 2 of the new table is not
// that of the old one.
func TestATableThatIsLostDuringARebuildIsRebuiltFromTheStart(t *testing.T) {
	t.Parallel()
	for steps := 1; steps <= 6; steps++ {
		t.Run(fmt.Sprintf("after %d steps", steps), func(t *testing.T) {
			t.Parallel()
			s := newScreen(t)
			s.shown(annStream, whole...)
			r := s.rebuild(s.beside(s.journal, s.tables.Client))
			cursor := Demanded
			for range steps {
				var err error
				if cursor, err = r.Step(t.Context(), cursor); err != nil {
					t.Fatal(err)
				}
			}
			s.empty()
			s.move(first, pointer{Live: 1, Next: 2, Shape: shape, NextShape: shape, Build: "another"})
			s.run(r, cursor)
			if steps >= 4 { // the pointer had moved, so the first run builds nothing
				s.run(r, "")
			}
			if now := s.pointer(); now.Live != 2 || now.Next != 0 {
				t.Errorf("the pointer is %+v", now)
			}
			if got := s.fresh().account().Profile.Status; got != StatusRegistered {
				t.Errorf("readers see %s", got)
			}
		})
	}
}

func TestRowsOfTheLiveAndTheNextGenerationAreNotDeleted(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	s.shown(annStream, whole...)
	one := s.rebuild(s.beside(s.journal, s.tables.Client))
	cursor := Demanded
	for cursor != "" {
		at, _ := ParseRebuilding(cursor)
		if at.Phase == PhaseDeleting {
			break
		}
		var err error
		if cursor, err = one.Step(t.Context(), cursor); err != nil {
			t.Fatal(err)
		}
	}
	s.run(s.rebuild(s.beside(s.journal, s.tables.Client)), Demanded) // generation 3
	s.move(s.pointer(), pointer{Live: 3, Next: 4, Shape: shape, NextShape: shape, Build: "b"})
	s.fresh().shown(annStream, freeWanted)
	before := s.rowsByGeneration()
	s.run(one, cursor)
	same(t, "rows by generation", before, s.rowsByGeneration())
	if before[3] == 0 || before[4] == 0 || before[1]+before[2] > 0 {
		t.Errorf("rows by generation: %v", before)
	}
}

// waited is how long a rebuild has waited, while its clock stands still.
type waited struct{ total time.Duration }

func (w *waited) wait(_ context.Context, d time.Duration) error {
	w.total += d
	return nil
}

func TestARebuildKeepsToTheRateThatTheOperatorGave(t *testing.T) {
	t.Parallel()
	for _, rate := range []int{0, 10, 1} {
		s := newScreen(t)
		for i := range 30 {
			s.say(portal.AccountStream(portal.AccountID(fmt.Sprint("account", i))), registered)
		}
		r := s.rebuild(s.projector)
		if err := LimitRebuild(t.Context(), r.Scratch, rate); err != nil {
			t.Fatal(err)
		}
		var w waited
		r.Now, r.Wait = func() time.Time { return start }, w.wait
		cursor, err := Demanded, error(nil)
		for steps := 0; cursor != ""; steps++ {
			if cursor, err = r.Step(t.Context(), cursor); err != nil || steps > 1000 {
				t.Fatalf("after %d steps: %v", steps, err)
			}
		}
		// Twice every stream: nothing is live, so one pass is enough, and the check afterwards.
		total := 2 * pointerKnown
		if rate > 0 {
			total += 2 * 30 * time.Second / time.Duration(max(rate, MinRate))
		}
		if w.total != total {
			t.Errorf("at %d a second the rebuild waits %s, want %s", rate, w.total, total)
		}
	}
}
