package state

import (
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
)

// Catalog is the fold of the catalog's stream.
type Catalog struct {
	Sequence int64
	// Hash names the published document, "" before the first.
	Hash        string
	PublishedAt time.Time
	// PublishedBy is the fact of the publication.
	PublishedBy int64
	// Failing is the source that could not be read the last time, or "".
	Failing       string
	NotUnderstood string
}

// FoldCatalog applies all facts of the catalog's stream.
func FoldCatalog(facts []events.Event) Catalog {
	var c Catalog
	for _, fact := range facts {
		c.Apply(fact)
	}
	return c
}

// Apply applies the next fact.
func (c *Catalog) Apply(e events.Event) {
	c.Sequence = e.Sequence
	if e.NotUnderstood() {
		c.NotUnderstood = e.Type()
	}
	switch f := e.Data.(type) {
	case events.CatalogPublished:
		c.Hash, c.PublishedAt, c.PublishedBy, c.Failing = f.Hash, e.Time, e.Sequence, ""
	case events.CatalogSourceFailed:
		c.Failing = f.Source
	}
}
