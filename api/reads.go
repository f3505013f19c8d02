package api

import (
	"context"
	"time"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// List wraps every list, so that pagination can be added without breaking clients.
type List[T any] struct {
	Items []T     `json:"items"`
	Next  *string `json:"next" doc:"The address of the next page; null on the last page."`
}

func list[T, U any](from []T, show func(T) U) List[U] {
	items := make([]U, 0, len(from))
	for _, item := range from {
		items = append(items, show(item))
	}
	return List[U]{Items: items}
}

// Me is the account of the caller.
type Me struct {
	Account string   `json:"account"`
	Status  string   `json:"status" enum:"none,pending,denied,registered,suspended,deleting,deleted" doc:"none: signed in but not registered yet. pending: an admin has to approve the registration. denied: an admin has refused it. suspended: an admin has suspended the account."`
	Message string   `json:"message,omitempty" doc:"Why the account is suspended, or was denied."`
	Email   string   `json:"email,omitempty"`
	Name    string   `json:"name,omitempty"`
	Groups  []string `json:"groups"`
}

func (a *service) me(ctx context.Context, _ *struct{}) (*struct{ Body Me }, error) {
	id, ok := identity.From(ctx)
	if !ok {
		_, err := callerAccount(ctx)
		return nil, problemOf(ctx, err)
	}
	account, err := a.views.Account(ctx, id.Account)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	groups := id.Groups
	if groups == nil {
		groups = []string{}
	}
	return &struct{ Body Me }{Me{
		Account: string(id.Account), Status: account.Profile.Status, Message: account.Profile.Message, Email: id.Email, Name: id.Name, Groups: groups,
	}}, nil
}

// Subscription is an account's subscription to a plan.
type Subscription struct {
	Plan      string    `json:"plan"`
	Name      string    `json:"name" doc:"The plan's name; its last one if the plan is no longer offered."`
	Offered   bool      `json:"offered" doc:"Whether the plan is still in the catalog."`
	State     string    `json:"state" enum:"awaiting_approval,pending,active,ending,ended" doc:"awaiting_approval: an admin of the portal has to approve it."`
	Waiting   string    `json:"waiting,omitempty" enum:"aws,capacity,kms,kms_key,fault,suspended" doc:"Why a pending or ending subscription is waiting."`
	Lost      string    `json:"lost,omitempty" enum:"plan_gone,stage_taken" doc:"Why the subscription ended although you did not leave the plan."`
	Since     time.Time `json:"since"`
	Operation string    `json:"operation,omitempty" doc:"The operation that leads to the pending or ending state, or that waits for approval."`
	Replaces  string    `json:"replaces,omitempty" doc:"The plan that your keys leave for this one, while they move or the change waits for approval."`
	ChangesTo string    `json:"changes_to,omitempty" doc:"The plan that your keys move to from this one."`
	Licence   string    `json:"licence,omitempty" doc:"The purchase on AWS Marketplace that pays for it, as /marketplace-subscriptions names it. Two purchases of one plan are two subscriptions."`
}

func (a *service) listSubscriptions(ctx context.Context, _ *struct{}) (*struct{ Body List[Subscription] }, error) {
	account, err := a.mine(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return &struct{ Body List[Subscription] }{list(account.Subscriptions, ShowSubscription)}, nil
}

// ShowSubscription returns a subscription as the API shows it.
func ShowSubscription(s projections.Subscription) Subscription {
	shown := Subscription{
		Plan: string(s.Plan), Name: s.Name, Offered: s.Offered, State: s.State, Waiting: s.Waiting, Lost: s.Lost,
		Since: s.Since, Operation: string(s.Operation), Replaces: string(s.Replaces), ChangesTo: string(s.ChangesTo),
	}
	if licence, ok := s.Ring.Licence(); ok {
		shown.Licence = string(licence)
	}
	return shown
}

func (a *service) mine(ctx context.Context) (projections.Account, error) {
	account, err := callerAccount(ctx)
	if err != nil {
		return projections.Account{}, err
	}
	return a.views.Account(ctx, account)
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
