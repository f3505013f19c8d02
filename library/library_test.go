package library

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/openapi"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.IgnoreCurrent()) }

// stored is a catalog with its blobs.
type stored struct {
	mu      sync.Mutex
	catalog projections.Catalog
	blobs   map[string][]byte
	err     error
	loads   map[string]int
	// parses counts the documents that were parsed; parse does it.
	parses int
	parse  func([]byte) (*openapi.Document, error)
}

func store() *stored {
	return &stored{blobs: map[string][]byte{}, loads: map[string]int{}}
}

func (s *stored) Catalog(context.Context) (projections.Catalog, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.catalog, s.err
}

func (s *stored) LoadBlob(_ context.Context, hash string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loads[hash]++
	if s.err != nil {
		return nil, s.err
	}
	body, ok := s.blobs[hash]
	if !ok {
		return nil, fmt.Errorf("there is no blob %s", hash)
	}
	return body, nil
}

// put stores a blob and returns its hash.
func (s *stored) put(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	hash := catalog.HashOf([]byte(text))
	s.blobs[hash] = []byte(text)
	return hash
}

func (s *stored) publish(products ...catalog.Product) {
	s.mu.Lock()
	defer s.mu.Unlock()
	document := catalog.Document{Products: products}.Canonical()
	hash, err := document.Hash()
	if err != nil {
		panic(err)
	}
	s.catalog = projections.Catalog{Document: document, Hash: hash, Sequence: s.catalog.Sequence + 1}
}

func (s *stored) parsesBy(parse func([]byte) (*openapi.Document, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parse = parse
}

func (s *stored) parsed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.parses
}

func (s *stored) loaded(hash string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.loads[hash]
}

// allLoads counts the blobs that were loaded.
func (s *stored) allLoads() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, times := range s.loads {
		n += times
	}
	return n
}

