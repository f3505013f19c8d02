// Package web serves the portal's pages: HTML rendered from the views, with forms that
// hand requests to operations. It decides nothing and never calls the control plane. A
// form leads to the page of its operation. All pages work without JavaScript.
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

// DefaultReadTime is the default of Config.ReadTime.
const DefaultReadTime = 2 * time.Second

// DefaultPlansPerKey is the default of Config.PlansPerKey (Amazon API Gateway quotas, "usage
// plans per API key").
const DefaultPlansPerKey = 10

type accepting interface {
	Register(ctx context.Context, caller operations.Caller) (operations.Operation, error)
	Subscribe(ctx context.Context, caller operations.Caller, plan portal.PlanID) (operations.Operation, error)
	ChangePlan(ctx context.Context, caller operations.Caller, plan, replaces portal.PlanID) (operations.Operation, error)
	Unsubscribe(ctx context.Context, caller operations.Caller, plan portal.PlanID) (operations.Operation, error)
	keeping
}

type asking interface {
	accepting
	Find(ctx context.Context, account portal.AccountID, id portal.OperationID) (operations.Operation, error)
	// Recent returns an account's newest operations, newest first.
	Recent(ctx context.Context, account portal.AccountID, limit int) ([]operations.Operation, error)
	Reveal(ctx context.Context, caller operations.Caller, key portal.KeyID) (string, error)
}

type reading interface {
	Account(ctx context.Context, id portal.AccountID) (projections.Account, error)
	Activity(ctx context.Context, id portal.AccountID, cursor string, limit int32) (projections.ActivityPage, error)
	LastReveals(ctx context.Context, id portal.AccountID) (map[portal.KeyID]time.Time, error)
	PastKeys(ctx context.Context, account portal.AccountID, keys []portal.KeyID) ([]portal.NamedKey, error)
}

type shelves interface {
	For(ctx context.Context, viewer catalog.Viewer) (*library.Shelf, error)
}

// Config configures a Web. Operations, Views, Library and Status are required.
type Config struct {
	Operations asking
	Views      reading
	Library    shelves
	Usage      usageReading
	// Try sends requests of the try-it console, if not nil.
	Try trying
	// Notices are the person's notices and webhooks. If nil, there are no such pages.
	Notices     noticing
	Status      func(error) int
	Correlation func(context.Context) string
	// SessionEnded reports whether the browser was signed in and no longer is, if that
	// is known.
	SessionEnded func(*http.Request) bool
	// AccountDeleted returns the account of a browser whose session ended because the account was
	// deleted; ok is false for other browsers. It may be nil.
	AccountDeleted func(*http.Request) (account portal.AccountID, ok bool, err error)
	// MayRegister returns why (Forbidden) the person of the context may not register, unless they are
	// an admin. Nil lets everybody.
	MayRegister func(context.Context) error
	// Name is the portal's name unless the branding has one. "" is DefaultName.
	Name string
	// Branding returns the operator's branding. It may be nil.
	Branding func() *branding.Branding
	// BaseURL is where browsers reach the portal, without a trailing "/".
	BaseURL string
	// SecurityContact is the URL for vulnerability reports. Without it there is no
	// security.txt.
	SecurityContact string
	// ReadTime is how long a page may take to read its data, DefaultReadTime if 0.
	ReadTime time.Duration
	// PlansPerKey is how many plans a key can be in, DefaultPlansPerKey if 0. It must equal
	// the workers'.
	PlansPerKey int
	// KeysPerRing is how many keys a person may have, in all or per plan; 1 if 0. It must equal the
	// workers'.
	KeysPerRing int
	// CarriesUsage says that a new key takes over what ended keys have used of a quota. It must be the
	// workers' setting.
	CarriesUsage bool
	// Banners are the texts at the top of every page; nil means none.
	Banners showing
	// Now is the clock, time.Now if nil.
	Now func() time.Time
}

// Web serves the pages. It is safe for concurrent use.
type Web struct {
	mine        Mine
	market      Marketplace
	admin       Admin
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
	banners     showing
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
	_ = templates() // so that no visitor waits for them
	web := &Web{
		operations: config.Operations, views: config.Views, library: config.Library, counters: config.Usage, trying: config.Try, notices: config.Notices, status: pageStatus(config.Status),
		correlation: config.Correlation, ended: config.SessionEnded, name: config.Name, now: config.Now,
		banners: config.Banners, baseURL: config.BaseURL, contact: config.SecurityContact, readTime: config.ReadTime, carries: config.CarriesUsage,
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

// pageStatus answers 400 to an Invalid form. The JSON API answers 422 if it can name the member.
func pageStatus(status func(error) int) func(error) int {
	return func(err error) int {
		if portal.CodeOf(err) == portal.Invalid {
			return http.StatusBadRequest
		}
		return status(err)
	}
}

// WithMine adds the pages about a person's own account. Call it before Routes.
func (s *Web) WithMine(mine Mine) *Web {
	s.mine = mine
	return s
}

// Routes adds the pages to the router, with error pages for unknown paths and methods. The
// guard must put the identity into the context (identity's Authenticate) and refuse
// cross-origin writes (identity's SameOrigin), since forms have no CSRF token. Pages that
// are the same for everybody do without the guard.
func (s *Web) Routes(router chi.Router, guard ...func(http.Handler) http.Handler) {
	get(router, "/assets/{name}", s.asset)
	s.publicDocuments(router)
	s.brandFiles(router)
	guarded := router.With(slices.Concat([]func(http.Handler) http.Handler{s.readsInTime, s.remembersPages, s.remembersBanners}, guard, []func(http.Handler) http.Handler{s.ViewsAs})...)
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
		s.adminRoutes(r)
	})
}

// get serves HEAD, too; net/http leaves out the body.
func get(r chi.Router, pattern string, h http.HandlerFunc) {
	r.Get(pattern, h)
	r.Head(pattern, h)
}

// readsInTime limits reads to readTime, so that people soon see an error page. Writes
// have no limit, since the outcome of an aborted write is unknown.
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
