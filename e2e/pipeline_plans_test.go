// Changes of plans and approvals in pipeline_test.go.

package e2e

import (
	"context"
	"slices"

	"pgregory.net/rapid"

	"github.com/gatehouse-portal/gatehouse/approvals"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// changesTo lists the changes to the plan, from each of the others.
func changesTo(plan events.SubscribeRequested) []events.Request {
	var changes []events.Request
	for _, other := range plans {
		if other.Plan != plan.Plan {
			changes = append(changes, events.PlanChangeRequested{
				Plan: plan.Plan, Replaces: other.Plan, Name: plan.Name, Stages: plan.Stages, Rivals: plan.Rivals, Approval: plan.Approval,
			})
		}
	}
	return changes
}

// reviewSomething has an admin answer a subscription that waits, or one that waited once.
func (w *world) reviewSomething() {
	account := rapid.SampledFrom(people).Draw(w.T, "account")
	for plan, wish := range w.waiting(account) {
		w.request(account, w.review(plan, wish))
		return
	}
	plan := rapid.SampledFrom(plans).Draw(w.T, "plan").Plan
	w.request(account, w.review(plan, int64(rapid.IntRange(1, 20).Draw(w.T, "wish"))))
}

func (w *world) review(plan portal.PlanID, wish int64) events.Request {
	return events.SubscriptionReviewRequested{Plan: plan, Wish: wish, Approved: rapid.Bool().Draw(w.T, "approved"), Message: "No."}
}

// waiting are the wishes of the account that wait for an admin.
func (w *world) waiting(account portal.AccountID) map[portal.PlanID]int64 {
	history, err := w.reader.Account(context.Background(), account)
	if err != nil {
		w.Fatal(err)
	}
	found := map[portal.PlanID]int64{}
	for _, s := range history.Account.Subscriptions {
		if s.Phase == state.AwaitingApproval {
			found[s.Plan] = s.OpenedBy
		}
	}
	return found
}

// reviewTheRest answers all that waits, in the calm.
func (w *world) reviewTheRest() {
	for _, account := range people {
		for plan, wish := range w.waiting(account) {
			w.request(account, w.review(plan, wish))
		}
	}
	w.drain()
}

func (w *world) checkNothingWaitsForApproval() {
	page, err := approvals.NewList(w.tables, w.names.Records).Page(context.Background(), "", 100)
	if err != nil {
		w.Fatal(err)
	}
	for _, row := range page.Rows {
		w.Errorf("%s of %s is listed for approval", row.Plan, row.Account)
	}
}

// endedByOther reports whether the request about the plan can have been ended by a newer one about
// another plan, because both plans were part of one change, or about the account.
func (w *world) endedByOther(msg events.Event) bool {
	for _, newer := range w.requests[mustAccount(msg.Subject)] {
		request, ok := newer.Data.(events.Request)
		if !ok || newer.Intent <= msg.Intent {
			continue
		}
		for _, scope := range request.Scopes() {
			if scope == portal.AccountScope || w.changedTogether(msg, scope) {
				return true
			}
		}
	}
	return false
}

// changedTogether reports whether a change concerns the scope and one of the request's.
func (w *world) changedTogether(msg events.Event, scope portal.Scope) bool {
	for _, other := range w.requests[mustAccount(msg.Subject)] {
		change, ok := other.Data.(events.PlanChangeRequested)
		if !ok || !slices.Contains(change.Scopes(), scope) {
			continue
		}
		for _, own := range msg.Data.(events.Request).Scopes() {
			if slices.Contains(change.Scopes(), own) {
				return true
			}
		}
	}
	return false
}

func mustAccount(stream portal.Stream) portal.AccountID {
	id, _ := stream.Account()
	return id
}

// wants reports whether the request asks for the plan.
func wants(request events.Payload, plan portal.PlanID) bool {
	switch r := request.(type) {
	case events.SubscribeRequested:
		return true
	case events.PlanChangeRequested:
		return r.Plan == plan
	}
	return false
}
