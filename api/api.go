// Package api serves the JSON API under /api/v1. It accepts requests (operations) and reads
// views (projections); it decides nothing and never calls the control plane. It validates
// requests by the OpenAPI document that it serves.
package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// Prefix is the path of this version of the API.
const Prefix = "/api/v1"

// maxBody and maxTryBody bound a request's body, in bytes. limitBody enforces them, so huma's own
// limit is off.
const (
	maxBody   = 64 << 10
	unbounded = -1
)

// bodyTime is how long a body may take to arrive. When this deadline passes, net/http cancels
// the request and all later ones on the connection, so it is longer than any response takes.
const bodyTime = 30 * time.Second

type accepting interface {
	Register(ctx context.Context, caller operations.Caller) (operations.Operation, error)
	Subscribe(ctx context.Context, caller operations.Caller, plan portal.PlanID) (operations.Operation, error)
	ChangePlan(ctx context.Context, caller operations.Caller, plan, replaces portal.PlanID) (operations.Operation, error)
	Unsubscribe(ctx context.Context, caller operations.Caller, plan portal.PlanID) (operations.Operation, error)
	Review(ctx context.Context, admin operations.Caller, answer operations.Answer) (operations.Operation, error)
	acceptingKeys
	Find(ctx context.Context, account portal.AccountID, id portal.OperationID) (operations.Operation, error)
}

type reading interface {
	Account(ctx context.Context, id portal.AccountID) (projections.Account, error)
	LastReveals(ctx context.Context, id portal.AccountID) (map[portal.KeyID]time.Time, error)
	PastKeys(ctx context.Context, account portal.AccountID, keys []portal.KeyID) ([]portal.NamedKey, error)
}

type shelving interface {
	For(ctx context.Context, viewer catalog.Viewer) (*library.Shelf, error)
}

// Config is what the API needs.
type Config struct {
	Operations  accepting
	Views       reading
	Library     shelving
	Console     trying
	Notices     noticing
	Usage       usageReading
	Approvals   approvalReading
	Admin       Admin
	Mine        Mine
	Marketplace Marketplace
	// Now is the clock, time.Now if nil.
	Now     func() time.Time
	Version string
}

type service struct {
	operations accepting
	keys       acceptingKeys
	views      reading
	library    shelving
	console    trying
	notices    noticing
	usage      usageReading
	approvals  approvalReading
	admin      Admin
	own        Mine
	market     Marketplace
	now        func() time.Time
}

// Mount adds the API's routes to the router, which must already use RequestIDs. The guard
// must put the identity into the context (identity's Authenticate) and refuse cross-origin
// writes. The OpenAPI document does without the guard.
func Mount(router chi.Router, config Config, guard ...func(http.Handler) http.Handler) {
	a := &service{
		operations: config.Operations, keys: config.Operations, views: config.Views, library: config.Library, console: config.Console,
		notices: config.Notices, usage: config.Usage, approvals: config.Approvals, admin: config.Admin, own: config.Mine, market: config.Marketplace, now: config.Now,
	}
	if a.now == nil {
		a.now = time.Now
	}
	router.Route(Prefix, func(r chi.Router) {
		r.Use(headAsGet, plainMediaType, limitBody, noStore, readableQuery)
		if config.Mine.Sessions != nil {
			r.Use(withSession(config.Mine.Sessions.CurrentSession))
		}
		r.NotFound(func(w http.ResponseWriter, r *http.Request) {
			WriteProblem(w, r, portal.Fail(portal.NotFound, "There is no such resource."))
		})
		r.MethodNotAllowed(MethodNotAllowed)
		document := humachi.New(r.With(guard...), describe(config.Version))
		document.UseMiddleware(signInFirst)
		a.register(document)
		serveDocument(r, document.OpenAPI())
	})
}

