package web

import (
	"cmp"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

type offered struct {
	Product catalog.Product
	Plan    catalog.Plan
}

type offers map[portal.PlanID]offered

func offersIn(products []catalog.Product) offers {
	all := offers{}
	for _, product := range products {
		for _, plan := range product.Plans {
			all[plan.ID] = offered{Product: product, Plan: plan}
		}
	}
	return all
}

// inTheWay returns a subscription to another plan that covers a stage of this one. API
// Gateway lets a key into only one plan per stage. The worker decides from the journal; this
// is only a hint beforehand.
func (o offers) inTheWay(plan catalog.Plan, held []projections.Subscription) (projections.Subscription, bool) {
	for _, s := range held {
		if s.Plan == plan.ID || paid(s) || s.ChangesTo != "" || (s.State != projections.SubscriptionPending && s.State != projections.SubscriptionActive) {
			continue
		}
		if slices.ContainsFunc(o[s.Plan].Plan.Stages, func(stage portal.Stage) bool { return slices.Contains(plan.Stages, stage) }) {
			return s, true
		}
	}
	return projections.Subscription{}, false
}

// paid reports whether a licence of AWS Marketplace pays for the subscription. Such a subscription has
// keys of its own, which are in no other plan.
func paid(s projections.Subscription) bool {
	_, ok := s.Ring.Licence()
	return ok
}

func countPlansOfKey(held []projections.Subscription) int {
	n := 0
	for _, s := range held {
		if !paid(s) && s.ChangesTo == "" && (s.State == projections.SubscriptionPending || s.State == projections.SubscriptionActive) {
			n++
		}
	}
	return n
}

// subscriptionTo returns the account's subscription to a plan, the zero value if it never had
// one. Of several, which licences of AWS Marketplace pay for, it returns one that has not ended.
func subscriptionTo(account projections.Account, plan portal.PlanID) (found projections.Subscription) {
	for _, s := range account.Subscriptions {
		if s.Plan == plan && (found.State == "" || found.State == projections.SubscriptionEnded) {
			found = s
		}
	}
	return found
}

// planOf returns "Free (Weather)" for a plan and its product. It leaves out the product if it
// is "" or part of the plan's name.
func planOf(plan, product string) string {
	if product == "" || names(plan, product) {
		return plan
	}
	return plan + " (" + product + ")"
}

// names reports whether a plan's name contains the product's name, word by word.
func names(plan, product string) bool {
	words, wanted := strings.Fields(strings.ToLower(plan)), strings.Fields(strings.ToLower(product))
	for i := 0; i+len(wanted) <= len(words); i++ {
		if slices.Equal(words[i:i+len(wanted)], wanted) {
			return true
		}
	}
	return false
}

// planName returns the plan's name in the catalog, else its name in the subscription, else "".
func (s *Web) planName(plan portal.PlanID, all offers, account projections.Account) string {
	if offer, ok := all[plan]; ok {
		return offer.Plan.Name
	}
	return subscriptionTo(account, plan).Name
}

// endpoint returns the address for a first call to a product, "" if none is known.
func endpoint(product catalog.Product) string {
	for _, api := range product.APIs {
		if api.Endpoint != "" {
			return api.Endpoint
		}
	}
	return ""
}

type heldPlan struct {
	projections.Subscription
	Badge badge
	// Waiting says why it waits and who acts next, "" if it does not wait.
	Waiting string
	// Follow is the open operation that leads to the state, "" if none is open.
	Follow portal.OperationID
	Since  moment
	// Leavable says that the plan can be left, Offered that it is in the catalog.
	Leavable, Offered bool
	// Withdrawable says that the request for the plan waits for approval and can be withdrawn.
	Withdrawable bool
	// Element makes ids of elements unique, since an account may have a plan several times.
	Element string
	// Paid says that it is paid for on AWS Marketplace, and ends when it is cancelled there.
	Paid bool
	// Other is the name of the plan that this one replaces, or that replaces it, "" if none.
	Other string
}

func (when times) heldPlan(sub projections.Subscription, all offers, recent requests) heldPlan {
	h := heldPlan{Subscription: sub, Badge: subscriptionBadge(sub), Since: when.moment(sub.Since)}
	h.Paid, h.Element = paid(sub), string(sub.Plan)
	if h.Paid {
		h.Element += "-" + portal.DeriveID(string(sub.Ring))[:8]
	}
	h.Leavable = !h.Paid && !moving(sub) && (sub.State == projections.SubscriptionPending || sub.State == projections.SubscriptionActive)
	h.Withdrawable = sub.State == projections.SubscriptionAwaitingApproval
	h.Other = all[cmp.Or(sub.Replaces, sub.ChangesTo)].Plan.Name
	if offer, ok := all[sub.Plan]; ok {
		h.Name, h.Offered = offer.Plan.Name, true
	}
	if sub.State != projections.SubscriptionActive {
		h.Follow = recent.follow(sub)
	}
	switch {
	case sub.Waiting != "":
		h.Waiting = projections.WaitingText(sub.Waiting)
	case h.Withdrawable:
		h.Waiting = projections.WaitingText(waitsForApproval)
	}
	return h
}

func subscriptionBadge(sub projections.Subscription) badge {
	if sub.Waiting != "" {
		return badge{"warn", "pause", "Waiting"}
	}
	switch {
	case sub.State == projections.SubscriptionAwaitingApproval:
		return badge{"warn", "pause", "Awaiting approval"}
	case moving(sub):
		return badge{"busy", "clock", "Changing"}
	}
	switch sub.State {
	case projections.SubscriptionPending:
		return badge{"busy", "clock", "Being set up"}
	case projections.SubscriptionActive:
		return badge{"ok", "check", "Active"}
	case projections.SubscriptionEnding:
		return badge{"busy", "clock", "Ending"}
	}
	return badge{"quiet", "minus", "Ended"}
}
