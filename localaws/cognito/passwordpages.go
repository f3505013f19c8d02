package cognito

import (
	"errors"
	"net/http"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

func (s *Service) serveForgotPassword(w http.ResponseWriter, r *http.Request) {
	a, err := s.parseAuthorization(r.URL.Query())
	if err != nil {
		s.refuse(w, r, a, err)
		return
	}
	s.renderForgot(w, http.StatusOK, a, view{Username: a.LoginHint})
}

func (s *Service) renderForgot(w http.ResponseWriter, status int, a authorization, v view) {
	v.Title, v.App, v.Home = "Forgot your password?", a.Client.Name, a.home()
	v.Action, v.Other = a.page("/forgotPassword"), a.page("/login")
	v.ByEmail = a.Pool.signInByEmail()
	s.render(w, status, "forgot", v)
}

// postForgotPassword does not reveal whether the account exists.
func (s *Service) postForgotPassword(w http.ResponseWriter, r *http.Request, a authorization) {
	name := strings.TrimSpace(r.PostForm.Get("username"))
	_, err := s.forgot(a.Pool, name)
	var refused *wire.Error
	switch {
	case errors.Is(err, errCodeLimit):
		s.renderForgot(w, http.StatusTooManyRequests, a, view{Username: name, Error: codeProblem(err)})
	case errors.Is(err, errAdminOnly):
		s.renderForgot(w, http.StatusForbidden, a, view{Username: name, Error: "An administrator has to reset your password."})
	case err == nil, errors.As(err, &refused):
		s.renderReset(w, http.StatusOK, a, view{
			Username: name, Notice: "If the account exists, we sent a code to its e-mail address.",
		})
	default:
		s.fail(w, err)
	}
}

func (s *Service) renderReset(w http.ResponseWriter, status int, a authorization, v view) {
	v.Title, v.App, v.Home, v.Hint = "Choose a new password", a.Client.Name, a.home(), a.Pool.Policy.String()
	v.Action, v.Other = a.page("/confirmForgotPassword"), a.page("/login")
	s.render(w, status, "reset", v)
}

func (s *Service) postReset(w http.ResponseWriter, r *http.Request, a authorization) {
	name := strings.TrimSpace(r.PostForm.Get("username"))
	err := s.resetPassword(r.Context(), a.Pool, name, strings.TrimSpace(r.PostForm.Get("code")), r.PostForm.Get("password"))
	if errors.Is(err, errUserDisabled) {
		err = errCodeExpired
	}
	switch code, password := codeProblem(err), passwordProblem(err); {
	case err == nil:
		s.renderLogin(w, http.StatusOK, a, view{Username: name, Notice: "Your password has been changed. You can sign in with it now."})
	case code != "":
		s.renderReset(w, http.StatusUnprocessableEntity, a, view{Username: name, Field: "code", Error: code})
	case password != "":
		s.renderReset(w, http.StatusUnprocessableEntity, a, view{Username: name, Field: "password", Error: password})
	default:
		s.fail(w, err)
	}
}

func passwordProblem(err error) string {
	switch {
	case wire.IsCode(err, "InvalidPasswordException"):
		return "This password is not strong enough."
	case wire.IsCode(err, "InvalidParameterException"):
		return "Enter a password without spaces around it."
	}
	return ""
}

func (s *Service) renderNewPassword(w http.ResponseWriter, status int, a authorization, v view) {
	v.Title, v.App, v.Home, v.Hint = "Choose a new password", a.Client.Name, a.home(), a.Pool.Policy.String()
	v.Action = a.page("/changePassword")
	w.Header().Set("Content-Security-Policy", contentPolicy(a.callbackSource()))
	s.render(w, status, "newpassword", v)
}

func (s *Service) postNewPassword(w http.ResponseWriter, r *http.Request, a authorization) {
	session := r.PostForm.Get("session")
	u, err := s.chooseNewPassword(r.Context(), a.Pool, a.Client, session, "", r.PostForm.Get("password"), nil)
	switch text := passwordProblem(err); {
	case text != "":
		s.renderNewPassword(w, http.StatusUnprocessableEntity, a, view{Session: session, Error: text})
		return
	case errors.Is(err, errSession):
		s.renderLogin(w, http.StatusUnprocessableEntity, a, view{Error: "That took too long. Please sign in again."})
		return
	case err != nil:
		s.fail(w, err)
		return
	}
	since, err := s.startSession(w, r, a.Pool, u)
	if err != nil {
		s.fail(w, err)
		return
	}
	s.finish(w, r, a, u, since)
}
