package operations

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// Who asks, and how the request came in.
type Who struct {
	Account        portal.AccountID
	IdempotencyKey string
	Correlation    string
}

func (w Who) asks(request events.Request) Asked {
	return Asked{
		Actor: portal.AccountActor(w.Account), Subject: portal.AccountStream(w.Account),
		IdempotencyKey: w.IdempotencyKey, Correlation: w.Correlation, Request: request,
	}
}

// Register asks that the account be opened.
func (o *Operations) Register(ctx context.Context, who Who) (Operation, error) {
	return o.Accept(ctx, who.asks(events.RegisterUser{}))
}

// Subscribe asks that the account's key open the plan. Only what no message in flight
// can change is refused here: a plan that the catalog does not have is NotFound. The
// rest is decided by the worker, since the views lag.
func (o *Operations) Subscribe(ctx context.Context, who Who, plan portal.PlanID) (Operation, error) {
	asked := who.asks(nil)
	// Sent again after the catalog has changed it is the same request all the same.
	asked.Wording = string(plan)
	_, _, likely := o.views.LastCatalog().Plan(plan)
	return o.accept(ctx, asked, preparation{change: true, likely: likely, make: func(ctx context.Context) (events.Request, error) {
		offered, err := o.views.Catalog(ctx)
		if err != nil {
			return nil, err
		}
		found, _, ok := offered.Plan(plan)
		if !ok {
			return nil, portal.Fail(portal.NotFound, "There is no such plan.")
		}
		return events.SubscribeRequested{
			Plan: plan, Name: found.Name, Stages: found.Stages, Rivals: rivals(offered, plan, found.Stages), CatalogSequence: offered.Sequence,
		}, nil
	}})
}

// Unsubscribe asks that the account's key no longer open the plan. A plan that neither
// the catalog nor the account's subscriptions know is NotFound.
func (o *Operations) Unsubscribe(ctx context.Context, who Who, plan portal.PlanID) (Operation, error) {
	_, _, likely := o.views.LastCatalog().Plan(plan)
	return o.accept(ctx, who.asks(nil), preparation{change: true, likely: likely, make: func(ctx context.Context) (events.Request, error) {
		known, err := o.knows(ctx, who.Account, plan)
		if err == nil && !known {
			err = portal.Fail(portal.NotFound, "There is no such plan.")
		}
		return events.UnsubscribeRequested{Plan: plan}, err
	}})
}

func (o *Operations) knows(ctx context.Context, account portal.AccountID, plan portal.PlanID) (bool, error) {
	offered, err := o.views.Catalog(ctx)
	if err != nil {
		return false, err
	}
	if _, _, ok := offered.Plan(plan); ok {
		return true, nil
	}
	held, err := o.views.Account(ctx, account)
	if err != nil {
		return false, err
	}
	for _, s := range held.Subscriptions {
		if s.Plan == plan {
			return true, nil
		}
	}
	return false, nil
}

// maxRivals bounds the plans that a request names, so that it stays a small message.
const maxRivals = 200

// rivals are the other plans that open one of those stages now.
func rivals(offered projections.Catalog, plan portal.PlanID, stages []portal.Stage) []portal.PlanID {
	var found []portal.PlanID
	for _, product := range offered.Products {
		for _, other := range product.Plans {
			meets := slices.ContainsFunc(other.Stages, func(s portal.Stage) bool { return slices.Contains(stages, s) })
			if meets && other.ID != plan && len(found) < maxRivals {
				found = append(found, other.ID)
			}
		}
	}
	return found
}

// Recent lists the newest operations that the account has asked for, open ones and those
// that came to nothing included, newest first.
func (o *Operations) Recent(ctx context.Context, account portal.AccountID, limit int) ([]Operation, error) {
	ids, err := o.rows.latest(ctx, portal.AccountActor(account), int32(min(limit, 100)))
	if err != nil {
		return nil, unavailable(err)
	}
	found := make([]Operation, len(ids))
	group, ctx := errgroup.WithContext(ctx)
	for i, id := range ids {
		group.Go(portal.Guard(func() (err error) {
			found[i], err = o.Find(ctx, account, id)
			return err
		}))
	}
	return found, group.Wait()
}

// Reveal returns the value of one of the account's keys. That it is shown is written down
// first; if that fails, no value is returned. An unknown key and somebody else's are the
// same NotFound; one that cannot be used now is a Conflict, and more than
// projections.MaxRevealsPerMinute in a minute are TooManyRequests.
func (o *Operations) Reveal(ctx context.Context, who Who, id portal.KeyID) (string, error) {
	account, err := o.views.Account(ctx, who.Account)
	if err != nil {
		return "", err
	}
	key, ok := find(account.Keys, id)
	if !ok {
		return "", portal.Fail(portal.NotFound, "There is no such key.")
	}
	switch key.State {
	case projections.KeyActive:
	case projections.KeyDisabled:
		return "", portal.Fail(portal.Conflict, "The operator of this portal has disabled the key, so it opens nothing now.")
	case projections.KeyReleased:
		return "", portal.Fail(portal.Conflict, "The key is put away, since you have had no plan for long. Subscribe to a plan, and it returns with the same value.")
	default:
		return "", portal.Fail(portal.Conflict, "The key is not there yet. Wait until it has been created.")
	}
	value, err := o.values.Value(ctx, key.Scheme, key.KMSKey, who.Account, id)
	if err != nil {
		return "", unavailable(fmt.Errorf("revealing key %s: %w", id, err))
	}
	if err := o.reveals.Record(ctx, who.Account, key, o.now(), who.Correlation); err != nil {
		return "", unavailable(fmt.Errorf("recording that key %s is revealed: %w", id, err))
	}
	return value, nil
}

func find(keys []projections.Key, id portal.KeyID) (projections.Key, bool) {
	for _, k := range keys {
		if k.ID == id {
			return k, true
		}
	}
	return projections.Key{}, false
}
