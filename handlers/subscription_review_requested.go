package handlers

import (
	"fmt"
	"slices"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// Review decides on SubscriptionReviewRequested, an admin's answer to a subscription that waits
// for approval. If the plan no longer fits the account's other plans, an approval is rejected,
// and so is the person's request.
//
// An answer that was given already yields RequestUnchanged. Any other answer to a request that no
// longer waits is rejected.
func Review(scheme KeyScheme, limits Limits) Decide[events.SubscriptionReviewRequested] {
	return func(account state.Account, req events.SubscriptionReviewRequested, id string) []events.Fact {
		s, ok := account.SubscriptionOfWish(req.Wish)
		if !ok || s.Plan != req.Plan || s.Phase != state.AwaitingApproval {
			return reviewedBefore(account.Subscription(req.Plan), req)
		}
		link := events.Link{Wish: req.Wish}
		if !req.Approved {
			return []events.Fact{events.SubscriptionDenied{Link: link, Plan: req.Plan, Message: req.Message}}
		}
		if no := notApprovable(account, limits, s); no != nil {
			return []events.Fact{events.RequestRejected{Link: link, Code: no.Code, Message: no.Message}}
		}
		return append(firstKey(account, s.Ring, scheme, id), events.SubscriptionApproved{Link: link, Plan: req.Plan})
	}
}

func reviewedBefore(s state.Subscription, req events.SubscriptionReviewRequested) []events.Fact {
	if s.OpenedBy == req.Wish && s.Desired() && req.Approved {
		return []events.Fact{events.RequestUnchanged{}}
	}
	return reject(events.Decides{}, portal.Conflict, "This request no longer waits for approval: it was answered or withdrawn, or a newer one has replaced it.")
}

func notApprovable(account state.Account, limits Limits, s state.Subscription) *portal.Error {
	if s.Replaces != "" {
		old := account.Subscriptions[s.Other(s.Replaces)]
		if no := changing(account, old); no != nil {
			return no
		}
		if old.Phase != state.Active {
			return portal.Fail(portal.Conflict, fmt.Sprintf("%s was to replace %s, which is no longer active. Subscribe to %s instead.", s.Name, old.Name, s.Name))
		}
	}
	want := asked{plan: s.Plan, name: s.Name, replaces: s.Replaces, ring: s.Ring}
	for _, held := range account.Held(s.Ring) {
		meets := slices.ContainsFunc(account.Subscriptions[s.Other(held)].Stages, func(stage portal.Stage) bool { return slices.Contains(s.Stages, stage) })
		if meets {
			want.rivals = append(want.rivals, held)
		}
	}
	return noRoom(account, limits, want)
}
