package projections

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// shelf keeps documents in the real table and counts loads.
type shelf struct {
	*catalog.Store
	mu    sync.Mutex
	loads []string
	down  error
	// now is the portal's clock; a publication moves it on by a second.
	now atomic.Int64
	// reads counts reads of the views, which fail while silent.
	reads  atomic.Int64
	silent atomic.Bool
}

func (s *shelf) Load(ctx context.Context, hash string) (catalog.Document, error) {
	s.mu.Lock()
	s.loads = append(s.loads, hash)
	down := s.down
	s.mu.Unlock()
	if down != nil {
		return catalog.Document{}, down
	}
	return s.Store.Load(ctx, hash)
}

func newCatalog(t *testing.T) (*screen, *shelf) {
	s := newScreen(t)
	documents := &shelf{Store: catalog.NewStore(s.tables.Client, s.tables.Records)}
	s.Views = NewViews(tallied{s.tables.Client, documents}, s.names(), documents)
	s.catalog.now = func() time.Time { return start.Add(time.Duration(documents.now.Load())) }
	// Reads of the pointer are not counted here.
	s.Views.store.generations = newGenerations(s.tables.Client, s.tables.Views)
	return s, documents
}

// later moves the portal's clock forward.
func (s *shelf) later(by time.Duration) { s.now.Add(int64(by)) }

// tallied is a client that counts reads and can make them fail.
type tallied struct {
	client
	shelf *shelf
}

func (w tallied) GetItem(ctx context.Context, in *dynamodb.GetItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	w.shelf.reads.Add(1)
	if w.shelf.silent.Load() {
		return nil, errors.New("the table does not answer")
	}
	return w.client.GetItem(ctx, in, opts...)
}

