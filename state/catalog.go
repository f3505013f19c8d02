package state

import (
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
)

// Catalog is what the catalog's stream says.
type Catalog struct {
	Sequence int64
	// Hash names the document that is published, "" before the first.
	Hash        string
	PublishedAt time.Time
	// PublishedBy is the sequence of the fact that published it.
	PublishedBy int64
	// Failing is the source that could not be read last time, "" if all could.
	Failing string
	// NotUnderstood is as for an Account.
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
