package operations

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// Caller is the account or operator that submits a request, with the request's headers.
type Caller struct {
	Account portal.AccountID
	// Operator names the operator at the command line, as user@host. Account is then "".
	Operator       string
	Viewer         catalog.Viewer
	IdempotencyKey string
	Correlation    string
}

func (c Caller) submission(request events.Request) Submission {
	actor := portal.AccountActor(c.Account)
	if c.Operator != "" {
		actor = portal.Operator
	}
	return Submission{
		Actor: actor, Subject: portal.AccountStream(c.Account), Operator: c.Operator,
		IdempotencyKey: c.IdempotencyKey, Correlation: c.Correlation, Request: request,
	}
}

// Register submits a request to register the account. A person without an account who may not
// register gets Forbidden; an admin always may.
func (o *Operations) Register(ctx context.Context, caller Caller) (Operation, error) {
	request := events.RegisterUser{Admin: caller.Viewer.Admin}
	if o.admit == nil || request.Admin {
		return o.Accept(ctx, caller.submission(request))
	}
	return o.accept(ctx, caller.submission(nil), preparation{make: func(ctx context.Context) (events.Request, error) {
		known, err := o.views.Account(ctx, caller.Account)
		if err == nil && known.Profile.Status == projections.StatusNone {
			err = o.admit(ctx)
		}
		return request, err
	}})
}

// Subscribe submits a request to subscribe the account to the plan. A suspended account gets
// Suspended; one that is being deleted gets Deleting. A plan that the catalog does not have, or that
// the caller does not see, is NotFound, and one that nobody can subscribe to here is a Conflict.
// The worker decides everything else, because the views lag behind.
func (o *Operations) Subscribe(ctx context.Context, caller Caller, plan portal.PlanID) (Operation, error) {
	submitted := caller.submission(nil)
	// A repeat is the same request even if the catalog has changed in between.
	submitted.Wording = string(plan)
	_, likely := caller.seen(o.views.LastCatalog(), plan)
	return o.accept(ctx, submitted, preparation{change: true, likely: likely, standing: true, make: func(ctx context.Context) (events.Request, error) {
		offered, err := o.views.Catalog(ctx)
		if err != nil {
			return nil, err
		}
		found, ok := caller.seen(offered, plan)
		if !ok {
			return nil, portal.Fail(portal.NotFound, "There is no such plan.")
		}
		if refusal := found.Refusal(); refusal != "" {
			return nil, portal.Fail(portal.Conflict, refusal)
		}
		return events.SubscribeRequested{
			Plan: plan, Name: found.Name, Stages: found.Stages, Rivals: rivals(offered, plan, found.Stages), CatalogSequence: offered.Sequence,
			Approval: events.Approval(found.Approval),
		}, nil
	}})
}

// ChangePlan submits a request to move the account's keys to the plan from the one it replaces. It
// refuses what Subscribe refuses. A replaced plan that the account never had and does not see is
// NotFound, and one that is paid for elsewhere is a Conflict.
func (o *Operations) ChangePlan(ctx context.Context, caller Caller, plan, replaces portal.PlanID) (Operation, error) {
	submitted := caller.submission(nil)
	submitted.Wording = string(plan) + "\n" + string(replaces)
	_, likely := caller.seen(o.views.LastCatalog(), plan)
	return o.accept(ctx, submitted, preparation{change: true, likely: likely, standing: true, make: func(ctx context.Context) (events.Request, error) {
		if plan == replaces {
			return nil, portal.Fail(portal.Invalid, "A plan cannot replace itself.")
		}
		offered, err := o.views.Catalog(ctx)
		if err != nil {
			return nil, err
		}
		found, ok := caller.seen(offered, plan)
		if !ok {
			return nil, portal.Fail(portal.NotFound, "There is no such plan.")
		}
		known, err := o.knows(ctx, caller, replaces)
		switch refusal := found.Refusal(); {
		case err != nil:
			return nil, err
		case !known:
			return nil, portal.Fail(portal.NotFound, "There is no such plan to replace.")
		case refusal != "":
			return nil, portal.Fail(portal.Conflict, refusal)
		}
		if left, _, ok := offered.Plan(replaces); ok && left.RefusalToLeave() != "" {
			return nil, portal.Fail(portal.Conflict, left.RefusalToLeave())
		}
		return events.PlanChangeRequested{
			Plan: plan, Replaces: replaces, Name: found.Name, Stages: found.Stages, Rivals: rivals(offered, plan, found.Stages),
			CatalogSequence: offered.Sequence, Approval: events.Approval(found.Approval),
		}, nil
	}})
}

func (c Caller) seen(offered projections.Catalog, plan portal.PlanID) (catalog.Plan, bool) {
	found, product, ok := offered.Plan(plan)
	if !ok || !c.Viewer.Sees(product) {
		return catalog.Plan{}, false
	}
	return found, true
}

// Unsubscribe submits a request to end the account's subscription. A plan that the account never
// had and does not see is NotFound, and one that a licence of AWS Marketplace pays for is a
// Conflict. An account that may not subscribe may not leave a plan either.
func (o *Operations) Unsubscribe(ctx context.Context, caller Caller, plan portal.PlanID) (Operation, error) {
	_, likely := caller.seen(o.views.LastCatalog(), plan)
	return o.accept(ctx, caller.submission(nil), preparation{change: true, likely: likely, standing: true, make: func(ctx context.Context) (events.Request, error) {
		known, err := o.knows(ctx, caller, plan)
		if err == nil && !known {
			err = portal.Fail(portal.NotFound, "There is no such plan.")
		}
		if err == nil {
			err = o.keptElsewhere(ctx, caller, plan)
		}
		return events.UnsubscribeRequested{Plan: plan}, err
	}})
}

