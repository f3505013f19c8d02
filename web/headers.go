package web

import (
	"net/http"

	"github.com/gatehouse-portal/gatehouse/identity"
)

// policy lets a page load what this portal serves and nothing else; there is no inline
// script or style. It leaves out form-action: browsers apply that to redirects, too,
// and POST /sign-out leads to the identity provider, whose address is not known here.
const policy = "default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"

// headers is the middleware that protects pages.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protect(w, r)
		next.ServeHTTP(w, r)
	})
}

// protect sets a page's security headers. What somebody signed in sees is kept by no
// cache; what anybody sees may be kept, and is asked for again each time.
func protect(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Vary", "Cookie, Authorization")
	if _, ok := identity.From(r.Context()); ok {
		h.Set("Cache-Control", "private, no-store")
	} else {
		h.Set("Cache-Control", "no-cache")
	}
}
