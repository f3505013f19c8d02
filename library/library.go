// Package library is what one portal process holds of the catalog in memory: the products that each
// kind of viewer sees, parsed OpenAPI documents, pages, encoded responses and the search index.
// Everything reads the catalog only through it, so that the same things are hidden everywhere.
package library

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/openapi"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// views reads the published catalog. It must keep it in memory, as projections.Views does.
type views interface {
	Catalog(ctx context.Context) (projections.Catalog, error)
}

type blobs interface {
	LoadBlob(ctx context.Context, hash string) ([]byte, error)
}

// Config is what a Library needs. Views and Blobs are required.
type Config struct {
	Views views
	Blobs blobs
	// Load parses OpenAPI documents, openapi.Load if nil.
	Load func([]byte) (*openapi.Document, error)
	// Memory bounds the bytes kept, approximately and without the search index; DefaultMemory if
	// 0.
	Memory int64
	Log    zerolog.Logger
	// Now is the clock, time.Now if nil.
	Now func() time.Time
}

// DefaultMemory is the default of Config.Memory.
const DefaultMemory = 256 << 20

// keptShare: Keep has this fraction of Config.Memory.
const keptShare = 4

// Library is safe for concurrent use.
type Library struct {
	views   views
	blobs   blobs
	load    func([]byte) (*openapi.Document, error)
	memory  *memory
	parsing *parsing
	// kept is for Keep. It is apart from memory, so that many pages do not push out the parsed
	// documents that they are made from.
	kept    *memory
	log     zerolog.Logger
	indexer *indexer

	mu      sync.Mutex
	edition *edition
}

// New returns a Library. It reads nothing yet. The caller must Close it.
func New(config Config) *Library {
	l := &Library{views: config.Views, blobs: config.Blobs, load: config.Load, log: config.Log}
	if l.load == nil {
		l.load = openapi.Load
	}
	limit, now := config.Memory, config.Now
	if limit == 0 {
		limit = DefaultMemory
	}
	if now == nil {
		now = time.Now
	}
	l.memory, l.kept = newMemory(limit-limit/keptShare, now), newMemory(limit/keptShare, now)
	l.parsing = newParsing(readAtOnce, parsedAtOnce)
	l.indexer = newIndexer(l, now)
	return l
}

// For returns what the viewer sees. It reads nothing while the catalog in memory is fresh. Its
// errors are those of projections.Views.Catalog.
func (l *Library) For(ctx context.Context, viewer catalog.Viewer) (*Shelf, error) {
	published, err := l.views.Catalog(ctx)
	if err != nil {
		return nil, err
	}
	current := l.current(published)
	l.indexer.want(current)
	return current.shelf(viewer), nil
}

// current returns the edition of the published catalog. A request with a slightly older
// catalog makes that current again, which the next request repairs.
func (l *Library) current(published projections.Catalog) *edition {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.edition == nil || l.edition.hash != published.Hash {
		l.edition = newEdition(l, published)
	}
	return l.edition
}

// Close ends work in the background. Searches find nothing from then on.
func (l *Library) Close() error { return l.indexer.close() }
