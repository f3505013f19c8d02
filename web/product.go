package web

import (
	"context"
	"net/http"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

type productPage struct {
	catalog.Product
	Offers   []planCard
	SignedIn bool
	Person   string
	// Unregistered is set for a signed-in person whose account is not registered.
	Unregistered *registration
	SignIn       string
	// PlansPerKey is how many plans a key can be in: "10 plans".
	PlansPerKey string
	Call        string
	// Open says that something is in progress, so the page polls.
	Open    bool
	Version string
}

type planCard struct {
	catalog.Plan
	Limits []limit
	// Held is the account's subscription, nil if it has none or it has ended.
	Held *heldPlan
	// Blocked says that the account's key does not work.
	Blocked bool
	// Badge and Note are about a request that the subscription does not show yet, or that
	// was refused or failed.
	Badge  badge
	Note   string
	Follow portal.OperationID
	// Subscribable says that subscribing would change something, as far as is known.
	Subscribable bool
	InTheWay     *inTheWay
	// Full is how many plans a key can be in, if the account's key is in that many; else 0.
	Full int
}

type inTheWay struct {
	Plan               portal.PlanID
	Name               string
	Product, ProductID string
	Offered            bool
}

func (s *Web) product(w http.ResponseWriter, r *http.Request) error {
	body, err := s.productPage(r, here(r))
	if err != nil {
		return err
	}
	if name, _ := param(r, "product"); body.ID != name { // an old address of the product
		http.Redirect(w, r, escapedPath("apis", body.ID), http.StatusFound)
		return nil
	}
	s.render(w, r, http.StatusOK, view{page: "product", Title: body.Name, Section: "apis", Body: body})
	return nil
}

// productFragment is only for people who are signed in.
func (s *Web) productFragment(w http.ResponseWriter, r *http.Request) error {
	return s.member(func(w http.ResponseWriter, r *http.Request, _ identity.Identity) error {
		body, err := s.productPage(r, "/dashboard")
		if err != nil {
			return err
		}
		s.execute(w, r, http.StatusOK, "product", "offers", body)
		return nil
	})(w, r)
}

func (s *Web) productPage(r *http.Request, returnTo string) (productPage, error) {
	name, err := param(r, "product")
	if err != nil {
		return productPage{}, err
	}
	published, err := s.views.Catalog(r.Context())
	if err != nil {
		return productPage{}, err
	}
	product, ok := published.Product(name)
	if !ok {
		return productPage{}, portal.Fail(portal.NotFound, "There is no such product, or it is no longer offered.")
	}
	body := productPage{Product: product, SignIn: signIn(returnTo), PlansPerKey: count(s.plansPerKey, "plan")}
	var mine ofAccount
	if id, ok := identity.From(r.Context()); ok {
		if mine, err = s.ofAccount(r.Context(), id.Account); err != nil {
			return productPage{}, err
		}
		body.SignedIn, body.Person = true, displayName(id)
		if mine.Profile.Status == projections.StatusNone {
			progress := mine.recent.registration()
			body.Unregistered, body.Open = &progress, true
		}
	}
	all := offersIn(published.Products)
	for _, plan := range product.Plans {
		card := s.planCard(plan, all, mine)
		body.Offers = append(body.Offers, card)
		body.Open = body.Open || card.open()
		if card.Held != nil && card.Held.State == projections.SubscriptionActive && !card.Blocked {
			body.Call = firstCall(endpoint(product), placeholderKey)
		}
	}
	body.Version = versionOf(published.Hash, mine)
	return body, nil
}

type ofAccount struct {
	projections.Account
	recent requests
}

func (s *Web) ofAccount(ctx context.Context, id portal.AccountID) (mine ofAccount, err error) {
	if mine.Account, err = s.views.Account(ctx, id); err != nil {
		return mine, err
	}
	mine.recent, err = s.requests(ctx, id)
	return mine, err
}

func (s *Web) planCard(plan catalog.Plan, all offers, mine ofAccount) planCard {
	card := planCard{Plan: plan, Limits: limitsOf(plan), Subscribable: true}
	sub := subscriptionTo(mine.Account, plan.ID)
	if sub.State != "" && sub.State != projections.SubscriptionEnded {
		h := s.heldPlan(sub, all, mine.recent)
		card.Held, card.Subscribable, card.Blocked = &h, !h.Leavable, !works(mine.Account, sub)
	}
	if operation, ok := mine.recent.about(plan.ID); ok {
		card.addRequest(s.standingOf(operation, sub))
	}
	if !card.Subscribable {
		return card
	}
	if other, ok := all.inTheWay(plan, mine.Subscriptions); ok {
		product := all[other.Plan].Product
		card.InTheWay = &inTheWay{Plan: other.Plan, Name: all[other.Plan].Plan.Name, Product: product.Name, ProductID: product.ID, Offered: true}
	}
	if card.Held == nil && card.InTheWay == nil && countPlansOfKey(mine.Subscriptions) >= s.plansPerKey {
		card.Full = s.plansPerKey
	}
	return card
}

// addRequest shows the newest request about the plan, if it adds to the subscription.
func (c *planCard) addRequest(stand standing) {
	switch {
	case stand.Open:
		c.Badge, c.Note, c.Follow, c.Subscribable = statusBadge(stand.Operation), underway(stand), stand.ID, false
		if c.Held != nil {
			c.Held.Leavable = false
		}
	case stand.Unmet:
		c.Note, c.Follow = operationTitle(stand.Operation, c.Name)+". "+unmet(stand), stand.ID
	}
}

// open reports whether the card will change without a click.
func (c *planCard) open() bool {
	return c.Badge.Text != "" || (c.Held != nil && c.Held.State != projections.SubscriptionActive)
}
