package projections

import (
	"context"
	"time"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// documents loads catalog documents by their hash.
type documents interface {
	Load(ctx context.Context, hash string) (catalog.Document, error)
}

// Views answers what pages and JSON ask. Every answer is read consistently from
// tables; none touches the control plane, and what one costs does not depend on how
// many accounts there are. A table that does not answer is a portal.Error with code
// Unavailable.
type Views struct {
	store     store
	documents documents
	catalog   catalogCache
}

// NewViews returns the Views of those tables.
func NewViews(client client, tables Tables, documents documents) *Views {
	return &Views{store: newStore(client, tables), documents: documents}
}

// Clock sets the clock by which the Views know how old the pointer is that they have read,
// instead of the system's.
func (v *Views) Clock(now func() time.Time) *Views {
	v.store.generations.now = now
	return v
}

// asUnavailable is how a reader's failure is told to whoever asked.
func asUnavailable(err error) error {
	if err == nil {
		return nil
	}
	return &portal.Error{Code: portal.Unavailable, Message: "The portal cannot read its data right now. Try again in a moment.", Err: err}
}
