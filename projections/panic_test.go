package projections

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

func wantPanic(t *testing.T, err error) {
	t.Helper()
	var panicked *portal.PanicError
	if !errors.As(err, &panicked) || panicked.Value != "oh" || panicked.Stack == "" {
		t.Errorf("the error is %v", err)
	}
}

func TestAPanicOfReadingTheCatalogIsTheErrorOfThoseWhoWaitForIt(t *testing.T) {
	t.Parallel()
	var cache catalogCache
	_, err := cache.get(t.Context(), func(context.Context, Catalog) (Catalog, error) { panic("oh") })
	wantPanic(t, err)
}

// explosive panics at every reading.
type explosive struct{ client }

func (explosive) GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	panic("oh")
}

func (explosive) Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	panic("oh")
}

func (explosive) PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	panic("oh")
}

func TestAPanicOfReadingThePointerIsTheErrorOfThoseWhoWaitForIt(t *testing.T) {
	t.Parallel()
	_, err := newGenerations(explosive{}, "views").current(t.Context())
	wantPanic(t, err)
}

func TestAPanicOfOneOfSeveralWritesIsTheErrorOfWriting(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	rows := store{client: explosive{}, tables: s.names()}
	wantPanic(t, rows.oneByOne(t.Context(), []row{{key: schema.Key{PK: "a", SK: "b"}}, {key: schema.Key{PK: "a", SK: "c"}}}))
}

func TestAPanicOfReadingTheActivityIsItsError(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	views := NewViews(explosive{s.tables.Client}, s.names(), nil)
	views.store.generations = newGenerations(s.tables.Client, s.tables.Views)
	_, err := views.Activity(t.Context(), "ann", "", 10)
	wantPanic(t, err)
}

// explosiveStream is a journal that panics at one of its streams, or returns the error.
type explosiveStream struct {
	wholeJournal
	stream portal.Stream
	err    error
}

func (u explosiveStream) Read(ctx context.Context, stream portal.Stream, after int64) ([]events.Event, error) {
	switch {
	case stream != u.stream:
		return u.wholeJournal.Read(ctx, stream, after)
	case u.err != nil:
		return nil, u.err
	}
	panic("oh")
}

func TestAStreamAtWhichTheRebuildPanicsCountsAsUnreadable(t *testing.T) {
	t.Parallel()
	elsewhere := portal.Postpone("the journal does not answer", portal.Guard(func() error { panic("oh") })())
	for name, err := range map[string]error{"in the rebuild's goroutine": nil, "in another goroutine": elsewhere} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScreen(t)
			s.shown(annStream, whole...)
			s.shown("licence/l1", registered)
			r := s.rebuild(s.beside(explosiveStream{s.journal, "licence/l1", err}, s.tables.Client))
			s.run(r, Demanded)
			if result := s.lastRebuild(r); result.Unreadable != 1 || s.pointer().Live != 2 {
				t.Errorf("the result is %+v, the pointer %+v", result, s.pointer())
			}
		})
	}
}
