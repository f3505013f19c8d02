package web

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

type signing interface {
	Sessions(ctx context.Context, account portal.AccountID) ([]identity.Session, error)
	CurrentSession(r *http.Request) string
	EndSession(ctx context.Context, account portal.AccountID, id string) error
	EndSessions(ctx context.Context, account portal.AccountID) error
}

type choosing interface {
	Settings(ctx context.Context, account portal.AccountID) (members.Settings, error)
	SetSettings(ctx context.Context, account portal.AccountID, settings members.Settings) error
}

type hearing interface {
	Submit(ctx context.Context, said members.Feedback) (members.Feedback, error)
}

type leaving interface {
	DeleteMine(ctx context.Context, caller operations.Caller) (operations.Operation, error)
}

// Mine is what the pages about a person's own account need.
type Mine struct {
	Sessions signing
	Settings choosing
	Feedback hearing
	Leaving  leaving
}

const accountPath = "/account"

func (s *Web) accountRoutes(r chi.Router) {
	if s.mine.Sessions == nil {
		return
	}
	get(r, accountPath, s.page(s.member(s.accountPage)))
	r.Post(accountPath+"/time-zone", s.page(s.member(s.setTimeZone)))
	r.Post(accountPath+"/sessions/{session}/end", s.page(s.member(s.endSession)))
	r.Post(accountPath+"/sessions/end", s.page(s.member(s.endSessions)))
	r.Post(accountPath+"/delete", s.page(s.member(s.deleteAccount)))
	get(r, feedbackPath, s.page(s.member(s.feedback)))
	r.Post(feedbackPath, s.page(s.member(s.submitFeedback)))
}

// Confirmation is what a person types to delete the account.
const Confirmation = "delete my account"

type accountBody struct {
	Account      portal.AccountID
	Email, Name  string
	Standing     *standingNote
	Zone         string
	Zones        []string
	Sessions     []sessionLine
	Saved        bool
	Fault        fault
	Confirmation string
	// Keeps is why the person cannot delete the account, or "".
	Keeps string
	// Billed: the person has purchases that AWS bills.
	Billed  bool
	Cancels link
}

type sessionLine struct {
	ID, Browser string
	Since, Seen moment
	Current     bool
}

func (s *Web) accountPage(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	return s.showAccount(w, r, id, http.StatusOK, fault{})
}

func (s *Web) showAccount(w http.ResponseWriter, r *http.Request, id identity.Identity, status int, wrong fault) error {
	ctx := r.Context()
	held, err := s.views.Account(ctx, id.Account)
	if err != nil {
		return err
	}
	settings, err := s.mine.Settings.Settings(ctx, id.Account)
	if err != nil {
		return err
	}
	sessions, err := s.mine.Sessions.Sessions(ctx, id.Account)
	if err != nil {
		return err
	}
	body := accountBody{
		Account: id.Account, Email: id.Email, Name: id.Name, Standing: s.standingNote(held.Profile), Zone: settings.Location().String(),
		Zones: zones, Saved: r.URL.Query().Has("saved"), Fault: wrong, Confirmation: Confirmation,
		Billed: slices.ContainsFunc(held.Licences, projections.Licence.Billed), Cancels: s.market.atAWS(),
	}
	if !slices.Contains(body.Zones, body.Zone) {
		body.Zones = append([]string{body.Zone}, body.Zones...)
	}
	switch {
	case id.Admin:
		body.Keeps = "You are an admin of this portal, and admins cannot delete their own account. Another admin can delete it."
	case held.Profile.Status == projections.StatusSuspended:
		body.Keeps = "Your account is suspended. Ask the operator of this portal to delete it."
	case held.Profile.Status == projections.StatusDeleting:
		body.Keeps = "Your account is being deleted."
	}
	current, when := s.mine.Sessions.CurrentSession(r), s.times(ctx)
	for _, one := range sessions {
		body.Sessions = append(body.Sessions, sessionLine{ID: one.ID, Browser: one.Browser, Since: when.moment(one.Began), Seen: when.moment(one.Seen), Current: one.ID == current})
	}
	s.render(w, r, status, view{page: "account", Title: "Account", Section: "account", Body: body})
	return nil
}

