package handlers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// library is a catalog's source that does as it is told; what it is to keep it keeps
// in the real table.
type library struct {
	*desk
	doc              catalog.Document
	readErr, keepErr error
	documents        *catalog.Store
	ticks            int
}

func newLibrary(t *testing.T) *library {
	t.Helper()
	l := &library{desk: newDesk(t)}
	l.documents = catalog.NewStore(l.tables.Client, l.tables.Records)
	l.doc = catalog.Document{Products: []catalog.Product{{ID: "p1", Name: "Tides"}, {ID: "p2", Name: "Coast"}}}
	l.execute = l.again()
	return l
}

// again is a worker that remembers nothing.
func (l *library) again() *Execute {
	return l.beside(func(cfg *Config) {
		cfg.Catalog = &CatalogSource{
			Name: "api-gateway",
			Read: func(context.Context) (catalog.Document, error) { return l.doc, l.readErr },
			Keep: func(ctx context.Context, doc catalog.Document) (string, error) {
				if l.keepErr != nil {
					return "", l.keepErr
				}
				return l.documents.Put(ctx, doc)
			},
		}
	})
}

// tick is a request of the job's, or of somebody's who waits for it.
func (l *library) tick(op portal.OperationID) events.Event {
	l.ticks++
	return events.Event{
		ID: fmt.Sprint("tick", l.ticks), Source: "/test", Subject: portal.CatalogStream, Time: opened, Operation: op,
		Data: events.CatalogSyncRequested{},
	}
}

func (l *library) published() []events.Event { l.t.Helper(); return l.stream(portal.CatalogStream) }

func (l *library) hash() string {
	l.t.Helper()
	hash, err := l.doc.Hash()
	if err != nil {
		l.t.Fatal(err)
	}
	return hash
}

func TestADocumentIsKeptAndPublishedWhenItIsNews(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	l.handle(l.tick(""))
	first := events.CatalogPublished{Hash: l.hash(), Products: 2}
	holds(t, l.published(), first)
	if doc, err := l.documents.Load(t.Context(), l.hash()); err != nil || len(doc.Products) != 2 {
		t.Errorf("the published document has %d products, %v", len(doc.Products), err)
	}
	sent, _ := l.outbox.empty()
	if diff := cmp.Diff(l.published(), sent); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	l.handle(l.tick(""), l.tick(""))
	if sent, repeated := l.outbox.empty(); len(sent)+len(repeated) > 0 {
		t.Errorf("the same document was told of: %v %v", sent, repeated)
	}
	l.doc.Products = l.doc.Products[:1]
	l.handle(l.tick(""))
	holds(t, l.published(), first, events.CatalogPublished{Hash: l.hash(), Products: 1})
}

func TestASourceThatIsGoneForLongIsToldOfOnceAndLeavesWhatIsPublished(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	l.handle(l.tick(""))
	published := events.CatalogPublished{Hash: l.hash(), Products: 2}
	l.readErr = errors.New("AccessDeniedException: arn:aws:iam::000000000000:role/secret")
	l.handle(l.tick(""), l.tick(""), l.tick(""))
	gone := events.CatalogSourceFailed{
		Source: "api-gateway", Message: "The source could not be read; what was published stands.", Since: opened,
	}
	holds(t, l.published(), published, gone)
	// Whoever asks hears of it, each.
	l.handle(l.tick("op-admin"))
	holds(t, l.published(), published, gone, gone)
	for _, fact := range l.published() {
		if body, err := events.Encode(fact); err != nil || strings.Contains(string(body), "secret") {
			t.Errorf("a fact holds AWS's text (%v): %s", err, body)
		}
	}
	// It comes back with the same document, which is news, since it was failing.
	l.readErr = nil
	l.handle(l.tick(""), l.tick(""))
	holds(t, l.published(), published, gone, gone, published)
	// And may fail anew.
	l.readErr = errDown
	l.handle(l.tick(""))
	holds(t, l.published(), published, gone, gone, published, gone)
}

func TestASynchronizationThatCannotGoOnNowLeavesNoTrace(t *testing.T) {
	t.Parallel()
	budget := &portal.Postponed{After: 7 * time.Second, Reason: "no budget"}
	for _, c := range []struct {
		name  string
		spoil func(*library)
		want  error
	}{
		{"there is no budget", func(l *library) { l.readErr = fmt.Errorf("reading plans: %w", budget) }, budget},
		{"the document cannot be kept", func(l *library) { l.keepErr = errDown }, errDown},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := newLibrary(t)
			c.spoil(l)
			err := deliver(t.Context(), l.execute, l.tick("op"))
			if !isPostponed(err) || !errors.Is(err, c.want) {
				t.Errorf("%v, want Postponed because of %v", err, c.want)
			}
			holds(t, l.published())
		})
	}
}

func TestASecondDeliveryOfASynchronizationTellsAgain(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	msg := l.tick("op")
	l.handle(msg)
	first, _ := l.outbox.empty()
	l.doc.Products = nil // whatever the source says by now
	l.execute = l.again()
	l.handle(msg)
	sent, repeated := l.outbox.empty()
	if diff := cmp.Diff(first, repeated); diff != "" || len(sent) > 0 {
		t.Errorf("%d sent as new; repeated (-want +got):\n%s", len(sent), diff)
	}
	if got := len(l.published()); got != 1 {
		t.Errorf("the stream holds %d facts, want 1", got)
	}
}

func TestASynchronizationWhereThereIsNoCatalogIsInvalid(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	if err := deliver(t.Context(), l.beside(), l.tick("")); portal.CodeOf(err) != portal.Invalid {
		t.Errorf("without a source: %v, want invalid", err)
	}
	msg := l.tick("")
	msg.Subject = portal.AccountStream(account)
	if err := deliver(t.Context(), l.execute, msg); portal.CodeOf(err) != portal.Invalid {
		t.Errorf("about an account: %v, want invalid", err)
	}
}
