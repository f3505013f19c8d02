package web_test

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/api"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/web"
)

func TestErrorsAreExplainedOnAPage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err        error
		status     int
		says       string
		retryAfter string
	}{
		"unavailable": {portal.Fail(portal.Unavailable, "The portal cannot read its data right now."), http.StatusServiceUnavailable, "cannot read its data", "5"},
		"too many":    {portal.Fail(portal.TooManyRequests, "More than 120 requests in a minute."), http.StatusTooManyRequests, "120 requests", "60"},
		"forbidden":   {portal.Fail(portal.Forbidden, "Only admins may."), http.StatusForbidden, "Only admins may.", ""},
		"unexpected":  {errors.New("secret table name"), http.StatusInternalServerError, "Something went wrong on our side.", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			r := httptest.NewRequest(http.MethodGet, "/apis", nil)
			r = r.WithContext(zerolog.New(&log).WithContext(r.Context()))
			w := visit(&fake{err: c.err}).do(r)
			doc := document(t, w, c.status)
			says(t, doc, "main", c.says)
			says(t, doc, "#request-id", requestID)
			if strings.Contains(w.Body.String(), "secret table name") {
				t.Error("the page discloses the cause")
			}
			if got := w.Header().Get("Retry-After"); got != c.retryAfter {
				t.Errorf("Retry-After is %q, want %q", got, c.retryAfter)
			}
			if logged := strings.Contains(log.String(), c.err.Error()); logged != (c.status >= 500) {
				t.Errorf("logged: %v (%s)", logged, log.String())
			}
		})
	}
}

func TestUnknownPathsAndMethodsHaveErrorPages(t *testing.T) {
	t.Parallel()
	s := visit(&fake{catalog: published(weather())})
	for _, path := range []string{"/nope", "/apis/nope", "/apis/" + strings.Repeat("x", 500), "/assets/nope.css", "/assets/portal.css"} {
		says(t, document(t, s.get(path), http.StatusNotFound), "h1", "There is nothing here")
	}
	w := s.post("/apis", nil)
	says(t, document(t, w, http.StatusMethodNotAllowed), "h1", "That does not work here")
	if got := w.Header().Get("Allow"); got != "GET, HEAD" {
		t.Errorf("Allow is %q", got)
	}
	if got := signedIn(&fake{}).get("/subscriptions/plan-free").Header().Get("Allow"); got != "POST" {
		t.Errorf("Allow is %q", got)
	}
}

func TestEveryPageHasItsSecurityAndCacheHeaders(t *testing.T) {
	t.Parallel()
	f := &fake{catalog: published(weather()), account: registered()}
	for _, c := range []struct {
		site  site
		path  string
		cache string
	}{
		{visit(f), "/", "no-cache"},
		{visit(f), "/apis/weather", "no-cache"},
		{visit(f), "/nope", "private, no-store"},
		{signedIn(f), "/", "private, no-store"},
		{signedIn(f), "/dashboard", "private, no-store"},
		{signedIn(f), "/operations/nope", "private, no-store"},
	} {
		h := c.site.get(c.path).Header()
		for name, want := range map[string]string{
			"Cache-Control":           c.cache,
			"Vary":                    "Cookie|Authorization",
			"Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
			"Content-Type":            "text/html; charset=utf-8",
		} {
			if got := strings.Join(h.Values(name), "|"); got != want {
				t.Errorf("%s: %s is %q, want %q", c.path, name, got, want)
			}
		}
	}
}

