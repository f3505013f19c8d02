package operations

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// MaxReason is the maximum length of a reason that an admin gives, in characters.
const MaxReason = 1000

// Answer is an admin's answer to a subscription that waits for approval.
type Answer struct {
	Account  portal.AccountID
	Plan     portal.PlanID
	Approved bool
	// Reason tells the person why it was denied.
	Reason string
	// Wish is the request that the admin has seen, 0 for the one that waits now.
	Wish int64
}

// Review submits an admin's answer. If nothing waits there, the error is NotFound. A denial without
// a reason is Invalid.
func (o *Operations) Review(ctx context.Context, caller Caller, answer Answer) (Operation, error) {
	answer.Reason = strings.TrimSpace(answer.Reason)
	switch {
	case !answer.Approved && answer.Reason == "":
		return Operation{}, portal.Fail(portal.Invalid, "Say why you deny it. The person reads the message.")
	case utf8.RuneCountInString(answer.Reason) > MaxReason:
		return Operation{}, portal.Fail(portal.Invalid, fmt.Sprintf("The message is longer than %d characters.", MaxReason))
	}
	submitted := Submission{
		Actor: portal.AccountActor(caller.Account), Subject: portal.AccountStream(answer.Account),
		IdempotencyKey: caller.IdempotencyKey, Correlation: caller.Correlation,
		// A repeat is the same request even if it has been answered in between.
		Wording: fmt.Sprintf("%s %t %d %s", answer.Plan, answer.Approved, answer.Wish, answer.Reason),
	}
	return o.accept(ctx, submitted, preparation{make: func(ctx context.Context) (events.Request, error) {
		account, err := o.views.Account(ctx, answer.Account)
		if err != nil {
			return nil, err
		}
		wish := answer.Wish
		for _, s := range account.Subscriptions {
			if s.Plan == answer.Plan && s.State == projections.SubscriptionAwaitingApproval && wish == 0 {
				wish = s.Wish
			}
		}
		if wish == 0 {
			return nil, portal.Fail(portal.NotFound, "No request for this plan waits for approval in this account.")
		}
		return events.SubscriptionReviewRequested{Plan: answer.Plan, Wish: wish, Approved: answer.Approved, Message: answer.Reason}, nil
	}})
}
