package handlers

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// CatalogSource reads and keeps catalog documents.
type CatalogSource struct {
	// Name is how operators know the source, e.g. "api-gateway".
	Name string
	// Read reads the source as it is now, within the control plane's budget.
	Read func(context.Context) (catalog.Document, error)
	// Keep stores the document under its hash and returns the hash. Storing the same
	// document again changes nothing.
	Keep func(context.Context, catalog.Document) (string, error)
}

// syncCatalog handles CatalogSyncRequested: it reads the source, keeps the document
// and publishes it if it differs from what is published. A second delivery that finds
// the first one's facts sends them again; one that finds none reads again, which does
// no harm. A source that cannot be read leaves what is published as it is, and one
// CatalogSourceFailed however long that lasts.
func (x *Execute) syncCatalog(ctx context.Context, msg events.Event) error {
	if x.catalog == nil || msg.Subject != portal.CatalogStream {
		return portal.Fail(portal.Invalid, "There is no catalog to synchronize here.")
	}
	var hash string
	doc, failed := x.catalog.Read(ctx)
	var postponed *portal.Postponed
	if errors.As(failed, &postponed) {
		return failed
	}
	if failed == nil {
		var err error
		if hash, err = x.catalog.Keep(ctx, doc); err != nil {
			return portal.Postpone("the catalog cannot be stored", err)
		}
	} else {
		zerolog.Ctx(ctx).Warn().Err(failed).Str("source", x.catalog.Name).Msg("the catalog's source could not be read")
	}
	return x.execute(ctx, msg, func(ctx context.Context) (past, error) {
		history, err := x.journal.Read(ctx, msg.Subject, 0)
		if err != nil {
			return past{}, err
		}
		current := state.FoldCatalog(history)
		return past{head: current.Sequence, facts: history, notUnderstood: current.NotUnderstood, decide: func() []events.Fact {
			if failed != nil {
				return sourceFailed(current, x.catalog.Name, x.now(), msg.Operation)
			}
			return catalogPublished(current, hash, len(doc.Products), msg.Operation)
		}}, nil
	})
}

// catalogPublished decides whether the document is news. One that is not leaves no
// trace, unless somebody asked.
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
		Source: source, Message: "The source could not be read; what was published stands.", Since: now.UTC(),
	}}
}
