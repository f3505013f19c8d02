package projections

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// shelf keeps documents in the real table, and counts who asks for which.
type shelf struct {
	*catalog.Store
	mu    sync.Mutex
	loads []string
	down  error
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
	s.Views = NewViews(s.tables.Client, s.names(), documents)
	return s, documents
}

func (s *screen) offered() Catalog {
	s.t.Helper()
	c, err := s.Catalog(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// publish keeps a document and publishes it.
func (s *screen) publish(documents *shelf, name string) string {
	s.t.Helper()
	hash, err := documents.Put(s.t.Context(), catalog.Document{Products: []catalog.Product{{ID: "p", Name: name}}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.shown(portal.CatalogStream, said{"", events.CatalogPublished{Hash: hash, Products: 1}})
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

func TestADocumentIsLoadedOnceForAsLongAsItIsPublished(t *testing.T) {
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

func TestADocumentThatCannotBeLoadedIsUnavailableAndTriedAgain(t *testing.T) {
	t.Parallel()
	s, documents := newCatalog(t)
	s.publish(documents, "Tides")
	s.offered()
	documents.down = errors.New("the table does not answer")
	s.publish(documents, "Coast")
	if c, err := s.Catalog(t.Context()); portal.CodeOf(err) != portal.Unavailable || len(c.Products) > 0 {
		t.Errorf("offered %+v, %v; want unavailable, not the old document under the new hash", c, err)
	}
	documents.down = nil
	if got := s.offered(); got.Products[0].Name != "Coast" {
		t.Errorf("offered %+v", got)
	}
}

func TestASubscriptionHasTheNameThatItsPlanHasNow(t *testing.T) {
	t.Parallel()
	s, documents := newCatalog(t)
	offer := func(plans ...catalog.Plan) {
		hash, err := documents.Put(t.Context(), catalog.Document{Products: []catalog.Product{{ID: "p", Name: "Tides", Plans: plans}}})
		if err != nil {
			t.Fatal(err)
		}
		s.shown(portal.CatalogStream, said{"", events.CatalogPublished{Hash: hash, Products: 1}})
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
		t.Errorf("an account without any: %v", err)
	}
	s.shown(annStream, whole[:6]...)
	if _, err := s.Account(t.Context(), ann); portal.CodeOf(err) != portal.Unavailable {
		t.Errorf("%v, want unavailable", err)
	}
}
