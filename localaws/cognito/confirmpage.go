package cognito

import (
	"errors"
	"net/http"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

func (s *Service) posted(form func(http.ResponseWriter, *http.Request, authorization)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a, err := s.parseAuthorization(r.URL.Query())
		if err != nil {
			s.refuse(w, r, a, err)
			return
		}
		if err := r.ParseForm(); err != nil {
			s.renderLogin(w, http.StatusBadRequest, a, view{Error: "The form could not be read. Please try again."})
			return
		}
		form(w, r, a)
	}
}

func (s *Service) renderConfirm(w http.ResponseWriter, status int, a authorization, v view) {
	v.Title, v.App, v.Home = "Confirm your account", a.Client.Name, a.home()
	v.Action, v.Resend, v.Other = a.page("/confirm"), a.page("/resendcode"), a.page("/login")
	s.render(w, status, "confirm", v)
}

// postConfirm does not sign in: the code proves who owns the address, but not the password.
func (s *Service) postConfirm(w http.ResponseWriter, r *http.Request, a authorization) {
	name := strings.TrimSpace(r.PostForm.Get("username"))
	err := s.confirm(a.Pool, name, strings.TrimSpace(r.PostForm.Get("code")))
	switch text := codeProblem(err); {
	case err == nil:
		s.renderLogin(w, http.StatusOK, a, view{Username: name, Notice: "Your account is confirmed. You can sign in now."})
	case text != "":
		s.renderConfirm(w, http.StatusUnprocessableEntity, a, view{Username: name, Error: text})
	case wire.IsCode(err, "NotAuthorizedException"):
		s.renderLogin(w, http.StatusOK, a, view{Username: name, Notice: "This account is already confirmed."})
	default:
		s.fail(w, err)
	}
}

// codeProblem returns a text for the user, or "" for other errors. An unknown user looks like
// an expired code.
func codeProblem(err error) string {
	switch {
	case errors.Is(err, errCodeMismatch):
		return "That is not the code that was sent."
	case errors.Is(err, errCodeExpired), wire.IsCode(err, "UserNotFoundException"):
		return "This code is no longer valid. Request another one."
	case errors.Is(err, errCodeLimit):
		return "Too many attempts. Please try again later."
	}
	return ""
}

// postResend claims to have sent a code even if the user does not exist.
func (s *Service) postResend(w http.ResponseWriter, r *http.Request, a authorization) {
	name := strings.TrimSpace(r.PostForm.Get("username"))
	_, err := s.resend(a.Pool, name)
	switch {
	case errors.Is(err, errCodeLimit):
		s.renderConfirm(w, http.StatusTooManyRequests, a, view{Username: name, Error: codeProblem(err)})
	case err == nil, wire.IsCode(err, "UserNotFoundException"), wire.IsCode(err, "InvalidParameterException"):
		s.renderConfirm(w, http.StatusOK, a, view{Username: name, Notice: "Another code was sent."})
	default:
		s.fail(w, err)
	}
}
