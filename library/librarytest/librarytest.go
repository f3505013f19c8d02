// Package librarytest has a catalog in memory for tests.
package librarytest

import (
	"context"
	"fmt"
	"sync"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/openapi"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// Catalog is a catalog with its blobs. It is safe for concurrent use.
type Catalog struct {
	mu        sync.Mutex
	published projections.Catalog
	blobs     map[string][]byte
	err       error
}

// New returns an empty catalog.
func New() *Catalog { return &Catalog{blobs: map[string][]byte{}} }

// Put stores a blob and returns its hash.
func (c *Catalog) Put(text string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	hash := catalog.HashOf([]byte(text))
	c.blobs[hash] = []byte(text)
	return hash
}

// Publish publishes a document.
func (c *Catalog) Publish(document catalog.Document) {
	c.mu.Lock()
	defer c.mu.Unlock()
	document = document.Canonical()
	hash, err := document.Hash()
	if err != nil {
		panic(err)
	}
	c.published = projections.Catalog{Document: document, Hash: hash, Sequence: c.published.Sequence + 1}
}

// Fail makes every read fail, or none if err is nil.
func (c *Catalog) Fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
}

// Catalog returns what was published last.
func (c *Catalog) Catalog(context.Context) (projections.Catalog, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.published, c.err
}

// LoadBlob returns what Put stored.
func (c *Catalog) LoadBlob(_ context.Context, hash string) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if body, ok := c.blobs[hash]; ok {
		return body, c.err
	}
	return nil, fmt.Errorf("there is no blob %s", hash)
}

// Library returns a library over the catalog.
func (c *Catalog) Library() *library.Library {
	return library.New(library.Config{Views: c, Blobs: c, Load: openapi.Load})
}