func TestNoPageUsesWhatItsPolicyForbids(t *testing.T) {
	t.Parallel()
	f := &fake{catalog: published(weather()), account: registered(), operations: ended()}
	inline := regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|javascript:|<script[^>]*>[^<]`)
	for _, path := range []string{"/", "/apis", "/apis/weather", "/dashboard", "/operations/op-done", "/nope"} {
		if found := inline.FindString(signedIn(f).get(path).Body.String()); found != "" {
			t.Errorf("%s has %q", path, found)
		}
	}
}

func TestAssetsAreServedUnderTheirHashAndCached(t *testing.T) {
	t.Parallel()
	s := visit(&fake{})
	doc := document(t, s.get("/"), http.StatusOK)
	for selector, contentType := range map[string]string{
		`link[rel="stylesheet"]`: "text/css", `script[src]`: "text/javascript", `link[rel="icon"]`: "image/svg+xml",
	} {
		element := one(t, doc, selector)
		path, ok := element.Attr("href")
		if !ok {
			path = attr(t, element, "src")
		}
		if !regexp.MustCompile(`^/assets/[a-z]+\.[0-9a-f]{12}\.[a-z]+$`).MatchString(path) {
			t.Errorf("the name %s does not match the content", path)
		}
		w := s.get(path)
		if w.Code != http.StatusOK || w.Body.Len() == 0 || !strings.HasPrefix(w.Header().Get("Content-Type"), contentType) {
			t.Errorf("%s: %d, %d bytes of %s", path, w.Code, w.Body.Len(), w.Header().Get("Content-Type"))
		}
		if got := w.Header().Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
			t.Errorf("%s: Cache-Control is %q", path, got)
		}
	}
}

func TestHeadIsAnsweredWhereGetIs(t *testing.T) {
	t.Parallel()
	s := signedIn(&fake{catalog: published(weather()), account: registered()})
	for _, path := range []string{"/", "/apis", "/dashboard"} {
		if w := s.do(httptest.NewRequest(http.MethodHead, path, nil)); w.Code != http.StatusOK {
			t.Errorf("HEAD %s: %d", path, w.Code)
		}
	}
}

func TestAnErrorPageOffersTheStepThatHelps(t *testing.T) {
	t.Parallel()
	unavailable := portal.Fail(portal.Unavailable, "The portal cannot read its data right now.")
	for name, c := range map[string]struct {
		err                   error
		method, path, referer string
		want                  string
	}{
		"a read can be retried":                         {unavailable, http.MethodGet, "/apis?q=a+b", "", `a.button:first-child[href="/apis?q=a+b"]`},
		"a read that came too often can be retried":     {portal.Fail(portal.TooManyRequests, "Slower."), http.MethodGet, "/dashboard", "", `a.button:first-child[href="/dashboard"]`},
		"an internal error can be retried":              {errors.New("secret"), http.MethodGet, "/activity", "", `a.button:first-child[href="/activity"]`},
		"a form leads back to its page":                 {unavailable, http.MethodPost, "/subscriptions/plan-free", "http://example.com/apis/weather", `a.button:first-child[href="/apis/weather"]`},
		"a form on the dashboard leads back there":      {unavailable, http.MethodPost, "/subscriptions/plan-free", "http://example.com/dashboard", `a.button:first-child[href="/dashboard"]`},
		"a form on another site leads to the dashboard": {unavailable, http.MethodPost, "/subscriptions/plan-free", "http://evil.example/", `a.button:first-child[href="/dashboard"]`},
		"a forbidden page cannot be retried":            {portal.Fail(portal.Forbidden, "No."), http.MethodGet, "/activity", "", `a.button:first-child[href="/dashboard"]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(c.method, c.path, strings.NewReader(""))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Referer", c.referer)
			w := signedIn(&fake{err: c.err}).do(r)
			doc := document(t, w, w.Code)
			one(t, doc, ".actions "+c.want)
			one(t, doc, `.actions a[href="/apis"]`)
			if first := doc.Find(".actions a.button:first-child"); first.HasClass("secondary") {
				t.Error("the helpful step is not the primary button")
			}
		})
	}
	for _, hostile := range []string{"//evil.example/apis", `/\evil.example`} {
		r := httptest.NewRequest(http.MethodGet, "/apis", nil)
		r.URL.Path = hostile
		w := httptest.NewRecorder()
		web.New(web.Config{Status: api.Status}).Error(w, r, unavailable)
		if strings.Contains(w.Body.String(), "evil") {
			t.Errorf("%s leads to another site:\n%s", hostile, w.Body)
		}
	}
}
