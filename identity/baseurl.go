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

// origin is the portal's origin as browsers write it: scheme and host in lower case, without a
// default port. Cookies, sign-ins and the check of writes go by it, never by the Host header,
// which proxies rewrite and clients can forge.
type origin struct {
	scheme string
	host   string // with the port, unless it is the scheme's default
}

func originOf(u *url.URL) origin {
	o := origin{scheme: strings.ToLower(u.Scheme)}
	o.host = o.normal(u.Host)
	return o
}

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

// cookieName adds a hash of the origin, because cookies ignore ports. With the __Host- prefix,
// browsers require the cookie to be Secure, host-only and for "/" (RFC 6265bis, section
// 4.1.3.2).
func (o origin) cookieName(name string) string {
	sum := sha256.Sum256([]byte(o.String()))
	name += "_" + hex.EncodeToString(sum[:4])
	if o.secure() {
		return "__Host-" + name
	}
	return name
}

// SameOrigin refuses writes from pages of other origins. Requests with a bearer token pass,
// since browsers add none on their own.
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

// checkOrigin returns Forbidden for a write from another origin. Browsers send Origin with
// every form, and Sec-Fetch-Site with every request except over http to other hosts than
// loopback. A client that sends neither is not a browser.
func (s *Service) checkOrigin(r *http.Request) error {
	if slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodOptions}, r.Method) {
		return nil
	}
	if r.Method == http.MethodPost && s.takesForeignForms(r.URL.Path) {
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
		return s.forbidden("This page was not opened at the portal's address.")
	}
	return s.forbidden("This request came from another site.")
}

func (s *Service) takesForeignForms(path string) bool {
	return slices.ContainsFunc(s.options.CrossSiteForms, func(form string) bool {
		last, below := strings.CutPrefix(path, form)
		return path == form && !strings.HasSuffix(form, "/") || below && strings.HasSuffix(form, "/") && last != "" && !strings.Contains(last, "/")
	})
}

func (s *Service) forbidden(why string) error {
	return portal.Fail(portal.Forbidden, why+" Open the portal at "+s.origin.String()+" and try again.")
}

// movedParam marks a sign-in that was redirected to the base URL. Without it, the
// portal would redirect forever behind a proxy that rewrites Host.
const movedParam = "moved"

// moved returns where the sign-in must begin, or "". On another host name than the base
// URL's, the cookies would not come back.
func (s *Service) moved(r *http.Request) string {
	query := r.URL.Query()
	if s.origin.normal(r.Host) == s.origin.host || query.Has(movedParam) {
		return ""
	}
	query.Set(movedParam, "1")
	return s.config.BaseURL + r.URL.Path + "?" + query.Encode()
}
