package projections

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
	"github.com/gatehouse-portal/gatehouse/state"
)

// Catalog is the published catalog.
type Catalog struct {
	catalog.Document
	// Hash changes with the document. It is the entity tag.
	Hash        string
	PublishedAt time.Time
	// Sequence is that of the publication, 0 before the first.
	Sequence int64
}

type catalogRow struct {
	Hash        string    `dynamodbav:"hash"`
	PublishedAt time.Time `dynamodbav:"published_at"`
	Sequence    int64     `dynamodbav:"seq"`
}

// catalogRows writes a state row, guarded by sequence; only the catalog's stream writes it.
func catalogRows(changed rows, current state.Catalog, fact events.Event) {
	if _, ok := fact.Data.(events.CatalogPublished); ok {
		changed.view(changed.Catalog(), fact.Sequence, catalogRow{
			Hash: current.Hash, PublishedAt: current.PublishedAt,
		})
	}
}

// Catalog returns the published catalog from memory, which is refreshed at most once a second; it
// is empty before the first publication. If it cannot be read, the last one counts for a minute.
func (v *Views) Catalog(ctx context.Context) (Catalog, error) {
	return v.catalog.get(ctx, v.readCatalog)
}

func (v *Views) readCatalog(ctx context.Context, last Catalog) (Catalog, error) {
	now, err := inLive(ctx, v.store.generations, func(ctx context.Context, live schema.Generation) (now catalogRow, err error) {
		_, err = v.store.get(ctx, v.store.tables.Views, live.Catalog(), &now)
		return now, err
	})
	if err != nil || now.Hash == "" {
		return Catalog{}, asUnavailable(err)
	}
	doc := last.Document
	if last.Hash != now.Hash {
		if doc, err = v.documents.Load(ctx, now.Hash); err != nil {
			return Catalog{}, asUnavailable(fmt.Errorf("loading the catalog %s: %w", now.Hash, err))
		}
	}
	return Catalog{Document: doc, Hash: now.Hash, PublishedAt: now.PublishedAt, Sequence: now.Sequence}, nil
}

// LastCatalog returns the catalog that this process read last, of any age, without reading.
func (v *Views) LastCatalog() Catalog {
	v.catalog.mu.Lock()
	defer v.catalog.mu.Unlock()
	return v.catalog.catalog
}

// CatalogFresh is how long the catalog in memory is not looked up again.
const CatalogFresh = time.Second

const (
	// catalogStale is how long it is used if it cannot be read.
	catalogStale   = time.Minute
	catalogTimeout = 10 * time.Second
)

type catalogCache struct {
	now     func() time.Time
	reading singleflight.Group

	mu      sync.Mutex
	catalog Catalog
	// readAt is the last successful read, triedAt the last attempt, failed its error.
	readAt, triedAt time.Time
	failed          error
}

// get returns the catalog, read again if it is older than CatalogFresh. Concurrent callers share
// one read.
func (c *catalogCache) get(ctx context.Context, read func(context.Context, Catalog) (Catalog, error)) (Catalog, error) {
	if catalog, fresh, err := c.inMemory(); fresh {
		return catalog, err
	}
	done := c.reading.DoChan("", func() (any, error) {
		if _, fresh, _ := c.inMemory(); fresh { // another caller has read it meanwhile
			return nil, nil
		}
		// This caller may leave while others wait for the same read.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), catalogTimeout)
		defer cancel()
		c.mu.Lock()
		last := c.catalog
		c.mu.Unlock()
		var catalog Catalog
		asked := c.clock()
		err := portal.Guard(func() (err error) {
			catalog, err = read(ctx, last)
			return err
		})()
		c.keep(catalog, asked, err)
		return nil, nil
	})
	select {
	case <-done:
	case <-ctx.Done():
		return Catalog{}, asUnavailable(ctx.Err())
	}
	catalog, _, err := c.inMemory()
	return catalog, err
}

// fresh: the last attempt was less than CatalogFresh ago.
func (c *catalogCache) inMemory() (catalog Catalog, fresh bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.clock()
	fresh = !c.triedAt.IsZero() && now.Sub(c.triedAt) < CatalogFresh
	if c.failed != nil && (c.readAt.IsZero() || now.Sub(c.readAt) > catalogStale) {
		return Catalog{}, fresh, c.failed
	}
	return c.catalog, fresh, nil
}

// keep: a catalog's age counts from the start of the read.
func (c *catalogCache) keep(catalog Catalog, asked time.Time, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.triedAt, c.failed = c.clock(), err
	if err == nil {
		c.catalog, c.readAt, c.triedAt = catalog, asked, asked
	}
}

func (c *catalogCache) clock() time.Time {
	if c.now != nil {
		return c.now()
	}
	return time.Now()
}
