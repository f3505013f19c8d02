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

// postLogin does not reveal whether the user exists.
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
		s.explainRefusal(w, a, name, u, err)
		return
	}
	since, err := s.startSession(w, r, a.Pool, u)
	if err != nil {
		s.fail(w, err)
		return
	}
	s.finish(w, r, a, u, since)
}

// explainRefusal shows why the user could not sign in, on a page that solves the problem if
// there is one.
func (s *Service) explainRefusal(w http.ResponseWriter, a authorization, name string, u user, err error) {
	switch {
	case errors.Is(err, errPasswordChange):
		session, err := s.startChallenge(a.Client, u)
		if err != nil {
			s.fail(w, err)
			return
		}
		s.renderNewPassword(w, http.StatusOK, a, view{Session: session})
	case errors.Is(err, errResetRequired):
		s.renderReset(w, http.StatusOK, a, view{Username: name, Notice: "You have to choose a new password. We sent you a code by e-mail."})
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

// loginProblem returns no text for an internal error.
func loginProblem(err error) (status int, text string) {
	switch {
	case errors.Is(err, errLockedOut):
		return http.StatusTooManyRequests, "Too many attempts. Wait a moment, then try again."
	case errors.Is(err, errUserDisabled):
		return http.StatusUnprocessableEntity, "This account is disabled."
	case errors.Is(err, errTemporaryExpired):
		return http.StatusUnprocessableEntity, "Your temporary password has expired. Ask an administrator for a new one."
	case errors.Is(err, errUnconfirmed):
		return http.StatusUnprocessableEntity, "This account is not confirmed yet."
	case errors.Is(err, errWrongPassword), wire.IsCode(err, "UserNotFoundException"):
		return http.StatusUnprocessableEntity, "Incorrect username or password."
	default:
		return http.StatusInternalServerError, ""
	}
}
