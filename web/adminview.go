package web

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// An admin can view an account: for an hour at most, the pages about the admin's own account show the
// other one, and the admin's session changes nothing. A row in the records table decides whose account
// that is, so nothing that a browser sends can begin a view or make it last longer.

const (
	stopViewPath = adminPath + "/stop-viewing"

	// viewHeader is sent with requests for fragments. It names the view in which the page was rendered,
	// "" for none, so that a page never gets a part of another account.
	viewHeader = "Gatehouse-View"
)

type viewKeeping interface {
	View(ctx context.Context, by members.ViewingAdmin, account portal.AccountID) (members.Viewing, error)
	Viewed(ctx context.Context, by members.ViewingAdmin) (view members.Viewing, ok bool, err error)
	EndViewing(ctx context.Context, admin, account portal.AccountID) (view members.Viewing, ok bool, err error)
}

// Viewers is what viewing accounts needs.
type Viewers struct {
	Keep viewKeeping
	// Session is the id of the request's session, or "".
	Session func(*http.Request) string
	// Groups are those of the account's owner, as far as a session of theirs says.
	Groups func(ctx context.Context, account portal.AccountID) ([]string, error)
}

func (s *Web) viewRoutes(r chi.Router) {
	r.Post(accountsPath+"/{account}/view", s.page(s.administrator(s.viewAccount)))
	r.Post(stopViewPath, s.page(s.administrator(s.stopViewing)))
}

// accountView is the view of an account that the request's admin has.
type accountView struct {
	members.Viewing
	Person string
	// Follows says that this page shows the account. All other pages are the admin's.
	Follows bool
	admin   identity.Identity
}

type accountViewKey struct{}

func accountViewed(ctx context.Context) (accountView, bool) {
	v, ok := ctx.Value(accountViewKey{}).(accountView)
	return v, ok
}

// viewOfAccount returns the view that the session of the request has. An admin who is suspended has none.
func (s *Web) viewOfAccount(r *http.Request) (accountView, bool, error) {
	id, signedIn := identity.From(r.Context())
	if !signedIn || !id.Admin || id.Via != identity.ViaSession || s.admin.Viewers.Keep == nil {
		return accountView{}, false, nil
	}
	view, ok, err := s.admin.Viewers.Keep.Viewed(r.Context(), s.viewer(r, id))
	if err != nil || !ok {
		return accountView{}, false, err
	}
	own, err := s.views.Account(r.Context(), id.Account)
	if err != nil || own.Profile.Status == projections.StatusSuspended {
		return accountView{}, false, err
	}
	person, err := s.admin.People.Person(r.Context(), view.Account)
	if portal.CodeOf(err) == portal.NotFound { // erased a moment ago
		return accountView{}, false, nil
	}
	return accountView{Viewing: view, Person: cmp.Or(person.Name, person.Email, string(view.Account)), admin: id}, err == nil, err
}

func (s *Web) viewer(r *http.Request, id identity.Identity) members.ViewingAdmin {
	return members.ViewingAdmin{Admin: id.Account, ByGroup: id.ByGroup, Session: s.admin.Viewers.Session(r)}
}

// viewsAccount serves a request of an admin who views an account.
func (s *Web) viewsAccount(w http.ResponseWriter, r *http.Request, view accountView, next http.Handler) {
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	view.Follows = reads && followsView(r.URL.Path)
	r = r.WithContext(context.WithValue(r.Context(), accountViewKey{}, view))
	if !reads && !view.allows(r.URL.Path) || strings.HasPrefix(r.URL.Path, "/subscriptions/") {
		s.Error(w, r, view.refused())
		return
	}
	if !view.Follows {
		next.ServeHTTP(w, r)
		return
	}
	if isFragment(r) && r.Header.Get(viewHeader) != view.ID {
		s.Error(w, r, errNothing) // the script then reloads the page
		return
	}
	id, err := s.personViewed(r.Context(), view)
	if err != nil {
		s.Error(w, r, err)
		return
	}
	next.ServeHTTP(w, r.WithContext(identity.With(r.Context(), id)))
}

