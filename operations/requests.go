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

// Caller is the account that submits a request, with the request's headers.
type Caller struct {
	Account        portal.AccountID
	IdempotencyKey string
	Correlation    string
}

func (c Caller) submission(request events.Request) Submission {
	return Submission{
		Actor: portal.AccountActor(c.Account), Subject: portal.AccountStream(c.Account),
		IdempotencyKey: c.IdempotencyKey, Correlation: c.Correlation, Request: request,
	}
}

// Register submits a request to open the account.
func (o *Operations) Register(ctx context.Context, caller Caller) (Operation, error) {
	return o.Accept(ctx, caller.submission(events.RegisterUser{}))
}

// Subscribe submits a request to subscribe the account to the plan. A plan that the catalog
// does not have is NotFound. The worker decides everything else, because the views lag behind.
func (o *Operations) Subscribe(ctx context.Context, caller Caller, plan portal.PlanID) (Operation, error) {
	submitted := caller.submission(nil)
	// A repeat is the same request even if the catalog has changed in between.
	submitted.Wording = string(plan)
	_, _, likely := o.views.LastCatalog().Plan(plan)
	return o.accept(ctx, submitted, preparation{change: true, likely: likely, make: func(ctx context.Context) (events.Request, error) {
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

// Unsubscribe submits a request to end the account's subscription. A plan that neither the
// catalog nor the account's subscriptions hold is NotFound.
func (o *Operations) Unsubscribe(ctx context.Context, caller Caller, plan portal.PlanID) (Operation, error) {
	_, _, likely := o.views.LastCatalog().Plan(plan)
	return o.accept(ctx, caller.submission(nil), preparation{change: true, likely: likely, make: func(ctx context.Context) (events.Request, error) {
		known, err := o.knows(ctx, caller.Account, plan)
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

// maxRivals keeps the message small.
const maxRivals = 200

// rivals returns the other plans that cover one of the stages today.
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

// Recent lists the account's newest operations of any status, newest first.
func (o *Operations) Recent(ctx context.Context, account portal.AccountID, limit int) ([]Operation, error) {
	ids, err := o.rows.latest(ctx, portal.AccountActor(account), int32(min(limit, 100)))
	if err != nil {
		return nil, unavailable("The operations could not be read right now. Try again in a moment.", err)
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

// Reveal returns the value of one of the account's keys. It records the reveal first; if that
// fails, it returns no value. An unknown key and another account's are NotFound. A key that
// cannot be used now is a Conflict. More than projections.MaxRevealsPerMinute are
// TooManyRequests.
func (o *Operations) Reveal(ctx context.Context, caller Caller, id portal.KeyID) (string, error) {
	account, err := o.views.Account(ctx, caller.Account)
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
		return "", portal.Fail(portal.Conflict, "The operator of this portal has disabled the key, so API Gateway refuses calls with it.")
	case projections.KeyReleased:
		return "", portal.Fail(portal.Conflict, "The key was released, because it was in no plan for a long time. Subscribe to a plan to restore it with the same value.")
	default:
		return "", portal.Fail(portal.Conflict, "The key does not exist yet. Wait until it has been created.")
	}
	value, err := o.values.Value(ctx, key.Scheme, key.KMSKey, caller.Account, id)
	if err != nil {
		return "", notRevealed(fmt.Errorf("revealing key %s: %w", id, err))
	}
	if err := o.reveals.Record(ctx, caller.Account, key, o.now(), caller.Correlation); err != nil {
		return "", notRevealed(fmt.Errorf("recording that key %s is revealed: %w", id, err))
	}
	return value, nil
}

func notRevealed(err error) error {
	return unavailable("The key could not be revealed right now. Try again in a moment.", err)
}

func find(keys []projections.Key, id portal.KeyID) (projections.Key, bool) {
	for _, k := range keys {
		if k.ID == id {
			return k, true
		}
	}
	return projections.Key{}, false
}
