package web

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
)

type failure struct {
	Status  int
	Heading string
	Message string
	Advice  string
	Request string
	SignIn  string
	// Retry leads to the same page or the form's page; zero if neither helps.
	Retry link
}

var explained = map[int]failure{
	http.StatusBadRequest:            {Heading: "That did not work", Advice: "Go back and try again from the page you came from."},
	http.StatusUnauthorized:          {Heading: "Please sign in", Advice: "We then bring you back to where you were."},
	http.StatusForbidden:             {Heading: "You cannot do that", Advice: "If you think you should be allowed to, ask the operator of this portal."},
	http.StatusNotFound:              {Heading: "There is nothing here", Advice: "The link may be old, or it may belong to another account."},
	http.StatusMethodNotAllowed:      {Heading: "That does not work here", Advice: "Start from one of the links below."},
	http.StatusConflict:              {Heading: "Not right now", Advice: "Your dashboard shows what is in the way."},
	http.StatusRequestEntityTooLarge: {Heading: "That is too large", Advice: "Go back and send less."},
	http.StatusUnprocessableEntity:   {Heading: "That form was already used", Advice: "Go back, reload the page and send the form again."},
	http.StatusTooManyRequests:       {Heading: "Too many requests", Advice: "Your earlier requests are not lost."},
	http.StatusServiceUnavailable:    {Heading: "We cannot do that right now", Advice: "Your earlier requests are not lost."},
	http.StatusInternalServerError:   {Heading: "Something went wrong", Advice: "It is not your fault. The operator of this portal can look it up by the request id below."},
}

// Error responds with a page that says what went wrong and what to do. It shows the
// message of a portal.Error; other errors go only to the log. Nothing may have been
// written before.
func (s *Web) Error(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.DeadlineExceeded) && portal.CodeOf(err) == portal.Internal {
		err = &portal.Error{Code: portal.Unavailable, Message: "The portal cannot read its data right now. Try again in a moment.", Err: err}
	}
	status := s.status(err)
	if status >= http.StatusInternalServerError && !errors.Is(r.Context().Err(), context.Canceled) {
		portal.WithStack(zerolog.Ctx(r.Context()).Error().Err(err), err).
			Msg("could not show a page")
	}
	switch status {
	case http.StatusTooManyRequests:
		w.Header().Set("Retry-After", retryAfter)
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "5")
	}
	if returnTo, helps := identity.SignInAgain(err); helps {
		s.show(w, r, status, portal.MessageOf(err), signIn(cmp.Or(returnTo, here(r))))
		return
	}
	s.fail(w, r, status, portal.MessageOf(err))
}

func (s *Web) fail(w http.ResponseWriter, r *http.Request, status int, message string) {
	again := ""
	if status == http.StatusUnauthorized {
		again = signIn(here(r))
	}
	s.show(w, r, status, message, again)
}

func (s *Web) show(w http.ResponseWriter, r *http.Request, status int, message, again string) {
	said, ok := explained[status]
	if !ok {
		said = explained[http.StatusInternalServerError]
	}
	said.Status, said.Message, said.Request, said.SignIn = status, message, s.correlation(r.Context()), again
	if again != "" && status == http.StatusBadRequest {
		said.Heading, said.Advice = "That sign-in did not work", "After the sign-in we take you to where you were going."
	}
	if again == "" {
		said.Retry = retry(r, status)
	}
	if (status == http.StatusNotFound || status == http.StatusConflict) && aboutLetters(r) {
		said.Advice, said.Retry = "The list shows the dead letters as they are now.", link{"Go to the dead letters", lettersPath}
	}
	protect(w, r)
	w.Header().Set("Cache-Control", "private, no-store")
	s.render(w, r, status, view{page: "error", Title: said.Heading, Body: said})
}

func aboutLetters(r *http.Request) bool {
	return r.URL.Path == confirmLettersPath || r.URL.Path == lettersPath || strings.HasPrefix(r.URL.Path, lettersPath+"/")
}

// retry returns a link to the same page or the form's page if the error is temporary. A
// callback from the identity provider works only once, so it is not retried.
func retry(r *http.Request, status int) link {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		if from := here(r); from != identity.HomePath {
			return link{"Go back", from}
		}
		return link{}
	}
	temporary := status == http.StatusTooManyRequests || status >= http.StatusInternalServerError
	if !temporary || r.URL.Path == identity.CallbackPath || !identity.CanReturnTo(r.URL.RequestURI()) {
		return link{}
	}
	return link{"Try again", r.URL.RequestURI()}
}

func (s *Web) notFound(w http.ResponseWriter, r *http.Request) {
	s.fail(w, r, http.StatusNotFound, errNothing.Message)
}

func (s *Web) methodNotAllowed(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Allow", strings.Join(allowed(r), ", "))
	s.fail(w, r, http.StatusMethodNotAllowed, "This page does not support that kind of request.")
}

// allowed lists the methods that the path supports, for Allow (RFC 9110, section 15.5.6).
func allowed(r *http.Request) []string {
	routes := chi.RouteContext(r.Context()).Routes
	path := r.URL.Path
	if r.URL.RawPath != "" {
		path = r.URL.RawPath
	}
	var methods []string
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if routes.Match(chi.NewRouteContext(), method, path) {
			methods = append(methods, method)
		}
	}
	return methods
}
