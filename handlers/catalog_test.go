package handlers

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// library is a fake job that reads the catalog over a real journal. It records who joins and
// answers them at once with the configured outcome.
type library struct {
	*fixture
	read   CatalogRead
	joined []string
	// down is what joining fails with.
	down  error
	ticks int
}

func newLibrary(t *testing.T) *library {
	t.Helper()
	l := &library{fixture: newFixture(t), read: CatalogRead{Source: "api-gateway", Hash: "h1", Products: 2}}
	l.decider = l.again()
	return l
}

// again is another worker, with empty memory.
func (l *library) again() *Decider {
	return l.beside(func(cfg *Config) { cfg.Catalog = l })
}

func (l *library) Join(ctx context.Context, request events.Event) error {
	if l.down != nil {
		return l.down
	}
	l.joined = append(l.joined, request.ID)
	return l.decider.PublishCatalog(ctx, request, l.read)
}

// tick is a request of the job's own, or of somebody's who waits for it.
func (l *library) tick(op portal.OperationID) events.Event {
	l.ticks++
	return events.Event{
		ID: fmt.Sprint("tick", l.ticks), Source: "/test", Subject: portal.CatalogStream, Time: opened, Operation: op,
		Data: events.CatalogSyncRequested{},
	}
}

func (l *library) published() []events.Event { l.t.Helper(); return l.stream(portal.CatalogStream) }

func TestADocumentIsPublishedWhenItIsNews(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	l.handle(l.tick(""))
	first := events.CatalogPublished{Hash: "h1", Products: 2}
	holds(t, l.published(), first)
	sent, _ := l.outbox.empty()
	if diff := cmp.Diff(l.published(), sent); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	l.handle(l.tick(""), l.tick(""))
	if sent, repeated := l.outbox.empty(); len(sent)+len(repeated) > 0 {
		t.Errorf("the same document was told of: %v %v", sent, repeated)
	}
	l.read.Hash, l.read.Products = "h2", 1
	l.handle(l.tick(""))
	holds(t, l.published(), first, events.CatalogPublished{Hash: "h2", Products: 1})
}

func TestEverybodyWhoAskedLearnsWhatBecameOfIt(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	l.handle(l.tick("op-first"), l.tick("op-second"))
	holds(t, l.published(),
		events.CatalogPublished{Hash: "h1", Products: 2},
		events.RequestUnchanged{})
}

func TestASourceThatIsGoneForLongIsToldOfOnceAndLeavesWhatIsPublished(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	l.handle(l.tick(""))
	published := events.CatalogPublished{Hash: "h1", Products: 2}
	could := l.read
	l.read = CatalogRead{Source: "api-gateway", Failed: true}
	l.handle(l.tick(""), l.tick(""), l.tick(""))
	gone := events.CatalogSourceFailed{
		Source: "api-gateway", Message: "The source could not be read; the published catalog stays.", Since: opened,
	}
	holds(t, l.published(), published, gone)
	// Each request is answered.
	l.handle(l.tick("op-admin"))
	holds(t, l.published(), published, gone, gone)
	// The source works again; that is published even with the same document, since it was failing.
	l.read = could
	l.handle(l.tick(""), l.tick(""))
	holds(t, l.published(), published, gone, gone, published)
	// It may fail again.
	l.read = CatalogRead{Source: "api-gateway", Failed: true}
	l.handle(l.tick(""))
	holds(t, l.published(), published, gone, gone, published, gone)
}

func TestARequestThatCannotJoinNowLeavesNoTraceAndComesAgain(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	l.down = &portal.Postponed{Reason: "the records do not answer"}
	if err := deliver(t.Context(), l.decider, l.tick("op")); !isPostponed(err) {
		t.Errorf("%v, want Postponed", err)
	}
	holds(t, l.published())
}

func TestASecondDeliveryOfASynchronizationTellsAgain(t *testing.T) {
	t.Parallel()
	l := newLibrary(t)
	msg := l.tick("op")
	l.handle(msg)
	first, _ := l.outbox.empty()
	l.read.Hash = "h2" // the source has changed since
	l.decider = l.again()
	l.handle(msg)
	sent, repeated := l.outbox.empty()
	if diff := cmp.Diff(first, repeated); diff != "" || len(sent) > 0 {
		t.Errorf("%d sent as new; repeated (-want +got):\n%s", len(sent), diff)
	}
	if got := len(l.published()); got != 1 || len(l.joined) != 1 {
		t.Errorf("the stream holds %d facts, want 1; %d joined, want 1", got, len(l.joined))
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
	if err := deliver(t.Context(), l.decider, msg); portal.CodeOf(err) != portal.Invalid {
		t.Errorf("about an account: %v, want invalid", err)
	}
}
