package web

import (
	"context"
	"time"

	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

const (
	// lookBack is how many of an account's newest requests pages look at.
	lookBack = 10
	// stillNews is how long a request that was refused or failed is shown unasked.
	stillNews = 3 * 24 * time.Hour
)

// requests are an account's newest requests, newest first. The views show a request only
// once a worker has decided it; these are known from the moment they are accepted.
type requests []operations.Operation

func (s *Web) requests(ctx context.Context, account portal.AccountID) (requests, error) {
	recent, err := s.operations.Recent(ctx, account, lookBack)
	return recent, err
}

// about is the newest request about a plan.
func (r requests) about(plan portal.PlanID) (operations.Operation, bool) {
	for _, operation := range r {
		if operation.Plan == plan {
			return operation, true
		}
	}
	return operations.Operation{}, false
}

// newest leaves the newest request about each plan, and the newest about none.
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

// opening is how far an account has got that is not open yet.
type opening struct {
	// Underway says that the account is being opened, Failed that this has gone wrong.
	// If neither, the person has to register.
	Underway, Failed bool
	// Follow is the request that opens it, "" if there is none.
	Follow portal.OperationID
}

func (r requests) opening() opening {
	for _, operation := range r {
		if operation.Type != typeRegister {
			continue
		}
		failed := operation.Status == projections.Failed || operation.Status == projections.Rejected
		return opening{Underway: !failed, Failed: failed, Follow: operation.ID}
	}
	return opening{}
}

// standing is what is to be said of the newest request about a plan besides the state
// of the subscription.
type standing struct {
	operations.Operation
	// Open says that it is under way and that the subscription does not show it yet.
	Open bool
	// Unmet says that it was refused or has failed, not long ago, and nothing has
	// happened since that makes up for it.
	Unmet bool
}

// standingOf compares a request with the subscription that it is about, the zero value if
// there is none.
func (s *Web) standingOf(operation operations.Operation, sub projections.Subscription) standing {
	holds := sub.State == projections.SubscriptionPending || sub.State == projections.SubscriptionActive
	leaving := sub.State == projections.SubscriptionEnding
	reflected := (operation.Type == typeSubscribe && holds) || (operation.Type == typeUnsubscribe && !holds && (leaving || operation.Status.Over()))
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

// follow is the open request that leads to a subscription's present state, "" for none.
func (r requests) follow(sub projections.Subscription) portal.OperationID {
	if sub.Operation != "" {
		return sub.Operation
	}
	if operation, ok := r.about(sub.Plan); ok && !operation.Status.Over() {
		return operation.ID
	}
	return ""
}

// underway says what happens next with a request that no subscription shows yet.
func underway(stand standing) string {
	if stand.Status == projections.Waiting {
		return projections.WaitingText(stand.Code)
	}
	return "We have your request and go on automatically. There is nothing you need to do."
}

// unmet says why a request came to nothing.
func unmet(stand standing) string {
	if stand.Status == projections.Rejected {
		return stand.Message
	}
	return "Something went wrong on our side. Your request is kept, and the operator of this portal can repeat it."
}
