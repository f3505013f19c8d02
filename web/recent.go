package web

import (
	"context"
	"time"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

const (
	lookBack = 10
	// stillNews is how long pages show a refused or failed request.
	stillNews = 3 * 24 * time.Hour
)

// requests are an account's newest requests, newest first. The views do not yet show
// those that no worker has decided.
type requests []operations.Operation

func (s *Web) requests(ctx context.Context, account portal.AccountID) (requests, error) {
	recent, err := s.operations.Recent(ctx, account, lookBack)
	return recent, err
}

func (r requests) about(plan portal.PlanID) (operations.Operation, bool) {
	for _, operation := range r {
		if operation.Plan == plan {
			return operation, true
		}
	}
	return operations.Operation{}, false
}

func (r requests) newest() requests {
	seen := map[portal.PlanID]bool{}
	var list requests
	for _, operation := range r {
		if !seen[operation.Plan] {
			seen[operation.Plan] = true
			list = append(list, operation)
		}
	}
	return list
}

type registration struct {
	Underway, Failed bool
	Follow           portal.OperationID
	// Refused says why the person may not register, or "". Ask offers the feedback page.
	Refused string
	Ask     bool
}

func (r registration) Open() bool { return r.Refused == "" }

func (s *Web) registration(ctx context.Context, id identity.Identity, recent requests) (registration, error) {
	found := recent.registration()
	if _, viewed := accountViewed(ctx); found.Underway || id.Admin || viewed { // asking uses an invitation
		return found, nil
	}
	err := s.mayRegister(ctx)
	if portal.CodeOf(err) == portal.Forbidden {
		return registration{Refused: portal.MessageOf(err), Ask: s.mine.Feedback != nil}, nil
	}
	return found, err
}

func (r requests) registration() registration {
	for _, operation := range r {
		if operation.Type != typeRegister {
			continue
		}
		failed := operation.Status == projections.Failed || operation.Status == projections.Rejected
		return registration{Underway: !failed, Failed: failed, Follow: operation.ID}
	}
	return registration{}
}

// standing is what the newest request about a plan adds to the subscription.
type standing struct {
	operations.Operation
	// Open requests are in progress, and not yet in the subscription.
	Open bool
	// Unmet requests were refused or failed recently, and the subscription is not as
	// requested.
	Unmet bool
}

// standingOf compares a request with its subscription, which may be zero.
func (s *Web) standingOf(operation operations.Operation, sub projections.Subscription) standing {
	holds := sub.State == projections.SubscriptionPending || sub.State == projections.SubscriptionActive || sub.State == projections.SubscriptionAwaitingApproval
	leaving := sub.State == projections.SubscriptionEnding
	reflected := (asksForPlan(operation.Type) && holds) || (operation.Type == typeUnsubscribe && !holds && (leaving || operation.Status.Over()))
	stand := standing{Operation: operation}
	switch {
	case reflected:
	case !operation.Status.Over():
		stand.Open = true
	case operation.Status != projections.Succeeded:
		stand.Unmet = !superseded(operation) && operation.Code != string(portal.NotRegistered) && s.now().Sub(lastMoved(operation)) < stillNews
	}
	return stand
}

func lastMoved(operation operations.Operation) time.Time {
	if operation.UpdatedAt.After(operation.CreatedAt) {
		return operation.UpdatedAt
	}
	return operation.CreatedAt
}

// follow returns the open request that leads to a subscription's state, or "".
func (r requests) follow(sub projections.Subscription) portal.OperationID {
	if sub.Operation != "" {
		return sub.Operation
	}
	if operation, ok := r.about(sub.Plan); ok && !operation.Status.Over() {
		return operation.ID
	}
	return ""
}

func underway(stand standing) string {
	if stand.Status == projections.Waiting {
		return projections.WaitingText(stand.Code)
	}
	return "We have your request and are working on it. There is nothing you need to do."
}

func unmet(stand standing) string {
	if stand.Status == projections.Rejected {
		return stand.Message
	}
	return projections.FailedText
}
