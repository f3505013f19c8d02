package web

import (
	"net/http"
	"slices"

	"github.com/gatehouse-portal/gatehouse/identity"
)

// policy lets a page load what this portal serves, send forms to it, and nothing else;
// there is no inline script or style. Browsers apply form-action to redirects, too, so no
// form may lead to another site by one: see SignedOut.
const policy = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"

// headers is the middleware that protects pages.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protect(w, r)
		next.ServeHTTP(w, r)
	})
}

// protect sets a page's security headers, beside those that every answer has. What
// somebody signed in sees is kept by no cache; what anybody sees may be kept, and is asked
// for again each time.
func protect(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	vary(h, "Cookie", "Authorization")
	if _, ok := identity.From(r.Context()); ok {
		h.Set("Cache-Control", "private, no-store")
	} else {
		h.Set("Cache-Control", "no-cache")
	}
}

// vary adds names to Vary that are not there yet.
func vary(h http.Header, names ...string) {
	for _, name := range names {
		if !slices.Contains(h.Values("Vary"), name) {
			h.Add("Vary", name)
		}
	}
}
