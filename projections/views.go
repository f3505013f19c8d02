package projections

import (
	"context"
	"time"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/portal"
)

type documents interface {
	Load(ctx context.Context, hash string) (catalog.Document, error)
}

// Views answers the queries of pages and JSON. Reads are consistent, make no control-plane calls,
// and cost the same however many accounts there are. If a table does not answer, the error has
// the code portal.Unavailable.
type Views struct {
	store     store
	documents documents
	catalog   catalogCache
	links     links
}

// NewViews returns the Views of the tables.
func NewViews(client client, tables Tables, documents documents) *Views {
	return &Views{store: newStore(client, tables), documents: documents}
}

// Clock replaces the clock that tells the age of the pointer and the catalog in memory.
func (v *Views) Clock(now func() time.Time) *Views {
	v.store.generations.now, v.catalog.now = now, now
	return v
}

func asUnavailable(err error) error {
	if err == nil {
		return nil
	}
	return &portal.Error{Code: portal.Unavailable, Message: "The portal cannot read its data right now. Try again in a moment.", Err: err}
}
