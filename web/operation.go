package web

import (
	"fmt"
	"net/http"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// operationPage is one operation, from being asked for to what can be done now.
type operationPage struct {
	ID    portal.OperationID
	Title string
	Badge badge
	Open  bool
	Steps []stepLine
	// Next is what happens now, or what has come of it.
	Next nextStep
	// Version changes with the content: the script shows it anew only then.
	Version string
	// Register offers to sign up, Again to do so once more after a failure.
	Register, Again bool
	// Keys are the keys that can be shown once the account can use one.
	Keys []keyLine
	Call string
}

type stepLine struct {
	Title, Detail string
	Icon, Tone    string
	At            moment
}

// operation follows one operation.
func (s *Web) operation(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	body, err := s.followed(r, id)
	if err != nil {
		return err
	}
	s.render(w, r, http.StatusOK, view{page: "operation", Title: body.Title, Section: "dashboard", Refresh: body.Open, Body: body})
	return nil
}

// operationFragment is the part of the page that changes, for the script.
func (s *Web) operationFragment(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	body, err := s.followed(r, id)
	if err != nil {
		return err
	}
	s.execute(w, r, http.StatusOK, "operation", "progress", body)
	return nil
}

func (s *Web) followed(r *http.Request, id identity.Identity) (operationPage, error) {
	name, err := param(r, "operation")
	if err != nil {
		return operationPage{}, err
	}
	operation, err := s.operations.Find(r.Context(), id.Account, portal.OperationID(name))
	if err != nil {
		return operationPage{}, err
	}
	page := s.operationPage(operation)
	if operation.Plan == "" {
		return page, nil
	}
	published, err := s.views.Catalog(r.Context())
	if err != nil {
		return operationPage{}, err
	}
	plan, product, offered := published.Plan(operation.Plan)
	if offered {
		page.Title = planTitle(operation.Type, plan.Name)
	}
	if offered && operation.Status == projections.Succeeded && operation.Type == typeSubscribe {
		account, err := s.views.Account(r.Context(), id.Account)
		if err != nil {
			return operationPage{}, err
		}
		page.Keys, page.Call = s.keyLines(account.Keys, nil), firstCall(endpoint(product))
	}
	return page, nil
}

func (s *Web) operationPage(operation operations.Operation) operationPage {
	page := operationPage{
		ID: operation.ID, Title: operationTitle(operation.Type), Badge: statusBadge(operation.Status),
		Open: !operation.Status.Over(), Next: nextOf(operation),
		Version: fmt.Sprintf("%s-%d", operation.Status, len(operation.Steps)),
	}
	page.Register = operation.Status == projections.Rejected && operation.Code == string(portal.NotRegistered)
	page.Again = operation.Status == projections.Failed && operation.Type == typeRegister
	page.Steps = append(page.Steps, stepLine{
		Title: "Request received", Detail: "It is written down and cannot get lost.",
		Icon: "check", Tone: "ok", At: s.moment(operation.CreatedAt),
	})
	for _, step := range operation.Steps {
		badge := statusBadge(step.Status)
		if step.Status == projections.Running {
			badge.Icon, badge.Tone = "check", "ok"
		}
		page.Steps = append(page.Steps, stepLine{
			Title: stepTitle(step.Name), Detail: step.Detail, Icon: badge.Icon, Tone: badge.Tone, At: s.moment(step.At),
		})
	}
	return page
}
