package web

import (
	"context"
	"net/http"
	"slices"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

type operationPage struct {
	ID               portal.OperationID
	Title            string
	Badge            badge
	Open, Replayable bool
	Steps            []stepLine
	Next             nextStep
	// Version changes with the content. The script replaces the part only then.
	Version string
	// Register offers to register, Again after a failure.
	Register, Again bool
	Keys            []keyLine
	Call            firstCall
	// SignedOut says that the operation has deleted the reader's account.
	SignedOut bool
}

type stepLine struct {
	Title      string
	Detail     phrase
	Icon, Tone string
	At         moment
}

func (s *Web) operation(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	body, err := s.followed(r, id)
	if err != nil {
		return err
	}
	s.render(w, r, http.StatusOK, view{page: "operation", Title: body.Title, Section: "dashboard", Refresh: body.Open, Body: body})
	return nil
}

func (s *Web) operationFragment(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	body, err := s.followed(r, id)
	if err != nil {
		return err
	}
	s.execute(w, r, http.StatusOK, "operation", "progress", body)
	return nil
}

// subscriptionOf returns the account's subscription that the operation is about. An account may
// have one plan several times, each paid for by another licence.
func subscriptionOf(account projections.Account, operation operations.Operation) projections.Subscription {
	account.Subscriptions = slices.DeleteFunc(slices.Clone(account.Subscriptions), func(sub projections.Subscription) bool {
		if operation.Subject.IsLicence() {
			return sub.Ring != portal.LicenceRing(operation.Subject)
		}
		_, paid := sub.Ring.Licence()
		return paid
	})
	return subscriptionTo(account, operation.Plan)
}

func (s *Web) followed(r *http.Request, id identity.Identity) (operationPage, error) {
	name, err := param(r, "operation")
	if err != nil {
		return operationPage{}, err
	}
	operation, err := s.operationOf(r.Context(), id.Account, portal.OperationID(name))
	if err != nil {
		return operationPage{}, err
	}
	if operation.Plan == "" {
		return s.times(r.Context()).operationPage(operation, "", present{}), nil
	}
	shelf, err := s.shelf(r)
	if err != nil {
		return operationPage{}, err
	}
	account, err := s.views.Account(r.Context(), id.Account)
	if err != nil {
		return operationPage{}, err
	}
	all := offersIn(shelf.Products)
	offer, offered := all[operation.Plan]
	when := s.times(r.Context())
	held := subscriptionOf(account, operation)
	now := present{
		Offered: offered, ProductID: offer.Product.ID, Product: offer.Product.Name, State: held.State,
		Payments: s.market.paymentsURL(), Subscriptions: s.market.atAWS(),
		Keys: slices.DeleteFunc(when.keyLines(account, nil), func(key keyLine) bool { return !key.Active || key.Ring != held.Ring }),
	}
	page := when.operationPage(operation, s.planName(operation.Plan, all, account), now)
	if operation.Status == projections.Succeeded && asksForPlan(operation.Type) && now.State == projections.SubscriptionActive && now.usable() {
		page.Keys, page.Call = now.Keys, s.firstCall(r.Context(), shelf, offer.Product, placeholderKey)
	}
	return page, nil
}

// operationOf returns an operation of the account. An admin who views the account does not nudge it.
func (s *Web) operationOf(ctx context.Context, account portal.AccountID, id portal.OperationID) (operations.Operation, error) {
	if _, viewed := accountViewed(ctx); !viewed {
		return s.operations.Find(ctx, account, id)
	}
	operation, err := s.admin.Operations.FindAny(ctx, id)
	if err == nil && operation.Actor != portal.AccountActor(account) {
		err = portal.Fail(portal.NotFound, "There is no such operation.")
	}
	return operation, err
}

func (when times) operationPage(operation operations.Operation, plan string, now present) operationPage {
	page := operationPage{
		ID: operation.ID, Title: operationTitle(operation, planOf(plan, now.Product)), Badge: statusBadge(operation),
		Open: !operation.Status.Over(), Replayable: operation.Status == projections.Failed, Next: nextOf(operation, now),
	}
	if operation.Status == projections.Succeeded {
		page.Next = now.outcome(operation.Type, plan)
	}
	page.Version = versionOf(operation.Status, len(operation.Steps), operation.Letter, now)
	page.Register = operation.Status == projections.Rejected && operation.Code == string(portal.NotRegistered)
	page.Again = operation.Status == projections.Failed && operation.Type == typeRegister
	page.Steps = append(page.Steps, stepLine{
		Title: "Request received", Detail: phrase{plain("We have saved it, so it cannot get lost.")},
		Icon: "check", Tone: "ok", At: when.moment(operation.CreatedAt),
	})
	for _, step := range operation.Steps {
		mark := statusBadge(operations.Operation{Progress: projections.Progress{Status: step.Status, Code: step.Code}})
		if step.Status == projections.Running {
			mark.Icon, mark.Tone = "check", "ok"
		}
		words := wordsFor(step, plan)
		page.Steps = append(page.Steps, stepLine{
			Title: words.Title, Detail: when.phrase(words.Detail), Icon: mark.Icon, Tone: mark.Tone, At: when.moment(step.At),
		})
	}
	if operation.Status == projections.Failed && len(operation.Steps) == 0 {
		page.Steps = append(page.Steps, stepLine{
			Title: failedStep, Detail: phrase{plain(failedDetail)}, Icon: "cross", Tone: "bad", At: when.moment(operation.UpdatedAt),
		})
	}
	return page
}

type present struct {
	State              string
	Offered            bool
	ProductID, Product string
	// Keys are the active keys of the subscription.
	Keys []keyLine
	// Payments and Subscriptions are pages of AWS for buyers.
	Payments      string
	Subscriptions link
}

// atAWS is where the buyer of a purchase repairs a payment.
func (p present) atAWS() []link {
	return []link{{"Payment methods at AWS", p.Payments}, p.Subscriptions, toDashboard}
}

func (p present) toProduct() link {
	if p.ProductID == "" {
		return toCatalog
	}
	return link{"See the plans of " + p.Product, escapedPath("apis", p.ProductID)}
}

func (p present) holds() bool {
	return p.State == projections.SubscriptionPending || p.State == projections.SubscriptionActive
}

func (p present) usable() bool { return len(p.Keys) > 0 }

// outcome describes the result of an operation that succeeded, as things are now.
func (p present) outcome(kind, plan string) nextStep {
	if plan == "" {
		plan = "the plan"
	}
	switch {
	case kind == typeDeleteAccount:
		return nextStep{"Your account is deleted", "You are signed out everywhere.", []link{{"What was deleted, and what stays", deletedPath}}}
	case kind == typeRegister:
		return nextStep{"You can subscribe now", "Find an API and subscribe to one of its plans. You get your API key with the first subscription.", []link{toCatalog, toDashboard}}
	case asksForPlan(kind) && !p.holds():
		return nextStep{"You were subscribed to " + plan, "You are no longer subscribed, so your key does not work with this plan.", []link{p.toProduct(), toDashboard}}
	case asksForPlan(kind) && !p.usable():
		return nextStep{"You are subscribed to " + plan, "Your key does not work right now. Your dashboard says why.", []link{toDashboard}}
	case asksForPlan(kind):
		return nextStep{"You can call the API now", "Your key works with this plan. Reveal the key, copy it into your program, and make a first call.", []link{toDashboard}}
	case kind == typeUnsubscribe && p.holds():
		return nextStep{"You left " + plan, "You have subscribed to it again since.", []link{toDashboard}}
	case kind == typeUnsubscribe && !p.Offered:
		return nextStep{"You have left " + plan, "Your key no longer works with this plan. It is no longer offered, so you cannot subscribe to it again.", []link{toDashboard, toCatalog}}
	case kind == typeUnsubscribe:
		return nextStep{"You have left " + plan, "Your key no longer works with this plan. You can subscribe to it again, or to another plan, at any time.", []link{p.toProduct(), toDashboard}}
	}
	if kind == typeSyncCatalog {
		return nextStep{"The portal shows the catalog as it is now", "The page of products says what is offered, and names problems.", []link{{"See the products", productsPath}}}
	}
	if isAboutKey(kind) {
		return nextStep{"Done", "Your keys show the result.", []link{toKeys, toDashboard}}
	}
	return nextStep{"Done", "There is nothing left to do.", []link{toDashboard}}
}
