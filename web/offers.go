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

// inTheWay returns a subscription to another plan for a stage of this one. API Gateway lets
// a key into only one plan per stage. This is a hint; the worker decides from the journal.
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

// paid reports whether a licence of AWS Marketplace pays for the subscription. It then has keys of its
// own.
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

// subscriptionTo returns the account's subscription to a plan, zero if there was none. Of
// several paid ones, it returns one that has not ended.
func subscriptionTo(account projections.Account, plan portal.PlanID) (found projections.Subscription) {
	for _, s := range account.Subscriptions {
		if s.Plan == plan && (found.State == "" || found.State == projections.SubscriptionEnded) {
			found = s
		}
	}
	return found
}

// planOf returns "Free (Weather)" for a plan and its product. It leaves out a product that is
// "" or in the plan's name.
func planOf(plan, product string) string {
	if product == "" || names(plan, product) {
		return plan
	}
	return plan + " (" + product + ")"
}

func names(plan, product string) bool {
	words, wanted := strings.Fields(strings.ToLower(plan)), strings.Fields(strings.ToLower(product))
	for i := 0; i+len(wanted) <= len(words); i++ {
		if slices.Equal(words[i:i+len(wanted)], wanted) {
			return true
		}
	}
	return false
}

// planName returns the plan's name in the catalog, else in the subscription, else "".
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
	Badge   badge
	Waiting string
	Follow  portal.OperationID
	Since   moment
	// Offered plans are in the catalog.
	Leavable, Offered bool
	// Withdrawable requests wait for approval.
	Withdrawable bool
	Element      string
	// Paid plans end when they are cancelled on AWS Marketplace.
	Paid bool
	// Other is the plan that this one replaces, or that replaces it.
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