// personViewed is the identity for which pages are made. It is nobody's sign-in.
func (s *Web) personViewed(ctx context.Context, view accountView) (identity.Identity, error) {
	id := identity.Identity{Account: view.Account, Name: view.Person, TimeZone: view.admin.TimeZone, Via: identity.ViaSession}
	groups, err := s.admin.Viewers.Groups(ctx, view.Account)
	id.Groups = groups
	return id, err
}

// followsView reports whether the page shows the account that an admin views. Only pages that read do.
func followsView(path string) bool {
	switch path {
	case "/dashboard", "/dashboard/fragment", "/usage", "/activity", keysPath:
		return true
	}
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	switch {
	case len(segments) == 2:
		return segments[0] == "keys" || segments[0] == "operations"
	case len(segments) == 3:
		return segments[0] == "operations" && segments[2] == "fragment"
	}
	return false
}

// allows reports whether the path ends the view, or begins it a second time.
func (v accountView) allows(path string) bool {
	return path == stopViewPath || path == escapedPath("admin", "accounts", v.Account)+"/view"
}

func (v accountView) refused() error {
	return portal.Fail(portal.Forbidden, "You are viewing the account of "+v.Person+", and can change nothing meanwhile. Stop viewing first, at the top of any page, then try again.")
}

// NoChangesInView refuses changes by JSON in a session that views an account. Its reads are the admin's own. It
// must come after the guard that puts the identity into the context.
func (s *Web) NoChangesInView(path string, onError func(http.ResponseWriter, *http.Request, error)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions {
				next.ServeHTTP(w, r)
				return
			}
			view, ok, err := s.viewOfAccount(r)
			switch {
			case err != nil:
				onError(w, r, err)
			case ok && r.URL.Path != path+escapedPath("admin", "accounts", view.Account)+"/view":
				onError(w, r, view.refused())
			default:
				next.ServeHTTP(w, r)
			}
		})
	}
}

// viewBar is what the top of each page says about a view of an account.
type viewBar struct {
	Person  string
	Until   phrase
	Follows bool
}

func (s *Web) viewBar(ctx context.Context) *viewBar {
	view, ok := accountViewed(ctx)
	if !ok {
		return nil
	}
	return &viewBar{Person: view.Person, Until: phrase{s.times(ctx).at(view.Ends)}, Follows: view.Follows}
}

// mayView reports whether the account's page offers to view it.
func (s *Web) mayView(ctx context.Context, account adminAccountPage) bool {
	_, views := accountViewed(ctx)
	return !views && s.admin.Viewers.Keep != nil && !account.Own && account.status != projections.StatusDeleted
}

// viewAccount begins a view. A form that is sent twice begins one.
func (s *Web) viewAccount(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	if _, err := s.readForm(w, r, id); err != nil {
		return err
	}
	found, _, err := s.theAccount(r, id)
	if err != nil {
		return err
	}
	by := s.viewer(r, id)
	if id.Via != identity.ViaSession {
		by.Session = ""
	}
	if _, err := s.admin.Viewers.Keep.View(r.Context(), by, found.ID); err != nil {
		return err
	}
	http.Redirect(w, r, identity.HomePath, http.StatusSeeOther)
	return nil
}

// stopViewing ends the view, and leads to the page of the account that it was of.
func (s *Web) stopViewing(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	if _, err := s.readForm(w, r, id); err != nil {
		return err
	}
	next := accountsPath
	if view, ok := accountViewed(r.Context()); ok {
		next = escapedPath("admin", "accounts", view.Account)
	}
	if _, _, err := s.admin.Viewers.Keep.EndViewing(r.Context(), id.Account, ""); err != nil {
		return err
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
	return nil
}
