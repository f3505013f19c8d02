package operations

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/oklog/ulid/v2"

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
	return Asked{Account: w.Account, IdempotencyKey: w.IdempotencyKey, Correlation: w.Correlation, Request: request}
}

// Register asks that the account be opened.
func (o *Operations) Register(ctx context.Context, who Who) (Operation, error) {
	return o.Accept(ctx, who.asks(events.RegisterUser{}))
}

// Subscribe asks that the account's key open the plan. Only what no message in flight
// can change is refused here: a plan that the catalog does not have is NotFound. The
// rest is decided by the worker, since the views lag.
func (o *Operations) Subscribe(ctx context.Context, who Who, plan portal.PlanID) (Operation, error) {
	offered, err := o.views.Catalog(ctx)
	if err != nil {
		return Operation{}, err
	}
	found, _, ok := offered.Plan(plan)
	if !ok {
		return Operation{}, portal.Fail(portal.NotFound, "There is no such plan.")
	}
	asked := who.asks(events.SubscribeRequested{
		Plan: plan, Name: found.Name, Stages: found.Stages, CatalogSequence: offered.Sequence,
	})
	// Sent again after the catalog has changed it is the same request all the same.
	asked.Wording = string(plan)
	return o.Accept(ctx, asked)
}

// Unsubscribe asks that the account's key no longer open the plan. A plan that neither
// the catalog nor the account's subscriptions know is NotFound.
func (o *Operations) Unsubscribe(ctx context.Context, who Who, plan portal.PlanID) (Operation, error) {
	known, err := o.knows(ctx, who.Account, plan)
	if err != nil {
		return Operation{}, err
	}
	if !known {
		return Operation{}, portal.Fail(portal.NotFound, "There is no such plan.")
	}
	return o.Accept(ctx, who.asks(events.UnsubscribeRequested{Plan: plan}))
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

// Reveal returns the value of one of the account's keys. That it is shown is reported
// first; if the report cannot be handed in, no value is returned. An unknown key and
// somebody else's are the same NotFound; one that API Gateway does not hold yet is a
// Conflict.
func (o *Operations) Reveal(ctx context.Context, who Who, id portal.KeyID) (string, error) {
	account, err := o.views.Account(ctx, who.Account)
	if err != nil {
		return "", err
	}
	key, ok := find(account.Keys, id)
	switch {
	case !ok:
		return "", portal.Fail(portal.NotFound, "There is no such key.")
	case key.State != projections.KeyActive:
		return "", portal.Fail(portal.Conflict, "The key is not there yet. Wait until it has been created.")
	}
	value, err := o.values.Value(ctx, key.Scheme, key.KMSKey, who.Account, id)
	if err != nil {
		return "", unavailable(fmt.Errorf("revealing key %s: %w", id, err))
	}
	err = o.sender.Send(ctx, events.Event{
		ID:     strings.ToLower(ulid.MustNew(ulid.Timestamp(o.now()), rand.Reader).String()),
		Source: o.source, Subject: portal.AccountStream(who.Account), Time: o.now().UTC(),
		Correlation: who.Correlation, Data: events.KeyRevealReported{Key: id},
	})
	if err != nil {
		return "", unavailable(fmt.Errorf("reporting that key %s is revealed: %w", id, err))
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
