package app

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestOnlyThePortalItselfMayHaveABrowserWrite(t *testing.T) {
	t.Parallel()
	const bearer, basic = "Bearer eyJhbGciOi", "Basic cHJveHk6bG9naW4="
	for name, c := range map[string]struct {
		method  string
		headers []string
		passes  bool
	}{
		"a form of the portal":                         {http.MethodPost, []string{"Sec-Fetch-Site", "same-origin"}, true},
		"an address that was typed in":                 {http.MethodPost, []string{"Sec-Fetch-Site", "none"}, true},
		"a form of another site":                       {http.MethodPost, []string{"Sec-Fetch-Site", "cross-site"}, false},
		"a form of a neighbour":                        {http.MethodPost, []string{"Sec-Fetch-Site", "same-site"}, false},
		"a PUT of another site":                        {http.MethodPut, []string{"Sec-Fetch-Site", "cross-site"}, false},
		"a DELETE of another site":                     {http.MethodDelete, []string{"Sec-Fetch-Site", "cross-site"}, false},
		"a method of its own of another site":          {"BREW", []string{"Sec-Fetch-Site", "cross-site"}, false},
		"a link of another site":                       {http.MethodGet, []string{"Sec-Fetch-Site", "cross-site"}, true},
		"a HEAD of another site":                       {http.MethodHead, []string{"Sec-Fetch-Site", "cross-site"}, true},
		"an old browser, on the portal":                {http.MethodPost, []string{"Origin", "http://portal.example"}, true},
		"an old browser, on another site":              {http.MethodPost, []string{"Origin", "http://evil.example"}, false},
		"an old browser, on another port":              {http.MethodPost, []string{"Origin", "http://portal.example:81"}, false},
		"an old browser, on a page without an origin":  {http.MethodPost, []string{"Origin", "null"}, false},
		"a browser that contradicts itself":            {http.MethodPost, []string{"Sec-Fetch-Site", "cross-site", "Origin", "http://portal.example"}, false},
		"no browser":                                   {http.MethodPost, nil, true},
		"a client with a token":                        {http.MethodPost, []string{"Authorization", bearer}, true},
		"a page of another site with a token":          {http.MethodPost, []string{"Sec-Fetch-Site", "cross-site", "Authorization", bearer}, true},
		"a token by another case":                      {http.MethodPost, []string{"Sec-Fetch-Site", "cross-site", "Authorization", "bEARER x"}, true},
		"another site, with a proxy's login":           {http.MethodPost, []string{"Sec-Fetch-Site", "cross-site", "Authorization", basic}, false},
		"another site, with a proxy's login and token": {http.MethodPost, []string{"Sec-Fetch-Site", "cross-site", "Authorization", basic, "Authorization", bearer}, true},
		"the portal, with a proxy's login":             {http.MethodPost, []string{"Sec-Fetch-Site", "same-origin", "Authorization", basic}, true},
		"another site, with a scheme like ours":        {http.MethodPost, []string{"Sec-Fetch-Site", "cross-site", "Authorization", "BearerX y"}, false},
		"another site, with an empty header":           {http.MethodPost, []string{"Sec-Fetch-Site", "cross-site", "Authorization", ""}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var refused error
			passed := false
			handler := sameOrigin(func(_ http.ResponseWriter, _ *http.Request, err error) { refused = err })(
				http.HandlerFunc(func(http.ResponseWriter, *http.Request) { passed = true }))
			r := httptest.NewRequest(c.method, "http://portal.example/subscriptions/plan", nil)
			r.AddCookie(&http.Cookie{Name: "gatehouse_session", Value: "session"})
			for i := 0; i < len(c.headers); i += 2 {
				r.Header.Add(c.headers[i], c.headers[i+1])
			}
			handler.ServeHTTP(httptest.NewRecorder(), r)
			if passed != c.passes || (refused == nil) != c.passes {
				t.Errorf("passed: %t, refused: %v", passed, refused)
			}
			if !c.passes && portal.CodeOf(refused) != portal.Forbidden {
				t.Errorf("it is refused as %s", portal.CodeOf(refused))
			}
		})
	}
}

// portalOf is a portal that is set up.
func portalOf(t *testing.T) http.Handler {
	t.Helper()
	p := patient(t)
	if err := Setup(t.Context(), p.AWS, p.Config); err != nil {
		t.Fatal(err)
	}
	handler, err := NewPortal(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := handler.Close(); err != nil {
			t.Error(err)
		}
	})
	return handler
}

func TestWhatGoesWrongIsAProblemUnderTheAPIAndAPageElsewhere(t *testing.T) {
	t.Parallel()
	handler := portalOf(t)
	for request, want := range map[string]struct {
		status      int
		contentType string
	}{
		"GET /api/v1/nothing":    {http.StatusNotFound, "application/problem+json"},
		"GET /nothing":           {http.StatusNotFound, "text/html; charset=utf-8"},
		"GET /api/v1x/nothing":   {http.StatusNotFound, "text/html; charset=utf-8"},
		"BREW /api/v1/me":        {http.StatusMethodNotAllowed, "application/problem+json"},
		"BREW /dashboard":        {http.StatusMethodNotAllowed, "text/html; charset=utf-8"},
		"GET /sign-out":          {http.StatusMethodNotAllowed, "text/html; charset=utf-8"},
		"DELETE /api/v1/catalog": {http.StatusForbidden, "application/problem+json"},
		"DELETE /apis":           {http.StatusForbidden, "text/html; charset=utf-8"},
		"GET /api/v1/catalog":    {http.StatusUnauthorized, "application/problem+json"},
		"GET /apis":              {http.StatusUnauthorized, "text/html; charset=utf-8"},
	} {
		t.Run(request, func(t *testing.T) {
			t.Parallel()
			method, path, _ := strings.Cut(request, " ")
			r := httptest.NewRequest(method, path, nil)
			switch want.status {
			case http.StatusForbidden:
				r.Header.Set("Sec-Fetch-Site", "cross-site")
			case http.StatusUnauthorized:
				r.Header.Set("Authorization", "Bearer nonsense")
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if got := w.Header().Get("Content-Type"); w.Code != want.status || got != want.contentType {
				t.Errorf("answered %d as %s, want %d as %s", w.Code, got, want.status, want.contentType)
			}
			if id := w.Header().Get("X-Request-Id"); id == "" || !strings.Contains(w.Body.String(), id) {
				t.Errorf("the request's id %q is not told: %s", id, w.Body)
			}
		})
	}
}

func TestAPortalThatIsNotSetUpSaysSo(t *testing.T) {
	t.Parallel()
	p := patient(t, "GATEHOUSE_PREFIX=acme")
	if _, err := NewPortal(t.Context(), p); err == nil || !strings.Contains(err.Error(), "acme-journal") || !strings.Contains(err.Error(), "`gatehouse setup`") {
		t.Errorf("it says: %v", err)
	}
}
