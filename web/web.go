// Package web serves the portal's pages: HTML rendered on the server from the views, with
// forms that hand requests to operations. It decides nothing and never calls the control
// plane: a form is accepted like a JSON request, and then the browser is redirected to the
// operation's page, which shows each step. All pages work without JavaScript.
package web

import (
	"context"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/gatehouse-portal/gatehouse/branding"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// DefaultName is the default of Config.Name.
const DefaultName = "Gatehouse"

// DefaultReadTime is the default of Config.ReadTime. People do not wait for a page much longer.
const DefaultReadTime = 2 * time.Second

// DefaultPlansPerKey is the default of Config.PlansPerKey (Amazon API Gateway quotas, "usage
// plans per API key").
const DefaultPlansPerKey = 10

type accepting interface {
	Register(ctx context.Context, who operations.Caller) (operations.Operation, error)
	Subscribe(ctx context.Context, who operations.Caller, plan portal.PlanID) (operations.Operation, error)
	ChangePlan(ctx context.Context, who operations.Caller, plan, replaces portal.PlanID) (operations.Operation, error)
	Unsubscribe(ctx context.Context, who operations.Caller, plan portal.PlanID) (operations.Operation, error)
	keeping
}

type asking interface {
	accepting
	Find(ctx context.Context, account portal.AccountID, id portal.OperationID) (operations.Operation, error)
	// Recent lists at most limit of an account's newest operations, newest first.
	Recent(ctx context.Context, account portal.AccountID, limit int) ([]operations.Operation, error)
	Reveal(ctx context.Context, who operations.Caller, key portal.KeyID) (string, error)
}

type reading interface {
	Account(ctx context.Context, id portal.AccountID) (projections.Account, error)
	Activity(ctx context.Context, id portal.AccountID, cursor string, limit int32) (projections.ActivityPage, error)
	LastReveals(ctx context.Context, id portal.AccountID) (map[portal.KeyID]time.Time, error)
	PastKeys(ctx context.Context, account portal.AccountID, keys []portal.KeyID) ([]portal.NamedKey, error)
}

// shelves is what people see of the catalog.
type shelves interface {
	For(ctx context.Context, viewer catalog.Viewer) (*library.Shelf, error)
}

// Config configures a Web. Operations, Views, Library and Status are required.
type Config struct {
	Operations asking
	Views      reading
	Library    shelves
	// Usage reads what API Gateway counted.
	Usage usageReading
	// Try sends requests of the try-it console. Without it there is no console.
	Try trying
	// Notices are the person's notices and webhooks. Without them there are no pages of them.
	Notices noticing
	// Status returns the HTTP status for an error (api.Status).
	Status func(error) int
	// Correlation returns the request id in the context. Error pages show it, and it becomes
	// the correlation id of requests. Nil means that there is none.
	Correlation func(context.Context) string
	// SessionEnded reports whether the browser was signed in and no longer is. Nil means
	// that this is not known.
	SessionEnded func(*http.Request) bool
	// AccountDeleted returns the account of a browser whose session has ended because the account
	// was deleted; ok is false for other browsers. Nil means that this is not known.
	AccountDeleted func(*http.Request) (account portal.AccountID, ok bool, err error)
	// MayRegister returns the reason (Forbidden) for which the person of the context may not register,
	// unless they are an admin. Nil means that everybody may.
	MayRegister func(context.Context) error
	// Name is the portal's name unless the branding has one, DefaultName if empty.
	Name string
	// Branding returns the operator's branding. Nil means that there is none.
	Branding func() *branding.Branding
	// BaseURL is where browsers reach the portal, without a trailing "/".
	BaseURL string
	// SecurityContact is the URL for vulnerability reports; without it there is no
	// security.txt.
	SecurityContact string
	// ReadTime is how long a page may take to read its data, DefaultReadTime if 0.
	ReadTime time.Duration
	// PlansPerKey is how many plans a key can be in, DefaultPlansPerKey if 0. It must be the
	// workers' number.
	PlansPerKey int
	// KeysPerRing is how many keys a person may have, in all or for each plan; 1 if 0. It must be the
	// workers' number.
	KeysPerRing int
	// CarriesUsage says that a new key takes over what ended keys have used of a quota. It must be the
	// workers' setting.
	CarriesUsage bool
	// Now is the clock, time.Now if nil.
	Now func() time.Time
}

// Web serves the pages. It is safe for concurrent use.
type Web struct {
	mine        Mine
	market      Marketplace
	operations  asking
	views       reading
	library     shelves
	counters    usageReading
	trying      trying
	notices     noticing
	ownPages    atomic.Pointer[[]catalog.Page]
	fragments   atomic.Pointer[fragments]
	status      func(error) int
	correlation func(context.Context) string
	ended       func(*http.Request) bool
	deleted     func(*http.Request) (portal.AccountID, bool, error)
	mayRegister func(context.Context) error
	name        string
	branding    func() *branding.Branding
	baseURL     string
	contact     string
	readTime    time.Duration
	plansPerKey int
	keysPerRing int
	carries     bool
	now         func() time.Time
}

// New returns a Web. It does no I/O.
func New(config Config) *Web {
	web := &Web{
		operations: config.Operations, views: config.Views, library: config.Library, counters: config.Usage, trying: config.Try, notices: config.Notices, status: pageStatus(config.Status),
		correlation: config.Correlation, ended: config.SessionEnded, name: config.Name, now: config.Now,
		baseURL: config.BaseURL, contact: config.SecurityContact, readTime: config.ReadTime, carries: config.CarriesUsage,
	}
	if web.readTime == 0 {
		web.readTime = DefaultReadTime
	}
	if web.plansPerKey = config.PlansPerKey; web.plansPerKey == 0 {
		web.plansPerKey = DefaultPlansPerKey
	}
	web.keysPerRing = max(config.KeysPerRing, 1)
	if web.correlation == nil {
		web.correlation = func(context.Context) string { return "" }
	}
	if web.ended == nil {
		web.ended = func(*http.Request) bool { return false }
	}
	if web.deleted = config.AccountDeleted; web.deleted == nil {
		web.deleted = func(*http.Request) (portal.AccountID, bool, error) { return "", false, nil }
	}
	if web.mayRegister = config.MayRegister; web.mayRegister == nil {
		web.mayRegister = func(context.Context) error { return nil }
	}
	if web.name == "" {
		web.name = DefaultName
	}
	if web.branding = config.Branding; web.branding == nil {
		web.branding = func() *branding.Branding { return &branding.Branding{} }
	}
	if web.now == nil {
		web.now = time.Now
	}
	return web
}

// pageStatus answers 400 to a form that is Invalid. The JSON API answers 422 if it can name the member.
func pageStatus(status func(error) int) func(error) int {
	return func(err error) int {
		if portal.CodeOf(err) == portal.Invalid {
			return http.StatusBadRequest
		}
		return status(err)
	}
}

// WithMine adds the pages about a person's own account. It must be called before Routes.
func (s *Web) WithMine(mine Mine) *Web {
	s.mine = mine
	return s
}

// Routes adds the pages to the router, and error pages for paths and methods that no route
// handles. The guard must put the identity into the context (identity's Authenticate) and
// refuse cross-origin writes (identity's SameOrigin), since forms have no CSRF token. Pages
// that are the same for everybody are served without the guard.
func (s *Web) Routes(router chi.Router, guard ...func(http.Handler) http.Handler) {
	get(router, "/assets/{name}", s.asset)
	s.publicDocuments(router)
	s.brandFiles(router)
	guarded := router.With(slices.Concat([]func(http.Handler) http.Handler{s.readsInTime, s.remembersPages}, guard)...)
	guarded.NotFound(s.notFound)
	guarded.MethodNotAllowed(s.methodNotAllowed)
	guarded.Group(func(r chi.Router) {
		r.Use(headers)
		get(r, "/", s.page(s.home))
		get(r, "/apis", s.page(s.catalog))
		get(r, "/apis/{product}", s.productPageOf(s.product))
		get(r, "/apis/{product}/plans", s.productPageOf(s.plans))
		get(r, "/apis/{product}/changelog", s.productPageOf(s.changelog))
		get(r, "/apis/{product}/pages/{page}", s.productPageOf(s.guide))
		get(r, "/apis/{product}/files/*", s.productPageOf(s.productFile))
		s.referenceRoutes(r)
		get(r, "/search", s.page(s.search))
		get(r, "/search/fragment", s.page(s.searchFragment))
		get(r, "/apis/{product}/fragment", s.page(s.productFragment))
		s.portalPages(r)
		get(r, "/dashboard", s.page(s.member(s.dashboard)))
		get(r, "/dashboard/fragment", s.page(s.member(s.dashboardFragment)))
		get(r, "/usage", s.page(s.member(s.usage)))
		get(r, "/activity", s.page(s.member(s.activity)))
		get(r, "/operations/{operation}", s.page(s.member(s.operation)))
		get(r, "/operations/{operation}/fragment", s.page(s.member(s.operationFragment)))
		r.Post("/register", s.page(s.member(s.register)))
		r.Post("/subscriptions/{plan}", s.page(s.member(s.subscribe)))
		r.Post("/subscriptions/{plan}/leave", s.page(s.member(s.leave)))
		get(r, "/subscriptions/{plan}/change", s.page(s.member(s.planChange)))
		r.Post("/subscriptions/{plan}/change", s.page(s.member(s.changePlan)))
		s.keyRoutes(r)
		s.noticeRoutes(r)
		s.accountRoutes(r)
		get(r, deletedPath, s.page(s.accountDeleted))
		s.marketplaceRoutes(r)
	})
}

// get serves HEAD, too; net/http leaves out the body.
func get(r chi.Router, pattern string, h http.HandlerFunc) {
	r.Get(pattern, h)
	r.Head(pattern, h)
}

// readsInTime is the middleware that limits reads to readTime, so that people soon see an
// error page. Writes have no limit, since the outcome of an aborted write is unknown.
func (s *Web) readsInTime(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			ctx, cancel := context.WithTimeout(r.Context(), s.readTime)
			defer cancel()
			r = r.WithContext(ctx)
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Web) page(h func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, keepingAccount(r)); err != nil {
			s.Error(w, r, err)
		}
	}
}
