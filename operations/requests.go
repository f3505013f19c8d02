package operations

import (
	"context"
	"slices"

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
