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

// failure is what an error page says besides the message.
type failure struct {
	Status  int
	Heading string
	Message string
	// Advice says what to do now.
	Advice string
	// Request names the request, for whoever is asked for help.
	Request string
	// SignIn is the address of the sign-in, where that is what helps.
	SignIn string
	// Retry leads to the page again, or back to the page that a form was on, where that
	// helps. It is the zero value if it does not.
	Retry link
}

// explained are the headings and the advice for each status; any other is read as 500.
var explained = map[int]failure{
	http.StatusBadRequest:            {Heading: "That request does not work", Advice: "Go back and try again from the page you came from."},
	http.StatusUnauthorized:          {Heading: "Please sign in", Advice: "After signing in you come back to where you were."},
	http.StatusForbidden:             {Heading: "You may not do that", Advice: "If you think you should, ask the operator of this portal."},
	http.StatusNotFound:              {Heading: "There is nothing here", Advice: "The link may be old, or it may belong to somebody else's account."},
	http.StatusMethodNotAllowed:      {Heading: "That does not work here", Advice: "This page cannot be used that way. Start from one of the links below."},
	http.StatusConflict:              {Heading: "Not right now", Advice: "Have a look at your dashboard: it says what is in the way."},
	http.StatusRequestEntityTooLarge: {Heading: "That was too much", Advice: "Go back and send less."},
	http.StatusUnprocessableEntity:   {Heading: "That form was used before", Advice: "Go back, reload the page and send the form again."},
	http.StatusTooManyRequests:       {Heading: "A little slower, please", Advice: "What you asked for before is not lost. Wait a minute, then go on."},
	http.StatusServiceUnavailable:    {Heading: "We cannot do that right now", Advice: "Wait a few seconds, then try again. What was accepted before is not lost."},
	http.StatusInternalServerError:   {Heading: "Something went wrong", Advice: "It is not your fault, and the operator of this portal can find it by the request id below."},
}

// Error answers with a page that says what went wrong and what to do now: the message of
// a portal.Error, and for any other error none of its text, which goes to the log.
// Nothing may have been written before.
func (s *Web) Error(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.DeadlineExceeded) && portal.CodeOf(err) == portal.Internal {
		err = &portal.Error{Code: portal.Unavailable, Message: "The portal cannot read its data right now.", Err: err}
	}
	status := s.status(err)
	if status >= http.StatusInternalServerError && !errors.Is(r.Context().Err(), context.Canceled) {
		line := zerolog.Ctx(r.Context()).Error().Err(err)
		if stack := portal.StackOf(err); stack != "" {
			line = line.Str("stack", stack)
		}
		line.Msg("a page could not be shown")
	}
	switch status {
	case http.StatusTooManyRequests:
		w.Header().Set("Retry-After", "60")
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

// show answers with the error page; again is the address of a sign-in, if that helps.
func (s *Web) show(w http.ResponseWriter, r *http.Request, status int, message, again string) {
	said, ok := explained[status]
	if !ok {
		said = explained[http.StatusInternalServerError]
	}
	said.Status, said.Message, said.Request, said.SignIn = status, message, s.correlation(r.Context()), again
	if again != "" && status == http.StatusBadRequest {
		said.Heading, said.Advice = "That sign-in did not work", "After signing in you come to where you were going."
	}
	if again == "" {
		said.Retry = retry(r, status)
	}
	protect(w, r)
	w.Header().Set("Cache-Control", "private, no-store")
	s.render(w, r, status, view{page: "error", Title: said.Heading, Body: said})
}

// retry is the link that helps after an error of that status: the same page again, if it
// was only asked for at a bad time, or the page that a form was on. The answer of the
// identity provider counts once, so it is not repeated.
func retry(r *http.Request, status int) link {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		if from := here(r); from != identity.HomePath {
			return link{"Go back", from}
		}
		return link{}
	}
	passing := status == http.StatusTooManyRequests || status >= http.StatusInternalServerError
	if !passing || r.URL.Path == identity.CallbackPath || !identity.CanReturnTo(r.URL.RequestURI()) {
		return link{}
	}
	return link{"Try again", r.URL.RequestURI()}
}

func (s *Web) notFound(w http.ResponseWriter, r *http.Request) {
	s.fail(w, r, http.StatusNotFound, errNothing.Message)
}

func (s *Web) methodNotAllowed(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Allow", strings.Join(allowed(r), ", "))
	s.fail(w, r, http.StatusMethodNotAllowed, "This page does not take that kind of request.")
}

// allowed lists the methods that the path takes, which RFC 9110, section 15.5.6, wants
// to be named.
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
