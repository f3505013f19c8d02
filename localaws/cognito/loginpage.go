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
	v.Title, v.App = "Sign in", a.Client.Name
	v.Action = a.page("/login")
	v.ByEmail = a.Pool.signInByEmail()
	if !a.Pool.AdminCreateOnly {
		v.Other = a.page("/signup")
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
		status, text := loginProblem(err)
		if text == "" {
			s.fail(w, err)
			return
		}
		s.renderLogin(w, status, a, view{Username: name, Error: text})
		return
	}
	since, err := s.startSession(w, r, a.Pool, u)
	if err != nil {
		s.fail(w, err)
		return
	}
	s.finish(w, r, a, u, since)
}

// loginProblem words a failed sign-in for the user; a fault of our own has no
// text.
func loginProblem(err error) (status int, text string) {
	switch {
	case errors.Is(err, errLockedOut):
		return http.StatusTooManyRequests, "Too many attempts. Wait a moment, then try again."
	case errors.Is(err, errPasswordChange):
		return http.StatusUnprocessableEntity, "This account has a temporary password. An administrator has to set a permanent one first."
	case wire.IsCode(err, "UserNotConfirmedException"):
		return http.StatusUnprocessableEntity, "This account is not confirmed yet."
	case errors.Is(err, errWrongPassword), wire.IsCode(err, "UserNotFoundException"):
		return http.StatusUnprocessableEntity, "Incorrect username or password."
	default:
		return http.StatusInternalServerError, ""
	}
}
