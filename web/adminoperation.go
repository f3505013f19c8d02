package web

import (
	"cmp"
	"context"
	"net/http"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// finding finds any operation, also those of other accounts.
type finding interface {
	FindAny(ctx context.Context, id portal.OperationID) (operations.Operation, error)
}

type adminOperationPage struct {
	operationPage
	// By asked for the operation, To is the account that it is about. Without an id, Name says who or what.
	By, To  personLink
	Plan    string
	Created moment
}

// adminOperation shows any operation, without what only its owner can do with it.
func (s *Web) adminOperation(w http.ResponseWriter, r *http.Request, _ identity.Identity) error {
	name, err := param(r, "operation")
	if err != nil {
		return err
	}
	operation, err := s.admin.Operations.FindAny(r.Context(), portal.OperationID(name))
	if err != nil {
		return err
	}
	shelf, err := s.shelf(r)
	if err != nil {
		return err
	}
	by, _ := operation.Actor.Account()
	to, _ := operation.Subject.Account()
	names, err := s.namesOf(r.Context(), []portal.AccountID{by, to})
	if err != nil {
		return err
	}
	when, offered := s.times(r.Context()), offersIn(shelf.Products)[operation.Plan]
	plan := cmp.Or(offered.Plan.Name, string(operation.Plan))
	body := adminOperationPage{
		operationPage: when.operationPage(operation, plan, present{Product: offered.Product.Name}), Plan: plan, Created: when.moment(operation.CreatedAt),
		By: personLink{by, cmp.Or(names[by], actorText(operation.Actor))}, To: personLink{to, cmp.Or(names[to], string(operation.Subject))},
	}
	s.render(w, r, http.StatusOK, adminView("admin-operation", body.Title, tabAudit, body))
	return nil
}

func actorText(actor portal.Actor) string {
	if actor == portal.Operator {
		return "an operator at the command line"
	}
	return cmp.Or(string(actor), "a worker")
}
