package projections

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/state"
)

const (
	catalogPartition = "catalog"
	catalogSort      = "now"
)

// Catalog is what the portal offers.
type Catalog struct {
	catalog.Document
	// Hash changes with the document: it is the entity tag.
	Hash        string
	PublishedAt time.Time
	// Sequence is the fact that published it, 0 before the first.
	Sequence int64
}

type catalogRow struct {
	Hash        string    `dynamodbav:"hash"`
	PublishedAt time.Time `dynamodbav:"published_at"`
	Sequence    int64     `dynamodbav:"seq"`
}

// catalogRows: state row, guarded by sequence; written by the catalog's stream only. It
// names the document, which never changes under its hash.
func catalogRows(changed rows, current state.Catalog, fact events.Event) {
	if _, ok := fact.Data.(events.CatalogPublished); ok {
		changed.view(catalogPartition, catalogSort, fact.Sequence, catalogRow{
			Hash: current.Hash, PublishedAt: current.PublishedAt,
		})
	}
}

// Catalog reads what is published; before the first publication it is empty.
func (v *Views) Catalog(ctx context.Context) (Catalog, error) {
	var now catalogRow
	pk, err := v.store.live(ctx, catalogPartition)
	if err != nil {
		return Catalog{}, asUnavailable(err)
	}
	found, err := v.store.get(ctx, v.store.tables.Views, pk, catalogSort, &now)
	if err != nil || !found {
		return Catalog{}, asUnavailable(err)
	}
	doc, err := v.catalog.load(ctx, v.documents, now.Hash)
	if err != nil {
		return Catalog{}, asUnavailable(fmt.Errorf("loading the catalog %s: %w", now.Hash, err))
	}
	return Catalog{Document: doc, Hash: now.Hash, PublishedAt: now.PublishedAt, Sequence: now.Sequence}, nil
}

// catalogCache holds the document last loaded: it cannot be stale, since what it is
// looked up by is its hash.
type catalogCache struct {
	mu   sync.Mutex
	hash string
	doc  catalog.Document
}

func (c *catalogCache) load(ctx context.Context, documents documents, hash string) (catalog.Document, error) {
	c.mu.Lock()
	cached, doc := c.hash, c.doc
	c.mu.Unlock()
	if cached == hash {
		return doc, nil
	}
	doc, err := documents.Load(ctx, hash)
	if err != nil {
		return catalog.Document{}, err
	}
	c.mu.Lock()
	c.hash, c.doc = hash, doc
	c.mu.Unlock()
	return doc, nil
}
