package web

import (
	"net/http"
	"slices"

	"github.com/gatehouse-portal/gatehouse/identity"
)

// policy lets a page load only from this portal and send forms only to it, without inline
// scripts or styles. Browsers apply form-action to redirects, too, so no form may redirect
// to another site: see SignedOut.
const policy = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"

func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protect(w, r)
		next.ServeHTTP(w, r)
	})
}

// protect adds a page's security headers. Caches must not store pages of people who are
// signed in, and must revalidate all others.
func protect(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	vary(h, "Cookie", "Authorization")
	_, signedIn := identity.From(r.Context())
	if _, views := viewing(r.Context()); signedIn || views {
		h.Set("Cache-Control", "private, no-store")
	} else {
		h.Set("Cache-Control", "no-cache")
	}
}

func vary(h http.Header, names ...string) {
	for _, name := range names {
		if !slices.Contains(h.Values("Vary"), name) {
			h.Add("Vary", name)
		}
	}
}
