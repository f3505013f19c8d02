package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// List is how every list is wrapped, so that pages can be added without a break.
type List[T any] struct {
	Items []T     `json:"items"`
	Next  *string `json:"next" doc:"Where the next page is; null on the last one."`
}

func list[T, U any](from []T, show func(T) U) List[U] {
	items := make([]U, 0, len(from))
	for _, item := range from {
		items = append(items, show(item))
	}
	return List[U]{Items: items}
}

// Me is who asks.
type Me struct {
	Account string   `json:"account"`
	Status  string   `json:"status" enum:"none,registered" doc:"none: signed in and not signed up yet."`
	Email   string   `json:"email,omitempty"`
	Name    string   `json:"name,omitempty"`
	Groups  []string `json:"groups"`
}

func (a *API) me(ctx context.Context, _ *struct{}) (*struct{ Body Me }, error) {
	id, ok := identity.From(ctx)
	if !ok {
		_, err := who(ctx)
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
		Account: string(id.Account), Status: account.Profile.Status, Email: id.Email, Name: id.Name, Groups: groups,
	}}, nil
}

type catalogOutput[T any] struct {
	ETag         string `header:"ETag"`
	CacheControl string `header:"Cache-Control"`
	Status       int
	Body         *T
}

// Conditional is what a read may carry.
type Conditional struct {
	IfNoneMatch string `header:"If-None-Match" doc:"The ETag of an earlier answer, or several."`
}

// answer is the body, or 304 if the client has it. The catalog is the same for
// everybody, so shared caches may keep it, asking each time.
func answer[T any](c Conditional, hash string, body T) *catalogOutput[T] {
	out := &catalogOutput[T]{CacheControl: "public, no-cache", Status: http.StatusOK, Body: &body}
	if hash == "" {
		return out
	}
	// It is a weak one, since the answer may be compressed or not.
	out.ETag = `W/"` + hash + `"`
	if c.has(`"` + hash + `"`) {
		out.Status, out.Body = http.StatusNotModified, nil
	}
	return out
}

// has says whether the client has what the ETag is of (RFC 9110, section 13.1.2): one
// of its list is it, weak or not.
func (c Conditional) has(etag string) bool {
	for tag := range strings.SplitSeq(c.IfNoneMatch, ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
			return true
		}
	}
	return false
}

func (a *API) listProducts(ctx context.Context, in *struct{ Conditional }) (*catalogOutput[List[catalog.Product]], error) {
	offered, err := a.views.Catalog(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return answer(in.Conditional, offered.Hash, list(offered.Products, func(p catalog.Product) catalog.Product { return p })), nil
}

func (a *API) product(ctx context.Context, in *struct {
	Conditional
	Product string `path:"product" maxLength:"256" doc:"A product's id, from the catalog." example:"harbours-v1"`
}) (*catalogOutput[catalog.Product], error) {
	offered, err := a.views.Catalog(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	if p, ok := offered.Document.Product(in.Product); ok {
		return answer(in.Conditional, offered.Hash, p), nil
	}
	return nil, problemOf(ctx, portal.Fail(portal.NotFound, "There is no such product."))
}

// Subscription is what I have of a plan.
type Subscription struct {
	Plan      string    `json:"plan"`
	Name      string    `json:"name" doc:"The plan's present name, or its last one if it is no longer offered."`
	Offered   bool      `json:"offered" doc:"Whether the catalog still has the plan."`
	State     string    `json:"state" enum:"pending,active,ending,ended"`
	Waiting   string    `json:"waiting,omitempty" enum:"aws,capacity,kms,kms_key" doc:"Why a pending or ending subscription takes long."`
	Lost      string    `json:"lost,omitempty" enum:"plan_gone,stage_taken" doc:"Why it ended although you did not leave."`
	Since     time.Time `json:"since"`
	Operation string    `json:"operation,omitempty" doc:"The operation that asked for a pending or ending state."`
}

func (a *API) listSubscriptions(ctx context.Context, _ *struct{}) (*struct{ Body List[Subscription] }, error) {
	account, err := a.mine(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return &struct{ Body List[Subscription] }{list(account.Subscriptions, func(s projections.Subscription) Subscription {
		return Subscription{
			Plan: string(s.Plan), Name: s.Name, Offered: s.Offered, State: s.State, Waiting: s.Waiting, Lost: s.Lost,
			Since: s.Since, Operation: string(s.Operation),
		}
	})}, nil
}

// Key is one of my keys, without its value.
type Key struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	State      string     `json:"state" enum:"pending,active,disabled,released" doc:"disabled: by the operator. released: given back after 30 days without a subscription."`
	CreatedAt  *time.Time `json:"created_at" doc:"When API Gateway had it; null while pending."`
	RevealedAt *time.Time `json:"revealed_at" doc:"When its value was last shown."`
}

func (a *API) listKeys(ctx context.Context, _ *struct{}) (*struct{ Body List[Key] }, error) {
	account, err := a.mine(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	id, _ := who(ctx)
	revealed, err := a.views.LastReveals(ctx, id)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return &struct{ Body List[Key] }{list(account.Keys, func(k projections.Key) Key {
		return Key{ID: string(k.ID), Name: k.Name, State: k.State, CreatedAt: timeOrNull(k.CreatedAt), RevealedAt: timeOrNull(revealed[k.ID])}
	})}, nil
}

func (a *API) mine(ctx context.Context) (projections.Account, error) {
	account, err := who(ctx)
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
