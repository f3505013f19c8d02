package web

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

type planChangePage struct {
	From, To           catalog.Plan
	ProductID, Product string
	Rows               []comparison
	Manual             bool
	Quota              bool
	// Keys is how many keys move. Keys that have ended do not.
	Keys int
}

// unmoved are the states of keys that a change of plans leaves alone.
var unmoved = []string{projections.KeyReleased, projections.KeyEnding, projections.KeyEnded}

type comparison struct{ Name, From, To string }

// planChange shows what a change of plans means. It redirects to the plans if no change is
// possible.
func (s *Web) planChange(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	name, err := param(r, "plan")
	if err != nil {
		return err
	}
	shelf, err := s.shelf(r)
	if err != nil {
		return err
	}
	all := offersIn(shelf.Products)
	to, ok := all[portal.PlanID(name)]
	if !ok {
		return portal.Fail(portal.NotFound, "There is no such plan.")
	}
	account, err := s.views.Account(r.Context(), id.Account)
	if err != nil {
		return err
	}
	held, ok := all.inTheWay(to.Plan, account.Subscriptions)
	if to.Plan.Marketplace {
		http.Redirect(w, r, escapedPath("apis", to.Product.ID, "plans"), http.StatusSeeOther)
		return nil
	}
	if now := subscriptionTo(account, to.Plan.ID); !ok || standingOfAccount(account.Profile) != nil || !changeable(held) || now.State != "" && now.State != projections.SubscriptionEnded {
		http.Redirect(w, r, escapedPath("apis", to.Product.ID, "plans"), http.StatusSeeOther)
		return nil
	}
	from := all[held.Plan].Plan
	body := planChangePage{
		From: from, To: to.Plan, ProductID: to.Product.ID, Product: to.Product.Name, Rows: compare(all[held.Plan], to),
		Manual: to.Plan.Approval == catalog.ApprovalManual, Quota: to.Plan.Quota != nil,
	}
	for _, key := range account.Keys {
		if key.Ring == held.Ring && !slices.Contains(unmoved, key.State) {
			body.Keys++
		}
	}
	s.render(w, r, http.StatusOK, view{page: "plan-change", Title: "Change to " + to.Plan.Name, Section: "apis", Body: body})
	return nil
}

// compare lists APIs, prices and limits of the plans. It lists a method's limits if either plan
// has them.
func compare(from, to offered) []comparison {
	rows := []comparison{{"APIs", covered(from), covered(to)}, {"Price", stated(from.Plan.Price), stated(to.Plan.Price)}}
	before, after := limitsOf(from.Plan), limitsOf(to.Plan)
	for _, l := range slices.Concat(before, after) {
		if slices.ContainsFunc(rows, func(row comparison) bool { return row.Name == l.Name }) {
			continue
		}
		rows = append(rows, comparison{l.Name, valueOf(before, l.Name), valueOf(after, l.Name)})
	}
	return rows
}

func covered(o offered) string {
	var names []string
	for _, api := range o.Product.APIs {
		if slices.Contains(o.Plan.Stages, portal.Stage{API: api.ID, Stage: api.Stage}) {
			names = append(names, api.Name)
		}
	}
	return strings.Join(names, ", ")
}

func stated(price string) string {
	if price == "" {
		return "Not stated"
	}
	return price
}

func valueOf(limits []limit, name string) string {
	for _, l := range limits {
		if l.Name == name {
			return l.Value
		}
	}
	return "As for the whole plan"
}

// changeable reports whether the keys can leave the plan now, as far as is known.
func changeable(s projections.Subscription) bool {
	return s.State == projections.SubscriptionActive && s.ChangesTo == ""
}

func moving(s projections.Subscription) bool {
	return s.ChangesTo != "" || s.Replaces != "" && s.State != projections.SubscriptionAwaitingApproval
}

func (s *Web) changePlan(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	plan, err := param(r, "plan")
	if err != nil {
		return err
	}
	caller, err := s.readForm(w, r, id)
	if err != nil {
		return err
	}
	operation, err := s.operations.ChangePlan(r.Context(), caller, portal.PlanID(plan), portal.PlanID(r.PostForm.Get("replaces")))
	return follow(w, r, operation, err)
}
