package web

import (
	"context"
	"html/template"
	"net/http"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

type productPage struct {
	catalog.Product
	Offers       []planCard
	SignedIn     bool
	Person       string
	Unregistered *registration
	Standing     *standingNote
	SignIn       string
	PlansPerKey  string
	Call         firstCall
	Open         bool
	Version      string
	Titled       bool
}

type planCard struct {
	catalog.Plan
	Limits []limit
	// Held is nil if there is no subscription or it has ended.
	Held *heldPlan
	// Elsewhere says how to get a plan that nobody can subscribe to here, or "".
	Elsewhere string
	// BuyAt is where people buy a plan that is sold on AWS Marketplace, "" if that is not known. Simulated says
	// that it is a local AWS Marketplace.
	BuyAt     string
	Simulated bool
	// Blocked says that the account's key does not work.
	Blocked bool
	// Badge and Note are about a request that the subscription does not show yet, or that
	// was refused or failed.
	Badge  badge
	Note   string
	Follow portal.OperationID
	// Subscribable says that subscribing would change something, as far as is known.
	Subscribable bool
	Manual       bool
	InTheWay     *inTheWay
	// Full is how many plans a key can be in if the account's key has no room, else 0.
	Full int
}

type inTheWay struct {
	Plan               portal.PlanID
	Name               string
	Product, ProductID string
	Offered            bool
	// Changeable says that the keys can move from that plan to this one, Sold that it is paid for on
	// AWS Marketplace.
	Changeable, Sold bool
}

// product is the overview, or the plans if there is no overview.
func (s *Web) product(w http.ResponseWriter, r *http.Request, shelf *library.Shelf, product catalog.Product) error {
	body := overviewPage{Head: s.head(r, shelf, product, tabOverview), Pages: pageLinks(product)}
	if product.Overview != "" {
		text, err := shelf.Overview(r.Context(), product.ID)
		if err != nil {
			return err
		}
		body.Overview = s.rendered(r.Context(), shelf, text.Markdown, inProduct(shelf, product, "overview.md", 2)).HTML
	}
	if body.Overview == "" {
		var err error
		if body.Plans, err = s.productPage(r, shelf, product, here(r)); err != nil {
			return err
		}
		body.Inline = true
	}
	for _, api := range product.APIs {
		body.APIs = append(body.APIs, apiLine{API: api, Docs: docsAddress(product, api)})
	}
	for _, plan := range product.Plans {
		body.Prices = append(body.Prices, planSummary{plan, limitsOf(plan)})
	}
	s.render(w, r, http.StatusOK, view{page: "product", Title: product.Name, Section: "apis", Body: body, About: product.Description, Image: imageOf(product)})
	return nil
}

func (s *Web) plans(w http.ResponseWriter, r *http.Request, shelf *library.Shelf, product catalog.Product) error {
	plans, err := s.productPage(r, shelf, product, here(r))
	if err != nil {
		return err
	}
	plans.Titled = true
	body := plansPage{Head: s.head(r, shelf, product, tabPlans), Plans: plans}
	s.render(w, r, http.StatusOK, view{page: "plans", Title: "Plans · " + product.Name, Section: "apis", Body: body, About: product.Description})
	return nil
}

type overviewPage struct {
	Head     productHead
	Overview template.HTML
	Pages    []link
	APIs     []apiLine
	// Prices summarize the plans; Inline shows them here instead.
	Prices []planSummary
	Plans  productPage
	Inline bool
}

type plansPage struct {
	Head  productHead
	Plans productPage
}

type apiLine struct {
	catalog.API
	Docs string
}

type planSummary struct {
	catalog.Plan
	Limits []limit
}

func pageLinks(product catalog.Product) []link {
	var links []link
	for _, page := range product.Pages {
		links = append(links, link{page.Title, escapedPath("apis", product.ID, "pages", page.Name)})
	}
	return links
}

func docsAddress(product catalog.Product, api catalog.API) string {
	if api.Definition == "" {
		return ""
	}
	return library.DocsPath(product.ID, api.Slug)
}

// productFragment is only for signed-in people.
func (s *Web) productFragment(w http.ResponseWriter, r *http.Request) error {
	return s.member(func(w http.ResponseWriter, r *http.Request, _ identity.Identity) error {
		shelf, product, _, err := s.onShelf(r)
		if err != nil {
			return err
		}
		body, err := s.productPage(r, shelf, product, "/dashboard")
		if err != nil {
			return err
		}
		s.execute(w, r, http.StatusOK, "product", "offers", body)
		return nil
	})(w, r)
}

func (s *Web) productPage(r *http.Request, shelf *library.Shelf, product catalog.Product, returnTo string) (productPage, error) {
	body := productPage{Product: product, SignIn: signIn(returnTo), PlansPerKey: count(s.plansPerKey, "plan")}
	var mine ofAccount
	var err error
	if id, ok := identity.From(r.Context()); ok {
		if mine, err = s.ofAccount(r.Context(), id.Account); err != nil {
			return productPage{}, err
		}
		body.SignedIn, body.Person = true, displayName(id)
		body.Standing = s.standingNote(mine.Profile)
		if mine.Profile.Status == projections.StatusNone {
			progress, err := s.registration(r.Context(), id, mine.recent)
			if err != nil {
				return productPage{}, err
			}
			body.Unregistered, body.Open = &progress, progress.Open()
		}
	}
	all := offersIn(shelf.Products)
	for _, plan := range product.Plans {
		card := s.planCard(plan, all, mine)
		card.Elsewhere, card.BuyAt, card.Simulated = elsewhere(plan), s.market.listingURL(plan), s.market.Simulator != "" && plan.Marketplace
		body.Offers = append(body.Offers, card)
		body.Open = body.Open || card.open()
		if card.Held != nil && card.Held.State == projections.SubscriptionActive && !card.Blocked {
			body.Call = s.firstCall(r.Context(), shelf, product, placeholderKey)
		}
	}
	body.Version = versionOf(shelf.Hash, mine.Account, mine.recent)
	return body, nil
}

func elsewhere(plan catalog.Plan) string {
	if plan.Marketplace {
		return "Sold on AWS Marketplace."
	}
	return ""
}

type ofAccount struct {
	projections.Account
	recent requests
	when   times
}

func (s *Web) ofAccount(ctx context.Context, id portal.AccountID) (mine ofAccount, err error) {
	mine.when = s.times(ctx)
	if mine.Account, err = s.account(ctx, id); err != nil {
		return mine, err
	}
	mine.recent, err = s.requests(ctx, id)
	return mine, err
}

func (s *Web) planCard(plan catalog.Plan, all offers, mine ofAccount) planCard {
	card := planCard{Plan: plan, Limits: limitsOf(plan), Subscribable: true, Manual: plan.Approval == catalog.ApprovalManual}
	sub := subscriptionTo(mine.Account, plan.ID)
	if sub.State != "" && sub.State != projections.SubscriptionEnded {
		h := mine.when.heldPlan(sub, all, mine.recent)
		card.Held, card.Subscribable, card.Blocked = &h, !h.Paid && !h.Leavable && !h.Withdrawable && !moving(sub), !works(mine.Account, sub)
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
		card.InTheWay.Sold = all[other.Plan].Plan.Marketplace
		card.InTheWay.Changeable = changeable(other) && !card.InTheWay.Sold
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
			c.Held.Leavable, c.Held.Withdrawable = false, false
		}
	case stand.Unmet:
		c.Note, c.Follow = operationTitle(stand.Operation, c.Name)+". "+unmet(stand), stand.ID
	}
}

func (c *planCard) open() bool {
	return c.Badge.Text != "" || (c.Held != nil && c.Held.State != projections.SubscriptionActive)
}
