package identity

import (
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// origin is where browsers reach the portal, as they write it themselves: scheme and
// host in lower case, no default port. All that depends on the portal's address
// follows from it: whose pages may write, what the cookies are called and whether they
// are Secure, and where people sign in. The Host header decides none of that, since
// proxies rewrite it and clients can send any.
type origin struct {
	scheme string
	host   string // with its port, unless that is the scheme's default
}

func originOf(u *url.URL) origin {
	o := origin{scheme: strings.ToLower(u.Scheme)}
	o.host = o.normal(u.Host)
	return o
}

// normal is a host, with or without a port, as it would stand in this origin.
func (o origin) normal(host string) string {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = strings.Trim(host, "[]"), ""
	}
	name = strings.ToLower(name)
	if port == "" || (o.scheme == "https" && port == "443") || (o.scheme == "http" && port == "80") {
		if strings.Contains(name, ":") {
			return "[" + name + "]"
		}
		return name
	}
	return net.JoinHostPort(name, port)
}

func (o origin) String() string { return o.scheme + "://" + o.host }

func (o origin) secure() bool { return o.scheme == "https" }

// cookieName is the name of a cookie of the portal with this origin. Cookies ignore
// ports, so the name carries a hash of the origin: two portals on one host, or an
// identity provider beside the portal, leave each other's cookies alone. The prefix
// makes browsers refuse a cookie of that name that is not Secure, host-only and for
// "/" (RFC 6265bis, section 4.1.3.2).
func (o origin) cookieName(name string) string {
	sum := sha256.Sum256([]byte(o.String()))
	name += "_" + hex.EncodeToString(sum[:4])
	if o.secure() {
		return "__Host-" + name
	}
	return name
}

// SameOrigin is the middleware that refuses writes sent by pages of other origins than that
// of the base URL. Requests with a bearer token pass, since no browser adds one by itself;
// requests with the credentials of a proxy in front of the portal are checked.
func (s *Service) SameOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, bearer, _ := bearerToken(r); !bearer {
			if err := s.checkOrigin(r); err != nil {
				zerolog.Ctx(r.Context()).Info().Err(err).Msg("a cross-origin write was refused")
				s.options.OnError(w, r, err)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// checkOrigin says whether the browser, if it is one, sent the request for a page of the
// base URL. Browsers send Origin with every form and Sec-Fetch-Site with every request
// (except over http off loopback); a client that sends neither is no browser.
func (s *Service) checkOrigin(r *http.Request) error {
	if slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodOptions}, r.Method) {
		return nil
	}
	if r.Method == http.MethodPost && slices.Contains(s.options.CrossSiteForms, r.URL.Path) {
		return nil
	}
	site, from := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Origin")
	own := site == "same-origin" || site == "none"
	switch {
	case site != "" && !own:
		return s.forbidden("This request came from another site.")
	case from == "", strings.EqualFold(from, s.origin.String()):
		return nil
	case from == "null" && own: // a page with the referrer policy no-referrer
		return nil
	case own, strings.EqualFold(from, s.origin.scheme+"://"+r.Host):
		return s.forbidden("This is not the portal's address.")
	}
	return s.forbidden("This request came from another site.")
}

func (s *Service) forbidden(why string) error {
	return portal.Fail(portal.Forbidden, why+" Open the portal at "+s.origin.String()+" and try again.")
}

// movedParam marks a sign-in that was sent to the base URL already: behind a proxy that
// rewrites Host the portal never sees its own host name, and must not redirect for ever.
const movedParam = "moved"

// moved is the address at which to begin the sign-in instead, if the browser uses another
// host name than that of the base URL: cookies set there would not come back. "" if the
// sign-in can begin here.
func (s *Service) moved(r *http.Request) string {
	query := r.URL.Query()
	if s.origin.normal(r.Host) == s.origin.host || query.Has(movedParam) {
		return ""
	}
	query.Set(movedParam, "1")
	return s.config.BaseURL + r.URL.Path + "?" + query.Encode()
}
