package web_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/gatehouse-portal/gatehouse/api"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/web"
)

func TestAnUnknownProblemTypeHasNoPage(t *testing.T) {
	t.Parallel()
	says(t, document(t, visit(&fake{}).get("/problems/nope"), http.StatusNotFound), "h1", "There is nothing here")
}

func TestWellKnownAddressesAreServed(t *testing.T) {
	t.Parallel()
	s := visit(&fake{})
	for path, want := range map[string]struct{ contentType, contains string }{
		"/favicon.ico":          {"image/svg+xml", "<svg"},
		"/robots.txt":           {"text/plain; charset=utf-8", "Disallow: /dashboard\n"},
		"/schemas/product.json": {"application/schema+json", `"version_of"`},
	} {
		w := s.get(path)
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != want.contentType || !strings.Contains(w.Body.String(), want.contains) {
			t.Errorf("%s: %d, %s: %s", path, w.Code, w.Header().Get("Content-Type"), w.Body)
		}
	}
	for path, want := range map[string]string{
		"/sign-up":                              "/sign-in?return_to=%2Fdashboard&screen=sign-up",
		"/sign-up?return_to=/apis":              "/sign-in?return_to=%2Fapis&screen=sign-up",
		"/sign-up?return_to=https://evil.test/": "/sign-in?return_to=%2Fdashboard&screen=sign-up",
	} {
		if w := s.get(path); w.Code != http.StatusSeeOther || w.Header().Get("Location") != want {
			t.Errorf("%s: %d to %s", path, w.Code, w.Header().Get("Location"))
		}
	}
}

func TestTheSchemaOfProductsIsServedOnceToEachCache(t *testing.T) {
	t.Parallel()
	s := visit(&fake{})
	first := s.get("/schemas/product.json")
	if first.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Error("editors on other sites cannot read it")
	}
	r := httptest.NewRequest(http.MethodGet, "/schemas/product.json", nil)
	r.Header.Set("If-None-Match", first.Header().Get("ETag"))
	again := s.do(r)
	if again.Code != http.StatusNotModified || again.Body.Len() != 0 {
		t.Errorf("%d with %d bytes", again.Code, again.Body.Len())
	}
}

func TestSecurityTextHasTheConfiguredContact(t *testing.T) {
	t.Parallel()
	s := built(web.Config{BaseURL: "https://portal.example.com", SecurityContact: "mailto:security@example.com"})
	w := s.get("/.well-known/security.txt")
	const want = "Contact: mailto:security@example.com\nExpires: 2027-05-21T00:00:00Z\nCanonical: https://portal.example.com/.well-known/security.txt\n"
	if w.Code != http.StatusOK || w.Body.String() != want {
		t.Errorf("%d:\n%s\nwant:\n%s", w.Code, w.Body, want)
	}
	document(t, visit(&fake{}).get("/.well-known/security.txt"), http.StatusNotFound)
}

func TestPublicPagesAreServedWithoutTheGuard(t *testing.T) {
	t.Parallel()
	asked := 0
	guard := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked++
			next.ServeHTTP(w, r)
		})
	}
	s := built(web.Config{SecurityContact: "mailto:a@example.com"}, guard)
	style := attr(t, one(t, document(t, s.get("/"), http.StatusOK), `link[rel="stylesheet"]`), "href")
	for path, want := range map[string]int{
		style: 0, "/assets/nope.css": 0, "/favicon.ico": 0, "/robots.txt": 0, "/schemas/product.json": 0, "/.well-known/security.txt": 0, "/problems/conflict": 0, "/sign-up": 0,
		"/": 1, "/apis": 1, "/nope": 1,
	} {
		asked = 0
		if s.get(path); asked != want {
			t.Errorf("%s called the guard %d times, want %d", path, asked, want)
		}
	}
}

