package app

import (
	"context"
	"sync"
	"time"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// refusals tells a worker which plans nobody can subscribe to on the portal. The portal
// already refuses requests for them, but during a rollout portals of an older version do not. It reads the
// catalog's stream at most once a second, and is safe for concurrent use.
type refusals struct {
	facts     *journal.Journal
	documents *catalog.Store
	now       func() time.Time

	mu      sync.Mutex
	read    time.Time
	current state.Catalog
	loaded  string
	doc     catalog.Document
}

func (r *refusals) refusal(ctx context.Context, id portal.PlanID) (string, error) {
	doc, err := r.document(ctx)
	if err != nil {
		return "", portal.Postpone("the catalog cannot be read", err)
	}
	plan, _, ok := doc.Plan(id)
	if !ok {
		return "", nil
	}
	return plan.Refusal(), nil
}

func (r *refusals) document(ctx context.Context) (catalog.Document, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := r.now(); r.read.IsZero() || now.Sub(r.read).Abs() >= time.Second {
		newer, err := r.facts.Read(ctx, portal.CatalogStream, r.current.Sequence)
		if err != nil {
			return catalog.Document{}, err
		}
		for _, fact := range newer {
			r.current.Apply(fact)
		}
		r.read = now
	}
	if r.current.Hash == r.loaded {
		return r.doc, nil
	}
	doc, err := r.documents.Load(ctx, r.current.Hash)
	if err != nil {
		return catalog.Document{}, err
	}
	r.loaded, r.doc = r.current.Hash, doc
	return doc, nil
}
