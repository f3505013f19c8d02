package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const (
	maxForm = 16 << 10
	// maxID bounds an id in a path, in bytes. Our ids and API Gateway's are far
	// shorter.
	maxID = 200
)

// member serves people who are signed in. It redirects others to the sign-in and back, and refuses
// their forms and fragments. If the session has ended or the account was deleted, a page says so
// first.
func (s *Web) member(h func(http.ResponseWriter, *http.Request, identity.Identity) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		id, ok := identity.From(r.Context())
		if ok {
			return h(w, r, id)
		}
		if s.ended(r) {
			if done, err := s.afterDeletion(w, r); done || err != nil {
				return err
			}
		}
		if r.Method == http.MethodPost || isFragment(r) {
			return portal.Fail(portal.Unauthorized, "You are not signed in, or your session has ended. Sign in, then try again.")
		}
		if s.ended(r) {
			s.fail(w, r, http.StatusUnauthorized, "Your session has ended. Sign in again to continue.")
			return nil
		}
		http.Redirect(w, r, signIn(here(r)), http.StatusSeeOther)
		return nil
	}
}

// isFragment reports whether the request is the script's, which cannot follow the sign-in.
func isFragment(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/fragment") }

func signIn(returnTo string) string {
	return identity.SignInPath + "?" + url.Values{"return_to": {returnTo}}.Encode()
}

func signUp(returnTo string) string {
	return identity.SignInPath + "?" + url.Values{"return_to": {returnTo}, "screen": {"sign-up"}}.Encode()
}

// afterSignUp is like here, but leads from the home page back to it, since signing up is
// the first of its three steps.
func afterSignUp(r *http.Request) string {
	if r.URL.Path == "/" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		return "/"
	}
	return here(r)
}

// here returns where to go after the sign-in: this page, the form's page, or the
// dashboard if the sign-in would refuse that address.
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

// param returns an id from the path; errNothing if it cannot be an id.
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

// readForm parses the request form into r.PostForm. It returns the caller with the form's idempotency key, which is generated when the
// form is rendered. So a double click is one operation.
func (s *Web) readForm(w http.ResponseWriter, r *http.Request, id identity.Identity) (operations.Caller, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return operations.Caller{}, portal.Fail(portal.TooLarge, "The form is too large.")
		}
		return operations.Caller{}, &portal.Error{Code: portal.Invalid, Message: "The form could not be read.", Err: err}
	}
	return operations.Caller{
		Account: id.Account, Viewer: library.Viewer(r.Context()), IdempotencyKey: r.PostForm.Get("idempotency_key"), Correlation: s.correlation(r.Context()),
	}, nil
}

func displayName(id identity.Identity) string {
	switch {
	case id.Name != "":
		return id.Name
	case id.Email != "":
		return id.Email
	}
	return "your account"
}
