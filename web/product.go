package web

import (
	"net/http"
	"net/url"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

type productPage struct {
	catalog.Product
	Offers   []planCard
	SignedIn bool
	// Unregistered says that the account of who is signed in has not been opened.
	Unregistered bool
	SignIn       string
	// Call is the first call, shown once something is held.
	Call string
}

// planCard is a plan, and what whoever looks at it has to do with it.
type planCard struct {
	catalog.Plan
	Limits []limit
	// Held is the account's subscription, nil if it has none that goes on.
	Held *held
	// Subscribable says whether subscribing would change anything.
	Subscribable bool
	// InTheWay is a plan to be left first, with the product it is found at.
	InTheWay        string
	InTheWayProduct string
	InTheWayID      string
}

// product shows one product with its plans.
func (s *Web) product(w http.ResponseWriter, r *http.Request) error {
	name, err := param(r, "product")
	if err != nil {
		return err
	}
	published, err := s.views.Catalog(r.Context())
	if err != nil {
		return err
	}
	product, ok := published.Product(name)
	if !ok {
		return portal.Fail(portal.NotFound, "There is no such API product, or it is no longer offered.")
	}
	if product.ID != name { // the product has moved, and the address is an old one
		http.Redirect(w, r, "/apis/"+url.PathEscape(product.ID), http.StatusFound)
		return nil
	}
	body := productPage{Product: product, SignIn: signIn(here(r))}
	var account projections.Account
	if id, ok := identity.From(r.Context()); ok {
		if account, err = s.views.Account(r.Context(), id.Account); err != nil {
			return err
		}
		body.SignedIn, body.Unregistered = true, account.Profile.Status == projections.StatusNone
	}
	all := offersIn(published.Products)
	for _, plan := range product.Plans {
		card := s.planCard(plan, all, account)
		body.Offers = append(body.Offers, card)
		if card.Held != nil && card.Held.State == projections.SubscriptionActive {
			body.Call = firstCall(endpoint(product))
		}
	}
	s.render(w, r, http.StatusOK, view{page: "product", Title: product.Name, Section: "apis", Body: body})
	return nil
}

func (s *Web) planCard(plan catalog.Plan, all offers, account projections.Account) planCard {
	card := planCard{Plan: plan, Limits: limitsOf(plan), Subscribable: true}
	for _, sub := range account.Subscriptions {
		if sub.Plan != plan.ID || sub.State == projections.SubscriptionEnded {
			continue
		}
		h := s.held(sub)
		card.Held, card.Subscribable = &h, !h.Leavable
	}
	if !card.Subscribable {
		return card
	}
	if other, ok := all.inTheWay(plan, account.Subscriptions); ok {
		product := all[other.Plan].Product
		card.InTheWay, card.InTheWayProduct, card.InTheWayID = other.Name, product.Name, product.ID
	}
	return card
}
