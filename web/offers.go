package web

import (
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// offered is a plan with the product it opens.
type offered struct {
	Product catalog.Product
	Plan    catalog.Plan
}

// offers finds plans in the catalog.
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

// inTheWay is a plan that the account holds and that opens a stage of this one, too: API
// Gateway lets a key into one plan per stage only. The worker decides by the journal;
// this is what the page can say beforehand.
func (o offers) inTheWay(plan catalog.Plan, held []projections.Subscription) (projections.Subscription, bool) {
	for _, s := range held {
		if s.Plan == plan.ID || (s.State != projections.SubscriptionPending && s.State != projections.SubscriptionActive) {
			continue
		}
		if slices.ContainsFunc(o[s.Plan].Plan.Stages, func(stage portal.Stage) bool { return slices.Contains(plan.Stages, stage) }) {
			return s, true
		}
	}
	return projections.Subscription{}, false
}

// plansOfKey is in how many plans the account's key is, or is to be.
func plansOfKey(held []projections.Subscription) int {
	n := 0
	for _, s := range held {
		if s.State == projections.SubscriptionPending || s.State == projections.SubscriptionActive {
			n++
		}
	}
	return n
}

// subscribed is the account's subscription to a plan, the zero value if it never had one.
func subscribed(account projections.Account, plan portal.PlanID) projections.Subscription {
	for _, s := range account.Subscriptions {
		if s.Plan == plan {
			return s
		}
	}
	return projections.Subscription{}
}

// planOf names a plan and its product, "" if the product is not known: "Free (Weather)". A
// plan that has the product's name in its own is not named twice.
func planOf(plan, product string) string {
	if product == "" || names(plan, product) {
		return plan
	}
	return plan + " (" + product + ")"
}

// names says whether a plan's name has the product's name in it, word by word.
func names(plan, product string) bool {
	words, wanted := strings.Fields(strings.ToLower(plan)), strings.Fields(strings.ToLower(product))
	for i := 0; i+len(wanted) <= len(words); i++ {
		if slices.Equal(words[i:i+len(wanted)], wanted) {
			return true
		}
	}
	return false
}

// planName is what a plan is called: by the catalog, or, if it is no longer offered, as it
// was when it was subscribed to. "" if neither knows it.
func (s *Web) planName(plan portal.PlanID, all offers, account projections.Account) string {
	if offer, ok := all[plan]; ok {
		return offer.Plan.Name
	}
	return subscribed(account, plan).Name
}

// endpoint is where the first call to a product can go, "" if nothing says.
func endpoint(product catalog.Product) string {
	for _, api := range product.APIs {
		if api.Endpoint != "" {
			return api.Endpoint
		}
	}
	return ""
}

// held is a subscription as pages show it.
type held struct {
	projections.Subscription
	Badge badge
	// Waiting says why it lasts and who acts next, "" if nothing is in the way.
	Waiting string
	// Follow is the operation that ends with the present state, "" if none is open.
	Follow portal.OperationID
	Since  moment
	// Leavable says whether leaving would change anything, Offered whether it could be
	// subscribed to again.
	Leavable, Offered bool
}

func (s *Web) held(sub projections.Subscription, all offers, recent requests) held {
	h := held{Subscription: sub, Badge: subscriptionBadge(sub), Since: s.moment(sub.Since)}
	h.Leavable = sub.State == projections.SubscriptionPending || sub.State == projections.SubscriptionActive
	if offer, ok := all[sub.Plan]; ok {
		h.Name, h.Offered = offer.Plan.Name, true
	}
	if sub.State != projections.SubscriptionActive {
		h.Follow = recent.follow(sub)
	}
	if sub.Waiting != "" {
		h.Waiting = projections.WaitingText(sub.Waiting)
	}
	return h
}

func subscriptionBadge(sub projections.Subscription) badge {
	if sub.Waiting != "" {
		return badge{"warn", "pause", "Waiting"}
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
