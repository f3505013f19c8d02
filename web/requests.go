package web

import (
	"context"
	"net/http"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// register requests registration. A form without an idempotency key joins the sign-in's
// request; one with a key makes a new request, after that one has failed. A product's form
// leads back to the product.
func (s *Web) register(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	caller, err := s.readForm(w, r, id)
	if err != nil {
		return err
	}
	if caller.IdempotencyKey == "" {
		caller.IdempotencyKey = operations.RegistrationKey(id.Account)
	}
	operation, err := s.operations.Register(r.Context(), caller)
	if product := r.PostForm.Get("product"); product != "" && err == nil {
		http.Redirect(w, r, escapedPath("apis", product), http.StatusSeeOther)
		return nil
	}
	return follow(w, r, operation, err)
}

func (s *Web) subscribe(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	return s.askForPlan(w, r, id, s.operations.Subscribe)
}

func (s *Web) leave(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	return s.askForPlan(w, r, id, s.operations.Unsubscribe)
}

func (s *Web) askForPlan(w http.ResponseWriter, r *http.Request, id identity.Identity,
	ask func(context.Context, operations.Caller, portal.PlanID) (operations.Operation, error),
) error {
	plan, err := param(r, "plan")
	if err != nil {
		return err
	}
	caller, err := s.readForm(w, r, id)
	if err != nil {
		return err
	}
	operation, err := ask(r.Context(), caller, portal.PlanID(plan))
	return follow(w, r, operation, err)
}

// follow redirects to the operation's page, which can be reloaded without repeating
// the request.
func follow(w http.ResponseWriter, r *http.Request, operation operations.Operation, err error) error {
	if err != nil {
		return err
	}
	http.Redirect(w, r, escapedPath("operations", operation.ID), http.StatusSeeOther)
	return nil
}