func (s *screen) offered() Catalog {
	s.t.Helper()
	c, err := s.Catalog(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// publish stores a document and publishes it.
func (s *screen) publish(documents *shelf, name string) string {
	s.t.Helper()
	hash, err := documents.Put(s.t.Context(), catalog.Document{Products: []catalog.Product{{ID: "p", Name: name}}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.shown(portal.CatalogStream, said{"", events.CatalogPublished{Hash: hash, Products: 1}})
	documents.later(time.Second)
	return hash
}

func TestTheCatalogIsTheDocumentLastPublished(t *testing.T) {
	t.Parallel()
	s, documents := newCatalog(t)
	same(t, "before the first", Catalog{}, s.offered())
	first := s.publish(documents, "Tides")
	got := s.offered()
	if got.Hash != first || got.Sequence != 1 || !got.PublishedAt.Equal(at(1)) || len(got.Products) != 1 || got.Products[0].Name != "Tides" {
		t.Errorf("offered %+v", got)
	}
	s.shown(portal.CatalogStream, said{"", events.CatalogSourceFailed{Source: "s"}})
	same(t, "while the source is gone", got, s.offered())
	second := s.publish(documents, "Coast")
	if got := s.offered(); got.Hash != second || got.Sequence != 3 || got.Products[0].Name != "Coast" {
		t.Errorf("after the second publication offered %+v", got)
	}
}

func TestAPublishedDocumentIsLoadedOnce(t *testing.T) {
	t.Parallel()
	s, documents := newCatalog(t)
	first := s.publish(documents, "Tides")
	for range 3 {
		s.offered()
	}
	second := s.publish(documents, "Coast")
	for range 3 {
		s.offered()
	}
	same(t, "loads", []string{first, second}, documents.loads)
}

func TestIfADocumentCannotBeLoadedThePreviousOneIsShownForAMinute(t *testing.T) {
	t.Parallel()
	s, documents := newCatalog(t)
	first := s.publish(documents, "Tides")
	s.offered()
	documents.down = errors.New("the table does not answer")
	s.publish(documents, "Coast")
	if got := s.offered(); got.Hash != first || got.Products[0].Name != "Tides" {
		t.Errorf("offered %+v, want the previous document with its own hash", got)
	}
	documents.later(time.Minute)
	if c, err := s.Catalog(t.Context()); portal.CodeOf(err) != portal.Unavailable || len(c.Products) > 0 {
		t.Errorf("a minute later offered %+v, %v; want unavailable", c, err)
	}
	documents.down = nil
	documents.later(time.Second)
	if got := s.offered(); got.Products[0].Name != "Coast" {
		t.Errorf("offered %+v", got)
	}
}

func TestASubscriptionHasItsPlansCurrentName(t *testing.T) {
	t.Parallel()
	s, documents := newCatalog(t)
	offer := func(plans ...catalog.Plan) {
		hash, err := documents.Put(t.Context(), catalog.Document{Products: []catalog.Product{{ID: "p", Name: "Tides", Plans: plans}}})
		if err != nil {
			t.Fatal(err)
		}
		s.shown(portal.CatalogStream, said{"", events.CatalogPublished{Hash: hash, Products: 1}})
		documents.later(time.Second)
	}
	shown := func() Subscription {
		t.Helper()
		return s.account().Subscriptions[0]
	}
	s.shown(annStream, whole[:6]...)
	if got := shown(); got.Name != "Free" || got.Offered {
		t.Errorf("before the first catalog it is %+v", got)
	}
	offer(catalog.Plan{ID: "plus", Name: "Plus"}, catalog.Plan{ID: "free", Name: "Basic"})
	if got := shown(); got.Name != "Basic" || !got.Offered {
		t.Errorf("renamed it is %+v", got)
	}
	offer(catalog.Plan{ID: "plus", Name: "Plus"})
	if got := shown(); got.Name != "Free" || got.Offered {
		t.Errorf("no longer offered it is %+v", got)
	}
}

func TestSubscriptionsThatCannotBeNamedAreUnavailable(t *testing.T) {
	t.Parallel()
	s, documents := newCatalog(t)
	s.publish(documents, "Tides")
	documents.down = errors.New("the table does not answer")
	if _, err := s.Account(t.Context(), ann); err != nil {
		t.Errorf("an account without subscriptions: %v", err)
	}
	s.shown(annStream, whole[:6]...)
	if _, err := s.Account(t.Context(), ann); portal.CodeOf(err) != portal.Unavailable {
		t.Errorf("%v, want unavailable", err)
	}
}

func TestManyReadersOfTheCatalogShareOneReadASecond(t *testing.T) {
	t.Parallel()
	s, documents := newCatalog(t)
	s.publish(documents, "Tides")
	for range 3 {
		before := documents.reads.Load()
		var readers sync.WaitGroup
		for range 100 {
			readers.Go(func() {
				if c, err := s.Catalog(t.Context()); err != nil || c.Products[0].Name != "Tides" {
					t.Errorf("offered %+v, %v", c, err)
				}
			})
		}
		readers.Wait()
		if got := documents.reads.Load() - before; got != 1 {
			t.Errorf("a hundred readers within a second made %d reads", got)
		}
		documents.later(time.Second)
	}
}

func TestATableThatDoesNotAnswerIsReadOnceASecond(t *testing.T) {
	t.Parallel()
	s, documents := newCatalog(t)
	documents.silent.Store(true)
	for range 50 {
		if _, err := s.Catalog(t.Context()); portal.CodeOf(err) != portal.Unavailable {
			t.Fatalf("%v, want unavailable", err)
		}
	}
	if got := documents.reads.Load(); got != 1 {
		t.Errorf("fifty readers within a second made %d reads", got)
	}
	documents.silent.Store(false)
	documents.later(time.Second)
	same(t, "when the table answers again", Catalog{}, s.offered())
}

func TestAReaderThatGoesAwayDoesNotFailTheOthers(t *testing.T) {
	t.Parallel()
	s, documents := newCatalog(t)
	s.publish(documents, "Tides")
	gone, leave := context.WithCancel(t.Context())
	leave()
	if _, err := s.Catalog(gone); err != nil && portal.CodeOf(err) != portal.Unavailable {
		t.Errorf("the reader that went away gets %v", err)
	}
	if got := s.offered(); got.Products[0].Name != "Tides" {
		t.Errorf("offered %+v", got)
	}
}

// What `gatehouse catalog sync` promises: CatalogFresh after a catalog is published, every process
// shows it, also one that was reading while it was published.
func TestACatalogIsFreshFromWhenItsReadingBegan(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	cache := catalogCache{now: func() time.Time { return now }}
	if _, err := cache.get(t.Context(), func(context.Context, Catalog) (Catalog, error) {
		now = now.Add(900 * time.Millisecond) // a newer catalog is published meanwhile
		return Catalog{Sequence: 1}, nil
	}); err != nil {
		t.Fatal(err)
	}
	now = now.Add(CatalogFresh - time.Millisecond)
	got, err := cache.get(t.Context(), func(context.Context, Catalog) (Catalog, error) { return Catalog{Sequence: 2}, nil })
	if err != nil || got.Sequence != 2 {
		t.Errorf("1.9 seconds after the reading began the process shows catalog %d, %v", got.Sequence, err)
	}
}
