package web

import (
	"context"
	"net/http"

	"github.com/gatehouse-portal/gatehouse/banners"
)

// showing has the banners that people see now.
type showing interface {
	// Refresh reads the banners if those in memory are old.
	Refresh(ctx context.Context)
	Shown(signedIn bool) []banners.Banner
}

// remembersBanners reads the banners for pages. Pages that are the same for everybody read nothing, and show
// the banners that were read last.
func (s *Web) remembersBanners(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.banners != nil {
			s.banners.Refresh(r.Context())
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Web) shownBanners(signedIn bool) (shown []shownBanner) {
	if s.banners == nil {
		return nil
	}
	for _, one := range s.banners.Shown(signedIn) {
		shown = append(shown, s.showBanner(one))
	}
	return shown
}
