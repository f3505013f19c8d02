package handlers

import (
	"context"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// CatalogJob is the job that reads the catalog.
type CatalogJob interface {
	// Join has a run that starts from now on answer the request by PublishCatalog; it may be
	// repeated.
	Join(ctx context.Context, request events.Event) error
}

// CatalogRead is the result of a run.
type CatalogRead struct {
	// Source names for operators what was read, e.g. "api-gateway".
	Source string
	// Failed: the source could not be read, and Hash and Products are empty.
	Failed   bool
	Hash     string
	Products int
}

// syncCatalog joins the request to the job that reads the catalog. A second delivery joins again,
// without effect, or sends again the facts that the request led to.
func (d *Decider) syncCatalog(ctx context.Context, msg events.Event) error {
	if d.catalog == nil || msg.Subject != portal.CatalogStream {
		return portal.Fail(portal.Invalid, "There is no catalog to synchronize here.")
	}
	history, err := d.journal.Read(ctx, msg.Subject, 0)
	if err != nil {
		return err
	}
	if known := factsOf(history, msg.ID); len(known) > 0 {
		return d.followAgain(ctx, msg, known)
	}
	return d.catalog.Join(ctx, msg)
}

// PublishCatalog decides on what the job read for the request, and publishes a document that
// differs from the published one. A second call sends the earlier facts again, or finds that
// nothing has changed. If the source cannot be read, the published document stays, and one
// CatalogSourceFailed is recorded for the whole outage.
func (d *Decider) PublishCatalog(ctx context.Context, request events.Event, read CatalogRead) error {
	return d.handle(ctx, request, func(ctx context.Context) (past, error) {
		history, err := d.journal.Read(ctx, request.Subject, 0)
		if err != nil {
			return past{}, err
		}
		current := state.FoldCatalog(history)
		return past{head: current.Sequence, facts: history, notUnderstood: current.NotUnderstood, decide: func() []events.Fact {
			if read.Failed {
				return sourceFailed(current, read.Source, d.now(), request.Operation)
			}
			return catalogPublished(current, read.Hash, read.Products, request.Operation)
		}}, nil
	})
}

// catalogPublished: an unchanged document leaves a fact only for a request that has an operation.
func catalogPublished(current state.Catalog, hash string, products int, op portal.OperationID) []events.Fact {
	if current.Hash == hash && current.Failing == "" {
		if op == "" {
			return nil
		}
		return []events.Fact{events.RequestUnchanged{}}
	}
	return []events.Fact{events.CatalogPublished{Hash: hash, Products: products}}
}

func sourceFailed(current state.Catalog, source string, now time.Time, op portal.OperationID) []events.Fact {
	if current.Failing == source && op == "" {
		return nil
	}
	return []events.Fact{events.CatalogSourceFailed{
		Source: source, Message: "The source could not be read; the published catalog stays.", Since: now.UTC(),
	}}
}
