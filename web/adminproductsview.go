package web

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// An admin can look at the catalog as other people see it. A cookie holds the choice. It only takes
// away: an admin sees every product, so no choice shows more. While it lasts, nothing can be changed.

const (
	viewPath   = productsPath + "/view"
	viewCookie = "view"
	viewTime   = time.Hour

	asVisitor = "visitor"
	asMember  = "member"
	asGroup   = "group:"
	maxGroup  = 200

	// nobody is the account of the person whose view an admin has: it is registered, and has no
	// subscriptions and no keys.
	nobody portal.AccountID = "view"
)

// viewedAs is whose view an admin has.
type viewedAs struct {
	// Group is "" for a person in no group.
	Visitor bool
	Group   string
}

func (v viewedAs) words() string {
	switch {
	case v.Visitor:
		return "a visitor who is not signed in"
	case v.Group == "":
		return "a person in no group"
	}
	return "a member of " + v.Group
}

// encoded is the value of the cookie; viewedOf reads it.
func (v viewedAs) encoded() string {
	text := asMember
	switch {
	case v.Visitor:
		text = asVisitor
	case v.Group != "":
		text = asGroup + v.Group
	}
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

func viewedOf(value string) (viewedAs, bool) {
	text, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil || len(text) > len(asGroup)+maxGroup || !utf8.Valid(text) {
		return viewedAs{}, false
	}
	return viewOf(string(text))
}

func viewOf(text string) (viewedAs, bool) {
	group, named := strings.CutPrefix(text, asGroup)
	switch {
	case text == asVisitor:
		return viewedAs{Visitor: true}, true
	case text == asMember:
		return viewedAs{}, true
	}
	return viewedAs{Group: group}, named && group != ""
}

type viewKey struct{}

// viewing returns whose view the request's admin has; ok is false for everybody else.
func viewing(ctx context.Context) (viewedAs, bool) {
	v, ok := ctx.Value(viewKey{}).(viewedAs)
	return v, ok
}

// ViewsAs shows the catalog to an admin as the people see it whose view the admin has chosen, and refuses
// to change anything meanwhile. The same goes for the account that an admin views. It must come after the guard that puts the identity into the context.
func (s *Web) ViewsAs(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		view, ok, err := s.viewOfAccount(r)
		switch {
		case err != nil:
			s.Error(w, r, err)
			return
		case ok:
			s.viewsAccount(w, r, view, next)
			return
		case isFragment(r) && r.Header.Get(viewHeader) != "":
			s.Error(w, r, errNothing) // the view in which the page was rendered is over
			return
		}
		chosen, ok := s.chosenView(r)
		if !ok {
			next.ServeHTTP(w, r)
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), viewKey{}, chosen))
		reads := r.Method == http.MethodGet || r.Method == http.MethodHead
		if !reads && r.URL.Path != viewPath {
			s.Error(w, r, portal.Fail(portal.Forbidden, "You see the portal as "+chosen.words()+", and can change nothing meanwhile. End that at the top of the page, then try again."))
			return
		}
		if reads && ofCatalog(r.URL.Path) {
			r = r.WithContext(chosen.in(r.Context()))
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Web) chosenView(r *http.Request) (viewedAs, bool) {
	id, signedIn := identity.From(r.Context())
	if !signedIn || !id.Admin || id.Via != identity.ViaSession || s.admin.Cookies == nil {
		return viewedAs{}, false
	}
	return viewedOf(s.admin.Cookies.Cookies(r, viewCookie)[viewCookie])
}

// ofCatalog reports whether the page shows the catalog, or documents of it.
func ofCatalog(path string) bool {
	if path == "/" || path == "/apis" || path == "/search" {
		return true
	}
	for _, folder := range []string{"/apis/", "/search/", "/pages/", "/llms"} {
		if strings.HasPrefix(path, folder) {
			return true
		}
	}
	return false
}

// in returns the context as that of the person.
func (v viewedAs) in(ctx context.Context) context.Context {
	id, _ := identity.From(ctx)
	if v.Visitor {
		return identity.Without(ctx)
	}
	id.Account, id.Admin, id.ByGroup, id.Groups = nobody, false, false, nil
	if v.Group != "" {
		id.Groups = []string{v.Group}
	}
	return identity.With(ctx, id)
}

// nobodysAccount is that of the person whose view an admin has.
func nobodysAccount() projections.Account {
	return projections.Account{Profile: projections.Profile{Status: projections.StatusRegistered}}
}

// chooseView begins or ends a view, and leads to the catalog or to the page of products.
func (s *Web) chooseView(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	if _, err := s.readForm(w, r, id); err != nil {
		return err
	}
	if r.PostForm.Get("as") == "" {
		s.admin.Cookies.SetCookie(w, viewCookie, viewCookie, "", 0)
		http.Redirect(w, r, productsPath, http.StatusSeeOther)
		return nil
	}
	as, group := r.PostForm.Get("as"), strings.TrimSpace(r.PostForm.Get("group"))
	if as == asGroup {
		as += group
	}
	chosen, ok := viewOf(as)
	if !ok || len(group) > maxGroup || !utf8.ValidString(as) {
		return portal.Fail(portal.Invalid, "Choose whose view you want, and name a group as the identity provider does.")
	}
	s.admin.Cookies.SetCookie(w, viewCookie, viewCookie, chosen.encoded(), viewTime)
	http.Redirect(w, r, "/apis", http.StatusSeeOther)
	return nil
}
