package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const (
	// maxForm bounds a form, bytes: the largest has one field.
	maxForm = 16 << 10
	// maxID bounds an id in a path, bytes: far above ours and API Gateway's.
	maxID = 200
)

// member serves people who are signed in. Others are sent to the sign-in and back, or, if
// their session has ended, are told so first. What they posted is refused, since it cannot
// be sent again for them.
func (s *Web) member(h func(http.ResponseWriter, *http.Request, identity.Identity) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		id, ok := identity.From(r.Context())
		if ok {
			return h(w, r, id)
		}
		if r.Method == http.MethodPost || isFragment(r) {
			return portal.Fail(portal.Unauthorized, "You are not signed in, or no longer. Sign in, then do it again.")
		}
		if s.ended(r) {
			s.fail(w, r, http.StatusUnauthorized, "Your session has ended, so you are not signed in any more.")
			return nil
		}
		http.Redirect(w, r, signIn(here(r)), http.StatusSeeOther)
		return nil
	}
}

// isFragment says whether the script asks, which cannot follow the sign-in.
func isFragment(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/fragment") }

func signIn(returnTo string) string {
	return identity.SignInPath + "?" + url.Values{"return_to": {returnTo}}.Encode()
}

func signUp(returnTo string) string {
	return identity.SignInPath + "?" + url.Values{"return_to": {returnTo}, "screen": {"sign-up"}}.Encode()
}

// afterSignUp is where to come back to after signing up: as after signing in, but to the
// front page from there, whose first step that is.
func afterSignUp(r *http.Request) string {
	if r.URL.Path == "/" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		return "/"
	}
	return here(r)
}

// here is where to come back to after the sign-in: this page, the page that a form was
// on, or the dashboard. An address that the sign-in would refuse is not repeated.
func here(r *http.Request) string {
	at := r.URL
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		from, err := url.Parse(r.Referer())
		own := err == nil && (from.Host == r.Host || r.Header.Get("Sec-Fetch-Site") == "same-origin")
		if !own {
			return identity.HomePath
		}
		at = from
	}
	if at.Path == "/" || at.Path == "" || strings.HasPrefix(at.Path, identity.SignInPath) || !identity.CanReturnTo(at.RequestURI()) {
		return identity.HomePath
	}
	return at.RequestURI()
}

// param is an id from the path. What cannot be one names nothing.
func param(r *http.Request, name string) (string, error) {
	value := chi.URLParam(r, name)
	if r.URL.RawPath != "" {
		// chi matches the escaped path where there is one.
		unescaped, err := url.PathUnescape(value)
		if err != nil {
			return "", errNothing
		}
		value = unescaped
	}
	if value == "" || len(value) > maxID || !utf8.ValidString(value) {
		return "", errNothing
	}
	return value, nil
}

var errNothing = portal.Fail(portal.NotFound, "There is no such page.")

// asks says who asks, and reads the form's idempotency key: drawn when the form was
// rendered, it makes a double click one operation.
func (s *Web) asks(w http.ResponseWriter, r *http.Request, id identity.Identity) (operations.Caller, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return operations.Caller{}, portal.Fail(portal.TooLarge, "The form is larger than it can be.")
		}
		return operations.Caller{}, &portal.Error{Code: portal.Invalid, Message: "The form could not be read.", Err: err}
	}
	return operations.Caller{
		Account: id.Account, IdempotencyKey: r.PostForm.Get("idempotency_key"), Correlation: s.correlation(r.Context()),
	}, nil
}

// displayName is what a page calls the person who is signed in.
func displayName(id identity.Identity) string {
	switch {
	case id.Name != "":
		return id.Name
	case id.Email != "":
		return id.Email
	}
	return "your account"
}
