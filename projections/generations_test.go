package projections

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/schema"
)

// generation returns the rows of `everything` in that generation of the views.
func (s *screen) generation(n schema.Generation) map[string]map[string]any {
	s.t.Helper()
	return s.rowsIn(n, everything...)
}

// move moves the pointer, as a process that has just read it.
func (s *screen) move(from, to pointer) {
	s.t.Helper()
	if err := newGenerations(s.tables.Client, s.tables.Views).move(s.t.Context(), from, to); err != nil {
		s.t.Fatal(err)
	}
}

// fresh returns the screen of processes that have not read the pointer yet.
func (s *screen) fresh() *screen {
	return screenOn(s.t, s.tables)
}

func TestBothGenerationsAreWrittenWhileTheNextIsBuiltAndReadersSeeTheLiveOne(t *testing.T) {
	t.Parallel()
	want := reference(t)
	s := newScreen(t)
	s.shown(annStream, whole[:6]...)
	rebuilding := pointer{Live: 1, Next: 2, Shape: shape}
	s.move(first, rebuilding)

	both := s.fresh()
	both.shown(annStream, whole[6:]...)
	same(t, "the live generation", want, both.generation(1))
	next := both.generation(2)
	if len(next) != len(want) {
		t.Errorf("the next generation has %d rows, want all %d from the first fact on", len(next), len(want))
	}
	for key, row := range next {
		row["pk"] = want[key]["pk"]
	}
	same(t, "the next generation", want, next)

	pk, sk := partition(2, accountPartition(ann)), schema.NowProfile
	s.remove(t, s.tables.Views, pk, sk)
	if got := both.account().Profile.Status; got != StatusRegistered {
		t.Errorf("readers see the next generation: %s", got)
	}
	s.move(rebuilding, pointer{Live: 2, Shape: shape})
	after := s.fresh()
	if got := after.account().Profile.Status; got != StatusNone {
		t.Errorf("readers see the old generation: %s", got)
	}
	after.shown(annStream, freeWanted)
	if got := after.checkpoint(annStream); got != 10 {
		t.Errorf("in the new generation the checkpoint is at %d", got)
	}
	same(t, "the old generation", want, after.generation(1))
}

// patient returns generations whose callers wait for a shared read however long it takes, so
// that a slow machine causes no extra reads.
func patient(client client, table string) *generations {
	g := newGenerations(client, table)
	g.maxSharedWait = time.Hour
	return g
}