func (s *stored) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *stored) library(t testing.TB, change ...func(*Config)) *Library {
	config := Config{Views: s, Blobs: s, Load: func(body []byte) (*openapi.Document, error) {
		s.mu.Lock()
		s.parses++
		parse := s.parse
		s.mu.Unlock()
		if parse != nil {
			return parse(body)
		}
		return &openapi.Document{Title: string(body)}, nil
	}}
	for _, c := range change {
		c(&config)
	}
	l := New(config)
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func shelf(t testing.TB, l *Library, viewer catalog.Viewer) *Shelf {
	t.Helper()
	s, err := l.For(t.Context(), viewer)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var (
	stranger = catalog.Viewer{}
	member   = catalog.Viewer{SignedIn: true}
	partner  = catalog.Viewer{SignedIn: true, Groups: []string{"partners"}}
	admin    = catalog.Viewer{SignedIn: true, Groups: []string{"admins"}, Admin: true}
)

// every returns a product of each visibility.
func every(s *stored) []catalog.Product {
	var products []catalog.Product
	for _, visibility := range []string{catalog.VisiblePublic, catalog.VisibleSignedIn, catalog.VisibleGroups, catalog.VisibleHidden} {
		product := catalog.Product{
			ID: visibility, Name: "The " + visibility, Visibility: visibility,
			Overview: s.put("overview of " + visibility), Changelog: s.put("changelog of " + visibility),
			Pages: []catalog.Page{{Name: "guide", Title: "Guide", Hash: s.put("guide of " + visibility)}},
			Image: &catalog.Image{Hash: s.put("image of " + visibility), Type: "image/svg+xml"},
			APIs: []catalog.API{{
				Slug: "main", Name: "API " + visibility, Kind: catalog.Docs, Definition: s.put("definition of " + visibility),
				SDKs: []catalog.SDK{{Type: "java", Hash: s.put("sdk of " + visibility), File: visibility + ".zip"}},
			}},
		}
		if visibility == catalog.VisibleGroups {
			product.Groups = []string{"partners"}
		}
		products = append(products, product)
	}
	return products
}

func TestWhatAViewerMayNotSeeDoesNotExist(t *testing.T) {
	t.Parallel()
	s := store()
	s.publish(every(s)...)
	l := s.library(t)
	for name, c := range map[string]struct {
		viewer catalog.Viewer
		sees   []string
	}{
		"a stranger": {stranger, []string{"public"}},
		"a member":   {member, []string{"public", "signed-in"}},
		"a partner":  {partner, []string{"public", "signed-in", "groups"}},
		"an admin":   {admin, []string{"public", "signed-in", "groups", "hidden"}},
	} {
		t.Run(name, func(t *testing.T) {
			shelf, ctx := shelf(t, l, c.viewer), t.Context()
			if len(shelf.Products) != len(c.sees) {
				t.Errorf("%d products are there, want %v", len(shelf.Products), c.sees)
			}
			for _, id := range []string{"public", "signed-in", "groups", "hidden", "unknown"} {
				reads := map[string]func(string) error{
					"product":    func(id string) error { _, err := shelf.Product(id); return err },
					"API":        func(id string) error { _, _, err := shelf.API(id, "main"); return err },
					"definition": func(id string) error { _, err := shelf.Definition(ctx, id, "main"); return err },
					"page":       func(id string) error { _, err := shelf.Page(ctx, id, "guide"); return err },
					"overview":   func(id string) error { _, err := shelf.Overview(ctx, id); return err },
					"changelog":  func(id string) error { _, err := shelf.Changelog(ctx, id); return err },
					"image":      func(id string) error { _, err := shelf.Image(ctx, id); return err },
					"SDK":        func(id string) error { _, err := shelf.SDK(ctx, id, "main", "java"); return err },
				}
				for what, read := range reads {
					err := read(id)
					if slices.Contains(c.sees, id) {
						if err != nil {
							t.Errorf("%s of %s: %v", what, id, err)
						}
					} else if !errors.Is(err, read("unknown")) || portal.CodeOf(err) != portal.NotFound {
						t.Errorf("%s of %s: %v, and an unknown one: %v", what, id, err, read("unknown"))
					}
				}
			}
		})
	}
}

func TestEverythingOnAShelfIsWhatTheCatalogNames(t *testing.T) {
	t.Parallel()
	s := store()
	s.publish(every(s)...)
	shelf, ctx := shelf(t, s.library(t), stranger), t.Context()
	definition, err := shelf.Definition(ctx, "public", "main")
	if err != nil || definition.Title != "definition of public" {
		t.Errorf("the definition is %+v, %v", definition, err)
	}
	page, err := shelf.Page(ctx, "public", "guide")
	if want := (Page{Name: "guide", Title: "Guide", Markdown: "guide of public", Hash: catalog.HashOf([]byte("guide of public")), File: "public/pages/guide.md"}); err != nil || page != want {
		t.Errorf("the page is %+v, %v", page, err)
	}
	overview, err := shelf.Overview(ctx, "public")
	if err != nil || overview.Markdown != "overview of public" {
		t.Errorf("the overview is %+v, %v", overview, err)
	}
	image, err := shelf.Image(ctx, "public")
	if err != nil || string(image.Body) != "image of public" || image.Type != "image/svg+xml" {
		t.Errorf("the image is %+v, %v", image, err)
	}
	sdk, err := shelf.SDK(ctx, "public", "main", "java")
	if err != nil || string(sdk.Body) != "sdk of public" || sdk.Type != "application/zip" || sdk.Name != "public.zip" {
		t.Errorf("the SDK is %+v, %v", sdk, err)
	}
	for what, err := range map[string]error{
		"another page": second(shelf.Page(ctx, "public", "other")), "another page of the portal": second(shelf.Page(ctx, "", "guide")),
		"another API": second(shelf.Definition(ctx, "public", "other")), "another type of SDK": second(shelf.SDK(ctx, "public", "main", "ruby")),
	} {
		if portal.CodeOf(err) != portal.NotFound {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestViewersWhoSeeTheSameShareAShelf(t *testing.T) {
	t.Parallel()
	s := store()
	s.publish(every(s)...)
	l := s.library(t)
	other := catalog.Viewer{SignedIn: true, Groups: []string{"others"}}
	if shelf(t, l, member) != shelf(t, l, other) {
		t.Error("two members have shelves of their own")
	}
	if shelf(t, l, member) == shelf(t, l, partner) || shelf(t, l, member).Hash == shelf(t, l, partner).Hash {
		t.Error("a partner and a member share a shelf")
	}
	if !shelf(t, l, stranger).Public || shelf(t, l, member).Public {
		t.Error("the shelf of people who are not signed in is not the public one")
	}
	s.publish(every(s)[0])
	if shelf(t, l, member) != shelf(t, l, stranger) {
		t.Error("everybody sees the same, and not on the same shelf")
	}
}

func TestAShelfsHashTellsNothingOfWhatItsViewersDoNotSee(t *testing.T) {
	t.Parallel()
	s := store()
	products := every(s)
	s.publish(products...)
	l := s.library(t)
	before, all := shelf(t, l, stranger).Hash, shelf(t, l, admin).Hash
	products[3].Description = "changed"
	s.publish(products...)
	if after := shelf(t, l, stranger).Hash; after != before {
		t.Errorf("the hash changes from %s to %s with a hidden product", before, after)
	}
	if shelf(t, l, admin).Hash == all {
		t.Error("the hash does not change with what an admin sees")
	}
}

func TestShelvesOfManyGroupsAreBounded(t *testing.T) {
	t.Parallel()
	s := store()
	var products []catalog.Product
	for i := range 3 * maxShelves {
		products = append(products, catalog.Product{ID: fmt.Sprint(i), Visibility: catalog.VisibleGroups, Groups: []string{fmt.Sprint(i)}})
	}
	s.publish(products...)
	l := s.library(t)
	public := shelf(t, l, stranger)
	for i := range products {
		if seen := shelf(t, l, catalog.Viewer{SignedIn: true, Groups: []string{fmt.Sprint(i)}}); len(seen.Products) != 1 || seen.Products[0].ID != fmt.Sprint(i) {
			t.Fatalf("the members of group %d see %v", i, seen.Products)
		}
	}
	if kept := len(l.edition.shelves); kept > maxShelves {
		t.Errorf("%d shelves are kept, want at most %d", kept, maxShelves)
	}
	if shelf(t, l, stranger) != public {
		t.Error("the public shelf made room for another")
	}
}

func TestAViewerIsWhoTheIdentitySays(t *testing.T) {
	t.Parallel()
	if got := Viewer(t.Context()); got.SignedIn || got.Admin || got.Groups != nil {
		t.Errorf("nobody is %+v", got)
	}
	got := Viewer(identity.With(t.Context(), identity.Identity{Account: "a", Groups: []string{"partners"}, Admin: true}))
	if !got.SignedIn || !got.Admin || !slices.Equal(got.Groups, []string{"partners"}) {
		t.Errorf("the admin is %+v", got)
	}
}

func TestWithoutACatalogThereIsAnEmptyShelfOrAnError(t *testing.T) {
	t.Parallel()
	s := store()
	l := s.library(t)
	if empty := shelf(t, l, admin); empty.Hash != "" || len(empty.Products) != 0 {
		t.Errorf("before anything is published, the shelf is %+v", empty)
	}
	s.fail(errors.New("no answer"))
	if _, err := l.For(t.Context(), stranger); err == nil {
		t.Error("a catalog that cannot be read is no error")
	}
}

func TestADocumentIsReadOnceForAllWhoWait(t *testing.T) {
	t.Parallel()
	s := store()
	s.publish(every(s)...)
	release := make(chan struct{})
	s.parsesBy(func(body []byte) (*openapi.Document, error) {
		<-release
		return &openapi.Document{Title: string(body)}, nil
	})
	shelf := shelf(t, s.library(t), stranger)
	impatient, leave := context.WithCancel(t.Context())
	var waiting sync.WaitGroup
	first := make(chan error)
	go func() { first <- second(shelf.Definition(impatient, "public", "main")) }()
	leave()
	if err := <-first; portal.CodeOf(err) != portal.Unavailable {
		t.Errorf("a caller who goes away gets %v", err)
	}
	for range 8 {
		waiting.Go(func() {
			if _, err := shelf.Definition(t.Context(), "public", "main"); err != nil {
				t.Error(err)
			}
		})
	}
	close(release)
	waiting.Wait()
	if n := s.loaded(shelf.Products[0].APIs[0].Definition); n != 1 {
		t.Errorf("the document was read %d times", n)
	}
}

func TestAFailureIsRememberedForAWhile(t *testing.T) {
	t.Parallel()
	s := store()
	s.publish(every(s)...)
	now := time.Now()
	l := s.library(t, func(c *Config) { c.Now = func() time.Time { return now } })
	shelf := shelf(t, l, stranger)
	s.fail(errors.New("no answer"))
	hash := shelf.Products[0].APIs[0].Definition
	for range 3 {
		if _, err := shelf.Definition(t.Context(), "public", "main"); portal.CodeOf(err) != portal.Unavailable {
			t.Errorf("without an answer: %v", err)
		}
	}
	if n := s.loaded(hash); n != 1 {
		t.Errorf("the table was asked %d times", n)
	}
	s.fail(nil)
	now = now.Add(failedFor + time.Second)
	if _, err := shelf.Definition(t.Context(), "public", "main"); err != nil {
		t.Errorf("later: %v", err)
	}
}

func TestADocumentThatPanicsTheParserIsAnError(t *testing.T) {
	t.Parallel()
	s := store()
	s.publish(every(s)...)
	s.parsesBy(func([]byte) (*openapi.Document, error) { panic("nested too deeply") })
	if _, err := shelf(t, s.library(t), stranger).Definition(t.Context(), "public", "main"); portal.StackOf(err) == "" {
		t.Errorf("the panic became %v", err)
	}
}

func TestMemoryIsBoundedAndForgetsWhatWasNotUsedForLongest(t *testing.T) {
	t.Parallel()
	m := newMemory(10*(1000+perValue), time.Now)
	made := 0
	get := func(name string, size int) {
		t.Helper()
		value, err := remember(t.Context(), m, name, func(context.Context) (string, int, error) { made++; return name, size, nil })
		if value != name || err != nil {
			t.Errorf("%s is %q, %v", name, value, err)
		}
	}
	for i := range 100 {
		get(fmt.Sprint(i), 1000)
		get("0", 1000)
	}
	if m.size > m.limit || len(m.values) != m.order.Len() || m.order.Len() != 10 || made != 100 {
		t.Errorf("%d bytes of %d in %d values are kept, %d were made", m.size, m.limit, m.order.Len(), made)
	}
	get("huge", 1<<30)
	get("huge", 1<<30)
	if made != 101 || m.order.Len() != 1 {
		t.Errorf("the value that was made last was not kept: %d were made, %d are kept", made, m.order.Len())
	}
}

func TestPagesThatAreKeptForgetNoDocuments(t *testing.T) {
	t.Parallel()
	s := store()
	s.publish(catalog.Product{ID: "p", Name: "P", APIs: []catalog.API{{Slug: "a", Definition: s.put("a")}}})
	l := s.library(t)
	shelf := shelf(t, l, stranger)
	if _, err := shelf.Definition(t.Context(), "p", "a"); err != nil {
		t.Fatal(err)
	}
	<-l.indexer.first
	parsed := s.parses
	for page := range 500 {
		if _, err := Keep(t.Context(), shelf, fmt.Sprint("page ", page), func(context.Context) (string, int, error) { return "", 1 << 20, nil }); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := shelf.Definition(t.Context(), "p", "a"); err != nil || s.parses != parsed {
		t.Errorf("the document was parsed %d times more, %v", s.parses-parsed, err)
	}
	if l.kept.size > DefaultMemory/4 || l.kept.order.Len() < 10 {
		t.Errorf("%d pages with %d bytes are kept", l.kept.order.Len(), l.kept.size)
	}
}

func TestADocumentThatSaysNothingAboutAuthenticationTakesAKeyWhereAPlanCoversTheAPI(t *testing.T) {
	t.Parallel()
	s := store()
	silent := s.put(`{"openapi":"3.0.3","info":{"title":"Silent","version":"1"},"paths":{"/a":{"get":{"operationId":"a","responses":{}}}}}`)
	speaks := s.put(`{"openapi":"3.0.3","info":{"title":"Speaks","version":"1"},"paths":{"/a":{"get":{"operationId":"a","responses":{}}}},"components":{"securitySchemes":{"token":{"type":"http","scheme":"bearer"}}}}`)
	s.publish(catalog.Product{
		ID: "p", Name: "P", Plans: []catalog.Plan{{ID: "free", Name: "Free", Stages: []portal.Stage{{API: "a1", Stage: "prod"}, {API: "a3", Stage: "prod"}}}},
		APIs: []catalog.API{
			{ID: "a1", Slug: "opened", Name: "A", Stage: "prod", Kind: catalog.REST, Definition: silent},
			{ID: "a1", Slug: "other-stage", Name: "B", Stage: "beta", Kind: catalog.REST, Definition: silent},
			{Slug: "docs", Name: "C", Kind: catalog.Docs, Definition: silent},
			{ID: "a3", Slug: "speaks", Name: "D", Stage: "prod", Kind: catalog.REST, Definition: speaks},
		},
	})
	shelf := shelf(t, s.library(t, func(c *Config) { c.Load = openapi.Load }), catalog.Viewer{})
	for slug, want := range map[string]bool{"opened": true, "other-stage": false, "docs": false, "speaks": false} {
		definition, err := shelf.Definition(t.Context(), "p", slug)
		if err != nil {
			t.Fatal(err)
		}
		op, _ := definition.Operation("a")
		if op.TakesKey() != want {
			t.Errorf("%s takes a key: %t, want %t", slug, op.TakesKey(), want)
		}
	}
}

func TestDocumentsThatAreParsedAtOnceStayWithinALimit(t *testing.T) {
	t.Parallel()
	s := store()
	product := catalog.Product{ID: "p", Name: "P"}
	const all, size, most = 12, 1000, 2500 // two fit
	for i := range all {
		body := fmt.Sprintf("%0*d", size, i)
		product.APIs = append(product.APIs, catalog.API{Slug: fmt.Sprint("a", i), Definition: s.put(body)})
	}
	release := make(chan struct{})
	var busy, held atomic.Int64
	s.parsesBy(func(body []byte) (*openapi.Document, error) {
		held.Store(max(held.Load(), busy.Add(int64(len(body)))))
		<-release
		busy.Add(-int64(len(body)))
		return &openapi.Document{}, nil
	})
	l := s.library(t)
	l.parsing = newParsing(readAtOnce, most)
	s.publish(product)
	shelf := shelf(t, l, stranger)
	var waiting sync.WaitGroup
	for _, api := range product.APIs {
		waiting.Go(func() {
			if _, err := shelf.Definition(t.Context(), "p", api.Slug); err != nil {
				t.Error(err)
			}
		})
	}
	until(t, "two documents are parsed, and two more read", func() bool { return s.allLoads() == readAtOnce && busy.Load() == 2*size })
	for done := range all {
		release <- struct{}{}
		if loads := s.allLoads(); loads > readAtOnce+done+1 {
			t.Errorf("%d documents were read while %d were parsed", loads, done+1)
		}
	}
	waiting.Wait()
	if held.Load() != 2*size {
		t.Errorf("%d bytes were parsed at once, want %d of at most %d", held.Load(), 2*size, most)
	}
}

func TestADocumentAboveTheLimitIsParsedAlone(t *testing.T) {
	t.Parallel()
	p := newParsing(readAtOnce, 10)
	for range 3 {
		parsed := false
		err := p.do(t.Context(), func() ([]byte, error) { return make([]byte, 1000), nil }, func([]byte) error {
			parsed = !p.bytes.TryAcquire(1)
			return nil
		})
		if err != nil || !parsed {
			t.Fatalf("parsed alone: %t, %v", parsed, err)
		}
	}
	if !p.bytes.TryAcquire(10) || !p.documents.TryAcquire(readAtOnce) {
		t.Error("something is still held")
	}
}

func TestWhoWaitsTooLongForOtherDocumentsIsToldToTryAgain(t *testing.T) {
	t.Parallel()
	p := newParsing(1, 10)
	gone, leave := context.WithCancel(t.Context())
	leave()
	none := func([]byte) error { t.Error("it was parsed"); return nil }
	if err := p.do(gone, func() ([]byte, error) { t.Error("it was read"); return nil, nil }, none); portal.CodeOf(err) != portal.Unavailable {
		t.Errorf("before reading: %v", err)
	}
	waits, stop := context.WithCancel(t.Context())
	if !p.bytes.TryAcquire(1) {
		t.Fatal("nothing is free")
	}
	if err := p.do(waits, func() ([]byte, error) { stop(); return make([]byte, 10), nil }, none); portal.CodeOf(err) != portal.Unavailable {
		t.Errorf("before parsing: %v", err)
	}
	if !p.documents.TryAcquire(1) {
		t.Error("something is still held")
	}
}

func TestADocumentCountsWhatItTakesOnceItIsParsed(t *testing.T) {
	t.Parallel()
	s := store()
	s.publish(catalog.Product{ID: "p", Name: "P", APIs: []catalog.API{{Slug: "a", Definition: s.put(strings.Repeat("x", 10_000))}}})
	l := s.library(t)
	if _, err := shelf(t, l, stranger).Definition(t.Context(), "p", "a"); err != nil {
		t.Fatal(err)
	}
	l.memory.mu.Lock()
	defer l.memory.mu.Unlock()
	if l.memory.size < 70_000 || l.memory.size > 80_000 {
		t.Errorf("%d bytes are counted for a document of 10,000", l.memory.size)
	}
}
