package web

import (
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
	// Open says that the operation goes on, Repeatable that an operator can repeat it.
	Open, Repeatable bool
	Steps            []stepLine
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
	if operation.Plan == "" {
		return s.operationPage(operation, "", present{}), nil
	}
	published, err := s.views.Catalog(r.Context())
	if err != nil {
		return operationPage{}, err
	}
	account, err := s.views.Account(r.Context(), id.Account)
	if err != nil {
		return operationPage{}, err
	}
	all := offersIn(published.Products)
	offer, offered := all[operation.Plan]
	now := present{
		Offered: offered, ProductID: offer.Product.ID, Product: offer.Product.Name,
		State: subscribed(account, operation.Plan).State, Keys: s.keyLines(account, nil),
	}
	page := s.operationPage(operation, s.planName(operation.Plan, all, account), now)
	if operation.Status == projections.Succeeded && operation.Type == typeSubscribe && now.State == projections.SubscriptionActive && now.usable() {
		page.Keys, page.Call = now.Keys, firstCall(endpoint(offer.Product), placeholderKey)
	}
	return page, nil
}

// operationPage makes the page of an operation about a plan of that name, and what the
// account has of the plan now.
func (s *Web) operationPage(operation operations.Operation, plan string, now present) operationPage {
	page := operationPage{
		ID: operation.ID, Title: operationTitle(operation, planOf(plan, now.Product)), Badge: statusBadge(operation),
		Open: !operation.Status.Over(), Repeatable: operation.Status == projections.Failed, Next: nextOf(operation, now),
	}
	if operation.Status == projections.Succeeded {
		page.Next = now.outcome(operation.Type, plan)
	}
	page.Version = versionOf(operation.Status, len(operation.Steps), now)
	page.Register = operation.Status == projections.Rejected && operation.Code == string(portal.NotRegistered)
	page.Again = operation.Status == projections.Failed && operation.Type == typeRegister
	page.Steps = append(page.Steps, stepLine{
		Title: "Request received", Detail: "It is stored, so it cannot get lost.",
		Icon: "check", Tone: "ok", At: s.moment(operation.CreatedAt),
	})
	for _, step := range operation.Steps {
		mark := statusBadge(operations.Operation{Progress: projections.Progress{Status: step.Status, Code: step.Code}})
		if step.Status == projections.Running {
			mark.Icon, mark.Tone = "check", "ok"
		}
		words := wordsFor(step, plan)
		page.Steps = append(page.Steps, stepLine{
			Title: words.Title, Detail: words.Detail, Icon: mark.Icon, Tone: mark.Tone, At: s.moment(step.At),
		})
	}
	return page
}

// present is what an account has now of the plan that an operation was about.
type present struct {
	// State is that of the subscription, "" if there never was one.
	State   string
	Offered bool
	// ProductID and Product are the product that the plan is found at, "" if it is no
	// longer offered.
	ProductID, Product string
	Keys               []keyLine
}

// toProduct leads to where another choice can be made.
func (p present) toProduct() link {
	if p.ProductID == "" {
		return toCatalog
	}
	return link{"See the plans of " + p.Product, escapedPath("apis", p.ProductID)}
}

// holds says whether the plan is subscribed to now.
func (p present) holds() bool {
	return p.State == projections.SubscriptionPending || p.State == projections.SubscriptionActive
}

// usable says whether one of the keys works.
func (p present) usable() bool {
	for _, key := range p.Keys {
		if key.Active {
			return true
		}
	}
	return false
}

// outcome says what has come of an operation that succeeded, as things are now.
func (p present) outcome(kind, plan string) nextStep {
	if plan == "" {
		plan = "the plan"
	}
	switch {
	case kind == typeRegister:
		return nextStep{"Your account is open", "Next, find an API and subscribe to one of its plans. Your API key comes with the first subscription.", []link{toCatalog, toDashboard}}
	case kind == typeSubscribe && !p.holds():
		return nextStep{"You were subscribed to " + plan, "You are not any more, so your key does not open it.", []link{p.toProduct(), toDashboard}}
	case kind == typeSubscribe && !p.usable():
		return nextStep{"You are subscribed to " + plan, "Your key does not work at the moment: see your dashboard.", []link{toDashboard}}
	case kind == typeSubscribe:
		return nextStep{"You can call the API now", "Your key opens this plan. Show the key, copy it into your program, and make a first call.", []link{toDashboard}}
	case kind == typeUnsubscribe && p.holds():
		return nextStep{"You left " + plan, "You have subscribed to it again since.", []link{toDashboard}}
	case kind == typeUnsubscribe && !p.Offered:
		return nextStep{"You have left " + plan, "Your key does not open it any more. It is no longer offered, so you cannot subscribe to it again.", []link{toDashboard, toCatalog}}
	case kind == typeUnsubscribe:
		return nextStep{"You have left " + plan, "Your key does not open it any more. You can subscribe to it again, or to another plan, at any time.", []link{p.toProduct(), toDashboard}}
	}
	return nextStep{"Done", "There is nothing left to do.", []link{toDashboard}}
}