func TestAReaderReadsThePointerOnceASecond(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	counting := watch(s)
	now := start
	g := patient(counting, s.tables.Views)
	g.now = func() time.Time { return now }
	current := func() pointer {
		t.Helper()
		p, err := g.current(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	same(t, "without a pointer", first, current())
	moved := pointer{Live: 4, Next: 5, Shape: shape}
	s.move(first, moved)
	now = now.Add(pointerMaxAge - time.Nanosecond)
	same(t, "within a second", first, current())
	now = now.Add(time.Nanosecond)
	same(t, "after it", moved, current())
	same(t, "after it", moved, current())
	same(t, "requests", map[string]int{"GetItem": 2}, counting.counts())
}

func TestConcurrentReadersReadThePointerOnce(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	slow := watch(s)
	asked, answer := make(chan struct{}, 100), make(chan struct{})
	slow.before = func(int, call) error {
		asked <- struct{}{}
		<-answer
		return nil
	}
	g := patient(slow, s.tables.Views)
	g.now = func() time.Time { return start }
	var readers, begun sync.WaitGroup
	for range 100 {
		begun.Add(1)
		readers.Go(func() {
			begun.Done()
			if p, err := g.current(t.Context()); err != nil || p != first {
				t.Errorf("%+v, %v", p, err)
			}
		})
	}
	begun.Wait()
	<-asked
	close(answer)
	readers.Wait()
	same(t, "requests", map[string]int{"GetItem": 1}, slow.counts())
}

func TestAReaderThatIsCanceledDoesNotWait(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	slow := watch(s)
	asked, answer := make(chan struct{}), make(chan struct{})
	slow.before = func(int, call) error {
		close(asked)
		<-answer
		return nil
	}
	g := patient(slow, s.tables.Views)
	first := make(chan error, 1)
	go func() { _, err := g.current(t.Context()); first <- err }()
	<-asked
	hurried, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.current(hurried); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
	close(answer)
	if err := <-first; err != nil {
		t.Errorf("the reader that makes the shared read: %v", err)
	}
}

func TestThePointerMovesOnlyFromTheExpectedOne(t *testing.T) {
	t.Parallel()
	rebuilding, built := pointer{Live: 1, Next: 2, Shape: shape}, pointer{Live: 2, Shape: shape}
	for name, c := range map[string]struct {
		stored   *pointer
		from, to pointer
		moved    bool
	}{
		"from the first, if none is stored":        {nil, first, rebuilding, true},
		"from another, if none is stored":          {nil, rebuilding, built, false},
		"from the stored one":                      {&rebuilding, rebuilding, built, true},
		"from the first, after another process":    {&rebuilding, first, rebuilding, false},
		"from a generation that is no longer live": {&built, rebuilding, built, false},
		"from one with another next generation":    {&pointer{Live: 1, Next: 3, Shape: shape}, rebuilding, built, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScreen(t)
			s.remove(t, s.tables.Views, schema.LiveGeneration().PK, schema.LiveGeneration().SK)
			want := first
			if c.stored != nil {
				s.move(first, *c.stored)
				want = *c.stored
			}
			g := newGenerations(s.tables.Client, s.tables.Views)
			err := g.move(t.Context(), c.from, c.to)
			if c.moved {
				want = c.to
			}
			if (err == nil) != c.moved || err != nil && !errors.Is(err, errMoved) {
				t.Errorf("moving: %v", err)
			}
			got, err := g.current(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			same(t, "the pointer", want, got)
		})
	}
}

func TestOneOfManyConcurrentMoversMovesThePointer(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	const movers = 8
	errs := make([]error, movers)
	var group sync.WaitGroup
	for i := range movers {
		group.Go(func() {
			errs[i] = newGenerations(s.tables.Client, s.tables.Views).move(t.Context(), first, pointer{Live: 1, Next: schema.Generation(i) + 2, Shape: shape})
		})
	}
	group.Wait()
	won := slices.Index(errs, nil)
	if won < 0 {
		t.Fatal(errs)
	}
	for i, err := range errs {
		if i != won && !errors.Is(err, errMoved) {
			t.Errorf("mover %d: %v", i, err)
		}
	}
	got, err := newGenerations(s.tables.Client, s.tables.Views).current(t.Context())
	if err != nil || got.Next != schema.Generation(won)+2 {
		t.Errorf("mover %d succeeded, but the pointer is %+v, %v", won, got, err)
	}
}

// A table that was emptied has lost the pointer and the checkpoints, too. Workers remember
// both.
func TestATableThatWasEmptiedIsShownAgainFromTheFirstGeneration(t *testing.T) {
	t.Parallel()
	want := reference(t)
	s := newScreen(t)
	s.shown(annStream, whole[:4]...)
	s.move(first, pointer{Live: 2, Shape: shape})
	second := s.projector
	now := start
	second.store.generations.now = func() time.Time { now = now.Add(pointerMaxAge); return now }
	s.shown(annStream, whole[4:7]...) // in the second generation, by the same worker
	s.empty()
	s.shown(annStream, whole[7:]...)
	same(t, "rows", want, s.generation(1))
	if got := s.fresh().checkpoint(annStream); got != 9 {
		t.Errorf("the checkpoint is at %d", got)
	}
}

// empty deletes every item of the views.
func (s *screen) empty() {
	s.t.Helper()
	pages := dynamodb.NewScanPaginator(s.tables.Client, &dynamodb.ScanInput{TableName: &s.tables.Views})
	for pages.HasMorePages() {
		page, err := pages.NextPage(s.t.Context())
		if err != nil {
			s.t.Fatal(err)
		}
		for _, item := range page.Items {
			key := schema.KeyOf(item)
			s.remove(s.t, s.tables.Views, key.PK, key.SK)
		}
	}
}

func TestAReadThatHangsDoesNotBlockOtherReaders(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	client := watch(s)
	hangs, hung := make(chan struct{}), make(chan struct{})
	defer close(hangs)
	var once sync.Once
	client.before = func(int, call) error {
		first := false
		once.Do(func() { first = true })
		if first {
			close(hung)
			<-hangs
		}
		return nil
	}
	g := newGenerations(client, s.tables.Views)
	given, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { _, _ = g.current(given) }()
	<-hung
	if p, err := g.current(t.Context()); err != nil || p != first {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestReadersReadRowsWhileTheyReadThePointerAgain(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	s.shown(annStream, registered)
	now := start
	reading := watch(s)
	views := NewViews(reading, s.names(), noDocuments{}).Clock(func() time.Time { return now })
	if got, err := views.Account(t.Context(), ann); err != nil || got.Profile.Status != StatusRegistered {
		t.Fatalf("the account is %+v, %v", got.Profile, err)
	}
	now = now.Add(pointerMaxAge)
	rows := make(chan struct{})
	reading.before = func(_ int, c call) error {
		switch c.operation {
		case "GetItem":
			<-rows
		case "Query":
			close(rows)
		}
		return nil
	}
	if got, err := views.Account(t.Context(), ann); err != nil || got.Profile.Status != StatusRegistered {
		t.Errorf("the account is %+v, %v", got.Profile, err)
	}
}

func TestAReaderThatGuessedTheGenerationWronglyReadsTheLiveOne(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	s.shown(annStream, registered)
	now := start
	views := NewViews(s.tables.Client, s.names(), noDocuments{}).Clock(func() time.Time { return now })
	status := func() string {
		t.Helper()
		got, err := views.Account(t.Context(), ann)
		if err != nil {
			t.Fatal(err)
		}
		return got.Profile.Status
	}
	same(t, "before", StatusRegistered, status())
	s.move(pointer{Live: 1, Shape: shape}, pointer{Live: 2, Shape: shape})
	now = now.Add(pointerMaxAge)
	same(t, "of a generation without rows", StatusNone, status())
}
