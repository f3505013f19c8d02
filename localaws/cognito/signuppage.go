package cognito

import (
	"net/http"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

func (s *Service) serveSignUp(w http.ResponseWriter, r *http.Request) {
	a, err := s.parseAuthorization(r.URL.Query())
	if err != nil {
		s.refuse(w, r, a, err)
		return
	}
	s.renderSignUp(w, http.StatusOK, a, view{Username: a.LoginHint})
}

func (s *Service) renderSignUp(w http.ResponseWriter, status int, a authorization, v view) {
	v.Title, v.App, v.Home = "Sign up", a.Client.Name, a.home()
	if a.Pool.AdminCreateOnly {
		s.render(w, http.StatusForbidden, "error", view{
			Title: v.Title, App: v.App, Home: v.Home, Error: "Sign-up is closed. Ask an administrator for an account.",
		})
		return
	}
	v.Action, v.Other = a.page("/signup"), a.page("/login")
	v.ByEmail = a.Pool.signInByEmail()
	v.Hint = a.Pool.Policy.String()
	w.Header().Set("Content-Security-Policy", contentPolicy(a.callbackSource()))
	s.render(w, status, "signup", v)
}

// postSignUp also signs the browser in if the user is confirmed at once.
func (s *Service) postSignUp(w http.ResponseWriter, r *http.Request) {
	a, err := s.parseAuthorization(r.URL.Query())
	if err != nil {
		s.refuse(w, r, a, err)
		return
	}
	if err := r.ParseForm(); err != nil {
		s.renderSignUp(w, http.StatusBadRequest, a, view{Error: "The form could not be read. Please try again."})
		return
	}
	username, name := strings.TrimSpace(r.PostForm.Get("username")), strings.TrimSpace(r.PostForm.Get("name"))
	var attributes []attribute
	if name != "" {
		attributes = append(attributes, attribute{"name", name})
	}
	u, err := s.register(r.Context(), a.Pool, username, r.PostForm.Get("password"), attributes)
	switch field, text := signUpProblem(err, a.Pool); {
	case text != "":
		s.renderSignUp(w, http.StatusUnprocessableEntity, a, view{Username: username, Name: name, Field: field, Error: text})
	case err != nil:
		s.fail(w, err)
	case a.Pool.mailsCode(u):
		s.renderConfirm(w, http.StatusOK, a, view{Username: username, Notice: "A code was sent to " + masked(u.Attributes["email"]) + "."})
	case u.Status != confirmed:
		s.render(w, http.StatusOK, "waiting", view{Title: "Almost there", App: a.Client.Name, Home: a.home(), Username: username, Other: a.page("/login")})
	default:
		since, err := s.startSession(w, r, a.Pool, u)
		if err != nil {
			s.fail(w, err)
			return
		}
		s.finish(w, r, a, u, since)
	}
}

// signUpProblem returns the wrong input and a text for the user, or no text for other errors.
func signUpProblem(err error, p pool) (field, text string) {
	switch {
	case wire.IsCode(err, "InvalidPasswordException"):
		return "password", "This password is not strong enough."
	case wire.IsCode(err, "UsernameExistsException") && p.signInByEmail():
		return "username", "An account with this e-mail address already exists."
	case wire.IsCode(err, "UsernameExistsException"):
		return "username", "This user name is taken."
	case wire.IsCode(err, "InvalidParameterException") && p.signInByEmail():
		return "", "Enter an e-mail address and a password without spaces around it."
	case wire.IsCode(err, "InvalidParameterException"):
		return "", "Enter a user name and a password without spaces around it."
	case wire.IsCode(err, "NotAuthorizedException"):
		return "", "Sign-up is closed."
	default:
		return "", ""
	}
}