func (o *Operations) knows(ctx context.Context, caller Caller, plan portal.PlanID) (bool, error) {
	offered, err := o.views.Catalog(ctx)
	if err != nil {
		return false, err
	}
	if _, ok := caller.seen(offered, plan); ok {
		return true, nil
	}
	held, err := o.views.Account(ctx, caller.Account)
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

const maxRivals = 200

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
// fails, it returns no value. Any other key is NotFound. A key that cannot be used now is a
// Conflict. More than projections.MaxRevealsPerMinute are TooManyRequests. The value of
// an adopted key is read from API Gateway after the reveal is recorded. If that fails, the reveal
// stays recorded.
func (o *Operations) Reveal(ctx context.Context, caller Caller, id portal.KeyID) (string, error) {
	key, err := o.usable(ctx, caller.Account, id)
	if err != nil {
		return "", notRevealed(err)
	}
	var value string
	if !key.Adopted {
		if value, err = o.valueOf(ctx, caller.Account, key); err != nil {
			return "", notRevealed(err)
		}
	}
	if err := o.reveals.Record(ctx, caller.Account, key, o.now(), caller.Correlation); err != nil {
		return "", notRevealed(fmt.Errorf("recording that key %s is revealed: %w", id, err))
	}
	if !key.Adopted {
		return value, nil
	}
	// Read only now: Record enforces the limit of reveals, so the limit covers these control-plane calls, too.
	if value, err = o.valueOf(ctx, caller.Account, key); err != nil {
		return "", notRevealed(err)
	}
	return value, nil
}

// ValueToSend returns the value of a key for a request that the portal sends to an API for the
// account. It refuses the same keys as Reveal, but records and limits nothing, because the
// account does not see the value: the sender must keep it out of all that it returns.
func (o *Operations) ValueToSend(ctx context.Context, account portal.AccountID, id portal.KeyID) (string, error) {
	key, err := o.usable(ctx, account, id)
	var value string
	if err == nil {
		value, err = o.valueOf(ctx, account, key)
	}
	if err != nil {
		return "", unavailable("The key could not be used right now. Try again in a moment.", err)
	}
	return value, nil
}

// usable returns a key of the account that API Gateway accepts.
func (o *Operations) usable(ctx context.Context, account portal.AccountID, id portal.KeyID) (projections.Key, error) {
	held, err := o.views.Account(ctx, account)
	if err != nil {
		return projections.Key{}, err
	}
	if err := inGoodStanding(held.Profile); err != nil {
		return projections.Key{}, err
	}
	key, ok := findKey(held.Keys, id)
	if !ok {
		return projections.Key{}, portal.Fail(portal.NotFound, "There is no such key.")
	}
	switch key.State {
	case projections.KeyActive:
		return key, nil
	case projections.KeyDisabled:
		return key, portal.Fail(portal.Conflict, "The operator of this portal has disabled the key, so API Gateway refuses calls with it.")
	case projections.KeyBlocked:
		return key, portal.Fail(portal.Conflict, "Your account is suspended, so API Gateway refuses the key.")
	case projections.KeyEnding, projections.KeyEnded:
		return key, portal.Fail(portal.Conflict, "The key has ended and never works again. Use another key, or create one.")
	case projections.KeyReleased:
		return key, portal.Fail(portal.Conflict, "The key was released, because it was in no plan for a long time. Subscribe to a plan to restore it with the same value.")
	}
	return key, portal.Fail(portal.Conflict, "The key does not exist yet. Wait until it has been created.")
}

// valueOf computes a key's value, or reads that of an adopted key from API Gateway.
func (o *Operations) valueOf(ctx context.Context, account portal.AccountID, key projections.Key) (string, error) {
	if !key.Adopted {
		return o.values.Value(ctx, key.Scheme, key.KMSKey, account, key.ID)
	}
	value, err := o.adopted.AdoptedValue(ctx, key.GatewayID)
	switch {
	case portal.CodeOf(err) == portal.NotFound:
		return "", portal.Fail(portal.Conflict, "Somebody has deleted the key in API Gateway, so it no longer works. Create another key.")
	case err != nil:
		return "", fmt.Errorf("reading the value of key %s: %w", key.ID, err)
	}
	return value, nil
}

func notRevealed(err error) error {
	return unavailable("The key could not be revealed right now. Try again in a moment.", err)
}

func findKey(keys []projections.Key, id portal.KeyID) (projections.Key, bool) {
	for _, k := range keys {
		if k.ID == id {
			return k, true
		}
	}
	return projections.Key{}, false
}

// EachOperation visits the account's operations that have not expired from its list, newest first.
func (o *Operations) EachOperation(ctx context.Context, account portal.AccountID, visit func(Operation) error) error {
	return o.rows.each(ctx, portal.AccountActor(account), func(id portal.OperationID) error {
		operation, err := o.find(ctx, id, func(operationRow) bool { return true })
		if portal.CodeOf(err) == portal.NotFound {
			return nil
		}
		if err != nil {
			return err
		}
		return visit(operation)
	})
}