// signInFirst answers 401 before any fault of the body.
func signInFirst(ctx huma.Context, next func(huma.Context)) {
	needed := ctx.Operation().Security
	optional := slices.ContainsFunc(needed, func(scheme map[string][]string) bool { return len(scheme) == 0 })
	if len(needed) > 0 && !optional {
		if _, err := callerAccount(ctx.Context()); err != nil {
			r, w := humachi.Unwrap(ctx)
			WriteProblem(w, r, err)
			return
		}
	}
	next(ctx)
}

var signedIn = []map[string][]string{{"bearer": {}}}

// changing completes an operation that changes something and needs a sign-in.
func changing(op huma.Operation) huma.Operation {
	op.Security, op.MaxBodyBytes, op.BodyReadTimeout = signedIn, unbounded, bodyTime
	return op
}

func accepted(op huma.Operation) huma.Operation {
	op.DefaultStatus = http.StatusAccepted
	return changing(op)
}

func (a *service) register(api huma.API) {
	huma.Register(api, accepted(huma.Operation{
		OperationID: "register", Tags: []string{tagAccount}, Method: http.MethodPost, Path: "/register", Summary: "Register",
		Description: "Registers the account of the signed-in person. Registering again changes nothing.",
	}), a.signUp)
	huma.Register(api, huma.Operation{
		OperationID: "me", Tags: []string{tagAccount}, Method: http.MethodGet, Path: "/me", Summary: "Get my account", Security: signedIn,
	}, a.me)
	a.registerCatalog(api)
	huma.Register(api, huma.Operation{
		OperationID: "list-subscriptions", Tags: []string{tagSubscriptions}, Method: http.MethodGet, Path: "/subscriptions", Summary: "List my subscriptions", Security: signedIn,
	}, a.listSubscriptions)
	huma.Register(api, accepted(huma.Operation{
		OperationID: "subscribe", Tags: []string{tagSubscriptions}, Method: http.MethodPut, Path: "/subscriptions/{plan}", Summary: "Subscribe to a plan, or change to it",
		Description: "Without replaces, the operation succeeds when API Gateway has added the account's key to the plan. The first subscription creates the key. " +
			"With replaces, it succeeds when every key has moved from that plan to this one; if API Gateway refuses this plan for good, the keys return and the operation is rejected. " +
			"A plan with approval manual waits until an admin of the portal has approved the subscription.",
	}), a.subscribe)
	huma.Register(api, accepted(huma.Operation{
		OperationID: "unsubscribe", Tags: []string{tagSubscriptions}, Method: http.MethodDelete, Path: "/subscriptions/{plan}", Summary: "Leave a plan",
	}), a.unsubscribe)
	a.registerMarketplace(api)
	a.registerKeys(api)
	a.registerUsage(api)
	a.registerAccount(api)
	a.registerApprovals(api)
	a.registerAdmin(api)
	huma.Register(api, huma.Operation{
		OperationID: "get-operation", Tags: []string{tagOperations}, Method: http.MethodGet, Path: "/operations/{operation}", Summary: "Follow an operation", Security: signedIn,
		Description: "While the operation is open, the response has a Retry-After header.",
	}, a.operation)
	a.registerNotices(api)
	huma.Register(api, huma.Operation{
		OperationID: "try", Tags: []string{tagTry}, Method: http.MethodPost, Path: tryPath + "{product}/{api}", Summary: "Send a request to an API",
		Description: "The portal sends the request and returns the answer, whatever its status. Without a key it needs no token. " +
			"An account, or the network of a person who is not signed in, may send 3 requests at once and 60 a minute.",
		Security: []map[string][]string{{"bearer": {}}, {}}, MaxBodyBytes: unbounded, BodyReadTimeout: bodyTime,
	}, a.try)
}

func callerAccount(ctx context.Context) (portal.AccountID, error) {
	id, ok := identity.From(ctx)
	if !ok {
		return "", portal.Fail(portal.Unauthorized, "Sign in first: send an ID or access token as a bearer token.")
	}
	return id.Account, nil
}
