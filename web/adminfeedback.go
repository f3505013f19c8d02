package web

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
)

type feedbackKeeping interface {
	AllFeedback(ctx context.Context, filter members.FeedbackFilter, before string, limit int) ([]members.Feedback, string, error)
	MarkFeedback(ctx context.Context, by members.By, id string, done bool) (members.Feedback, error)
}

const (
	allFeedbackPath = adminPath + "/feedback"
	feedbackPerPage = 25
	// everyState shows feedback in all states.
	everyState = "all"
)

func (s *Web) feedbackRoutes(r chi.Router) {
	get(r, allFeedbackPath, s.page(s.administrator(s.allFeedback)))
	r.Post(allFeedbackPath+"/{feedback}/done", s.page(s.administrator(s.markFeedback(true))))
	r.Post(allFeedbackPath+"/{feedback}/reopen", s.page(s.administrator(s.markFeedback(false))))
}

type allFeedbackPage struct {
	Topics []topicChoice
	Topic  string
	State  string
	States []tab
	Lines  []feedbackLine
	First  bool
	// Start and Next are addresses.
	Start, Next string
}

type topicChoice struct {
	ID, Name string
	Chosen   bool
}

type feedbackLine struct {
	ID, Topic, Text, Page string
	Account, AccountHref  string
	Person, Email         string
	At, DoneAt            moment
	DoneBy                string
	Badge                 badge
	// Mark is where the form that marks it goes.
	Mark string
	Open bool
}

// allFeedback lists what people told the operator, the latest first.
func (s *Web) allFeedback(w http.ResponseWriter, r *http.Request, _ identity.Identity) error {
	filter, err := feedbackFilterOf(r.URL.Query())
	before := r.URL.Query().Get("after")
	if err != nil || len(before) > maxID || !utf8.ValidString(before) {
		return errNothing
	}
	found, next, err := s.admin.Feedback.AllFeedback(r.Context(), filter, before, feedbackPerPage)
	if err != nil {
		return err
	}
	body := allFeedbackPage{Topic: filter.Topic, State: cmp.Or(filter.State, everyState), First: before == "", Start: feedbackQuery(filter, "")}
	if next != "" {
		body.Next = feedbackQuery(filter, next)
	}
	for _, topic := range allTopics() {
		body.Topics = append(body.Topics, topicChoice{topic.Value, topic.Label, topic.Value == filter.Topic})
	}
	for _, state := range []string{members.FeedbackOpen, members.FeedbackDone, everyState} {
		other := members.FeedbackFilter{Topic: filter.Topic, State: state}
		body.States = append(body.States, tab{link{sentence(state), feedbackQuery(other, "")}, state == body.State})
	}
	if body.Lines, err = s.feedbackLines(r, found); err != nil {
		return err
	}
	s.render(w, r, http.StatusOK, adminView("admin-feedback", "Feedback", tabFeedback, body))
	return nil
}

// feedbackFilterOf reads the filters of an address or form. Without a state only open feedback is shown.
func feedbackFilterOf(values url.Values) (members.FeedbackFilter, error) {
	filter := members.FeedbackFilter{Topic: values.Get("topic"), State: cmp.Or(values.Get("state"), members.FeedbackOpen)}
	known := filter.Topic == "" || slices.Contains(members.Topics(), filter.Topic)
	switch filter.State {
	case everyState:
		filter.State = ""
	case members.FeedbackOpen, members.FeedbackDone:
	default:
		known = false
	}
	if !known {
		return filter, errNothing
	}
	return filter, nil
}

func feedbackQuery(filter members.FeedbackFilter, after string) string {
	values := url.Values{"state": {cmp.Or(filter.State, everyState)}}
	if filter.Topic != "" {
		values.Set("topic", filter.Topic)
	}
	if after != "" {
		values.Set("after", after)
	}
	return withQuery(allFeedbackPath, values)
}

func (s *Web) feedbackLines(r *http.Request, found []members.Feedback) ([]feedbackLine, error) {
	lines, when := make([]feedbackLine, len(found)), s.times(r.Context())
	group, within := errgroup.WithContext(r.Context())
	group.SetLimit(atOnce)
	for i, one := range found {
		group.Go(portal.Guard(func() error {
			person, err := s.admin.People.Person(within, one.Account)
			if portal.CodeOf(err) == portal.NotFound {
				err = nil
			}
			lines[i] = when.feedbackLine(one, person)
			return err
		}))
	}
	return lines, group.Wait()
}

func (when times) feedbackLine(said members.Feedback, person identity.Person) feedbackLine {
	line := feedbackLine{
		ID: said.ID, Topic: topicName(said.Topic), Text: said.Text, Page: pathOf(said.Page), Account: string(said.Account), AccountHref: escapedPath("admin", "accounts", said.Account),
		Person: cmp.Or(person.Name, person.Email, string(said.Account)), Email: person.Email, At: when.moment(said.At),
		DoneBy: cmp.Or(string(said.DoneBy), said.Operator), Badge: badge{"busy", "clock", "Open"}, Open: !said.Done(), Mark: escapedPath("admin", "feedback", said.ID) + "/done",
	}
	if said.Done() {
		line.DoneAt = when.moment(*said.DoneAt)
		line.Badge, line.Mark = badge{"ok", "check", "Done"}, escapedPath("admin", "feedback", said.ID)+"/reopen"
	}
	return line
}

// allTopics are the topics as admins read them.
func allTopics() []feedbackTopic {
	return []feedbackTopic{
		{"documentation", "Documentation"}, {"api", "An API"}, {"account", "Accounts and keys"}, {"portal", "This portal"}, {"other", "Something else"},
	}
}

func topicName(id string) string {
	for _, topic := range allTopics() {
		if topic.Value == id {
			return topic.Label
		}
	}
	return id
}

// markFeedback marks feedback as done or as open again, and leads back to the list. A second form
// changes nothing.
func (s *Web) markFeedback(done bool) func(http.ResponseWriter, *http.Request, identity.Identity) error {
	return func(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
		if _, err := s.readForm(w, r, id); err != nil {
			return err
		}
		feedback, err := param(r, "feedback")
		if err != nil {
			return err
		}
		if _, err := s.admin.Feedback.MarkFeedback(r.Context(), members.By{Admin: id.Account}, feedback, done); err != nil {
			return err
		}
		filter, err := feedbackFilterOf(r.PostForm)
		if err != nil {
			filter = members.FeedbackFilter{State: members.FeedbackOpen}
		}
		http.Redirect(w, r, feedbackQuery(filter, strings.ToValidUTF8(r.PostForm.Get("after"), "")), http.StatusSeeOther)
		return nil
	}
}