func TestSigningOutLeadsToTheProviderWithoutARedirect(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	web.New(web.Config{Status: api.Status}).SignedOut(w, httptest.NewRequest(http.MethodPost, "/sign-out", nil), "https://login.example.com/logout?client_id=a&back=b")
	doc := document(t, w, http.StatusOK)
	if got := w.Header().Get("Refresh"); got != "0; url=https://login.example.com/logout?client_id=a&back=b" {
		t.Errorf("Refresh is %q", got)
	}
	if got := attr(t, one(t, doc, "#signed-out-next"), "href"); got != "https://login.example.com/logout?client_id=a&back=b" {
		t.Errorf("the link leads to %s", got)
	}
	none(t, doc, `form[action="/sign-out"]`)
}

// stuck is a reader that does not return before its context ends.
type stuck struct{ *fake }

func (stuck) Catalog(ctx context.Context) (projections.Catalog, error) {
	<-ctx.Done()
	return projections.Catalog{}, ctx.Err()
}

func TestAPageWhoseDataIsSlowIsAnErrorPage(t *testing.T) {
	t.Parallel()
	s := built(web.Config{Library: library.New(library.Config{Views: stuck{&fake{}}}), ReadTime: time.Millisecond})
	w := s.get("/apis") // without the limit this would never return
	doc := document(t, w, http.StatusServiceUnavailable)
	says(t, doc, "main", "cannot read its data right now")
	one(t, doc, `link[rel="stylesheet"]`)
	if got := w.Header().Get("Retry-After"); got != "5" {
		t.Errorf("Retry-After is %q", got)
	}
}

func TestAnErrorThatASignInMayResolveLinksToIt(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	signingIn().Callback(w, httptest.NewRequest(http.MethodGet, "/sign-in/callback?code=c&state=s", nil))
	doc := document(t, w, http.StatusBadRequest)
	says(t, doc, "h1", "That sign-in did not work")
	if got := attr(t, one(t, doc, "main .actions a:first-child"), "href"); got != "/sign-in?return_to=%2Fdashboard" {
		t.Errorf("the link leads to %s", got)
	}
}

func TestAnAddressThatTheSignInRefusesIsNotItsDestination(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/apis?q=" + strings.Repeat("x", 1000): "/sign-in?return_to=" + "%2Fapis%3Fq%3D" + strings.Repeat("x", 1000),
		"/apis?q=" + strings.Repeat("x", 3000): "/sign-in?return_to=%2Fdashboard",
		"/apis?q=%5C":                          "/sign-in?return_to=%2Fapis%3Fq%3D%255C",
		"//evil.example/":                      "/sign-in?return_to=%2Fdashboard",
	} {
		w := visit(&fake{}).get(path)
		doc := document(t, w, w.Code)
		if got := attr(t, doc.Find("header .session a").First(), "href"); got != want {
			t.Errorf("%.40s: the sign-in is %.80s, want %.80s", path, got, want)
		}
	}
}

// signingIn is a sign-in without a database, whose errors are pages of the portal.
func signingIn() *identity.Service {
	service, err := identity.New(identity.Config{BaseURL: "https://portal.example.com", Issuer: "https://login.example.com", ClientID: "portal"}, identity.Options{
		DynamoDB: noDatabase{}, Tables: identity.Tables{Journal: "j", Records: "r", Sessions: "s"},
		OnError: web.New(web.Config{Status: api.Status}).Error,
	})
	if err != nil {
		panic(err)
	}
	return service
}

// built returns the site with that configuration, completed with fakes.
func built(config web.Config, guard ...func(http.Handler) http.Handler) site {
	f := &fake{catalog: published(weather())}
	config.Operations, config.Status, config.Now = f, api.Status, func() time.Time { return now }
	if config.Views == nil {
		config.Views = f
	}
	if config.Library == nil {
		config.Library = library.New(library.Config{Views: f, Blobs: f})
	}
	router := chi.NewRouter()
	web.New(config).Routes(router, guard...)
	return site{f, router}
}
