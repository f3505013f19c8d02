package cognito

import (
	"errors"
	"net/http"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

func (s *Service) serveLogin(w http.ResponseWriter, r *http.Request) {
	a, err := s.parseAuthorization(r.URL.Query())
	if err != nil {
		s.refuse(w, r, a, err)
		return
	}
	s.renderLogin(w, http.StatusOK, a, view{Username: a.LoginHint})
}

func (s *Service) renderLogin(w http.ResponseWriter, status int, a authorization, v view) {
	v.Title, v.App, v.Home = "Sign in", a.Client.Name, a.home()
	v.Action = a.page("/login")
	v.ByEmail = a.Pool.signInByEmail()
	if !a.Pool.AdminCreateOnly {
		v.Other = a.page("/signup")
	}
	if !a.Pool.recoversByAdminOnly() {
		v.Forgot = a.page("/forgotPassword")
	}
	w.Header().Set("Content-Security-Policy", contentPolicy(a.callbackSource()))
	s.render(w, status, "login", v)
}

// postLogin signs the browser in and goes on to the client. What went wrong is
// said without telling whether there is such a user.
func (s *Service) postLogin(w http.ResponseWriter, r *http.Request) {
	a, err := s.parseAuthorization(r.URL.Query())
	if err != nil {
		s.refuse(w, r, a, err)
		return
	}
	if err := r.ParseForm(); err != nil {
		s.renderLogin(w, http.StatusBadRequest, a, view{Error: "The form could not be read. Please try again."})
		return
	}
	name := strings.TrimSpace(r.PostForm.Get("username"))
	u, err := s.authenticate(r.Context(), a.Pool, name, r.PostForm.Get("password"))
	if err != nil {
		s.keepOut(w, a, name, u, err)
		return
	}
	since, err := s.startSession(w, r, a.Pool, u)
	if err != nil {
		s.fail(w, err)
		return
	}
	s.finish(w, r, a, u, since)
}

// keepOut answers who could not be signed in: with the page on which to do
// something about it, if there is one.
func (s *Service) keepOut(w http.ResponseWriter, a authorization, name string, u user, err error) {
	switch {
	case errors.Is(err, errPasswordChange):
		session, err := s.startChallenge(a.Client, u)
		if err != nil {
			s.fail(w, err)
			return
		}
		s.renderNewPassword(w, http.StatusOK, a, view{Session: session})
	case errors.Is(err, errResetRequired):
		s.renderReset(w, http.StatusOK, a, view{Username: name, Notice: "Your password has to be chosen anew. A code to do it with was sent to you by e-mail."})
	case errors.Is(err, errUnconfirmed) && a.Pool.mailsCode(u):
		s.renderConfirm(w, http.StatusOK, a, view{Username: name, Notice: "This account is not confirmed yet."})
	default:
		status, text := loginProblem(err)
		if text == "" {
			s.fail(w, err)
			return
		}
		s.renderLogin(w, status, a, view{Username: name, Error: text})
	}
}

// loginProblem words a failed sign-in for the user; a fault of our own has no
// text.
func loginProblem(err error) (status int, text string) {
	switch {
	case errors.Is(err, errLockedOut):
		return http.StatusTooManyRequests, "Too many attempts. Wait a moment, then try again."
	case errors.Is(err, errUserDisabled):
		return http.StatusUnprocessableEntity, "This account is disabled."
	case errors.Is(err, errTemporaryExpired):
		return http.StatusUnprocessableEntity, "The temporary password has expired. An administrator has to set another."
	case errors.Is(err, errUnconfirmed):
		return http.StatusUnprocessableEntity, "This account is not confirmed yet."
	case errors.Is(err, errWrongPassword), wire.IsCode(err, "UserNotFoundException"):
		return http.StatusUnprocessableEntity, "Incorrect username or password."
	default:
		return http.StatusInternalServerError, ""
	}
}