func (s *Web) setTimeZone(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	if _, err := s.readForm(w, r, id); err != nil {
		return err
	}
	err := s.mine.Settings.SetSettings(r.Context(), id.Account, members.Settings{TimeZone: r.PostForm.Get("time_zone")})
	if portal.CodeOf(err) == portal.Invalid {
		return s.showAccount(w, r, id, s.status(err), fault{"time-zone", portal.MessageOf(err)})
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, accountPath+"?saved", http.StatusSeeOther)
	return nil
}

func (s *Web) endSession(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	session, err := param(r, "session")
	if err != nil {
		return err
	}
	// Ending it twice is no error to the person.
	if err := s.mine.Sessions.EndSession(r.Context(), id.Account, session); err != nil && portal.CodeOf(err) != portal.NotFound {
		return err
	}
	http.Redirect(w, r, accountPath+"#sessions", http.StatusSeeOther)
	return nil
}

func (s *Web) endSessions(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	if err := s.mine.Sessions.EndSessions(r.Context(), id.Account); err != nil {
		return err
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

func (s *Web) deleteAccount(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	caller, err := s.readForm(w, r, id)
	if err != nil {
		return err
	}
	if typed := strings.TrimSpace(r.PostForm.Get("confirmation")); !strings.EqualFold(typed, Confirmation) {
		return s.showAccount(w, r, id, http.StatusBadRequest, fault{"confirmation", "To delete the account, type “" + Confirmation + "” into the field. Nothing was deleted."})
	}
	operation, err := s.mine.Leaving.DeleteMine(r.Context(), caller)
	if err != nil {
		return err
	}
	http.Redirect(w, r, escapedPath("operations", operation.ID), http.StatusSeeOther)
	return nil
}

const feedbackPath = "/feedback"

type feedbackPage struct {
	Topics            []feedbackTopic
	Topic, Page, Text string
	Most              int
	Sent              bool
	Fault             fault
}

type feedbackTopic struct{ Value, Label string }

var feedbackTopics = []feedbackTopic{
	{"documentation", "The documentation"}, {"api", "An API"}, {"account", "My account or keys"}, {"portal", "This portal"}, {"other", "Something else"},
}

func (s *Web) feedback(w http.ResponseWriter, r *http.Request, _ identity.Identity) error {
	body := feedbackPage{Sent: r.URL.Query().Has("sent"), Topic: r.URL.Query().Get("topic"), Page: pathOf(r.URL.Query().Get("page"))}
	if from := here(&http.Request{Method: http.MethodPost, URL: r.URL, Host: r.Host, Header: r.Header}); body.Page == "" && from != identity.HomePath {
		body.Page = from
	}
	if strings.HasPrefix(body.Page, feedbackPath) {
		body.Page = ""
	}
	return s.showFeedback(w, r, http.StatusOK, body)
}

func pathOf(page string) string {
	if !strings.HasPrefix(page, "/") || strings.HasPrefix(page, "//") || len(page) > members.MaxPage {
		return ""
	}
	return page
}

func (s *Web) showFeedback(w http.ResponseWriter, r *http.Request, status int, body feedbackPage) error {
	body.Topics, body.Most = feedbackTopics, members.MaxFeedback
	s.render(w, r, status, view{page: "feedback", Title: "Feedback", Body: body})
	return nil
}

func (s *Web) submitFeedback(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	if _, err := s.readForm(w, r, id); err != nil {
		return err
	}
	said := members.Feedback{
		Account: id.Account, Topic: r.PostForm.Get("topic"), Page: r.PostForm.Get("page"),
		// Browsers send CRLF, which would count twice.
		Text: strings.ReplaceAll(r.PostForm.Get("text"), "\r\n", "\n"),
	}
	_, err := s.mine.Feedback.Submit(r.Context(), said)
	switch portal.CodeOf(err) {
	case "":
		http.Redirect(w, r, feedbackPath+"?sent", http.StatusSeeOther)
		return nil
	case portal.Invalid, portal.TooManyRequests:
		return s.showFeedback(w, r, s.status(err), feedbackPage{Topic: said.Topic, Page: said.Page, Text: said.Text, Fault: fault{"", portal.MessageOf(err)}})
	}
	return err
}
