package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func (a *service) registerAllFeedback(api huma.API) {
	huma.Register(api, adminReads("admin-list-feedback", "/feedback", "List feedback", "The latest first. With a filter, a page may have fewer items than asked for."), a.listFeedback)
	huma.Register(api, adminChanges("admin-mark-feedback", http.MethodPut, "/feedback/{feedback}/done", "Mark feedback as done", "The person is not told. Marking it again changes nothing.", http.StatusOK), a.markFeedback(true))
	huma.Register(api, adminChanges("admin-reopen-feedback", http.MethodDelete, "/feedback/{feedback}/done", "Mark feedback as open again", "", http.StatusOK), a.markFeedback(false))
}

// AdminFeedback is what a person told the operator.
type AdminFeedback struct {
	ID       string     `json:"id"`
	Account  string     `json:"account"`
	At       time.Time  `json:"at"`
	Topic    string     `json:"topic" enum:"documentation,api,account,portal,other"`
	Page     string     `json:"page,omitempty" doc:"The page of the portal that it is about."`
	Text     string     `json:"text"`
	Email    string     `json:"email,omitempty" doc:"The person's, from the latest sign-in or ID token."`
	Name     string     `json:"name,omitempty"`
	DoneAt   *time.Time `json:"done_at" doc:"When it was marked as done, null if it is open."`
	DoneBy   string     `json:"done_by,omitempty" doc:"The account of the admin who marked it."`
	Operator string     `json:"done_by_operator,omitempty" doc:"Who marked it at the command line, as user@host, instead of an admin."`
}

func showFeedback(f members.Feedback, owner identity.Person) AdminFeedback {
	return AdminFeedback{
		ID: f.ID, Account: string(f.Account), At: f.At, Topic: f.Topic, Page: f.Page, Text: f.Text, Email: owner.Email, Name: owner.Name,
		DoneAt: f.DoneAt, DoneBy: string(f.DoneBy), Operator: f.Operator,
	}
}

// AllFeedbackInput asks for feedback.
type AllFeedbackInput struct {
	PageInput
	Topic string `query:"topic" enum:"documentation,api,account,portal,other" doc:"Only feedback about it."`
	State string `query:"state" enum:"open,done" doc:"Only feedback in this state."`
}

func (a *service) listFeedback(ctx context.Context, in *AllFeedbackInput) (*struct{ Body List[AdminFeedback] }, error) {
	if _, err := admin(ctx); err != nil {
		return nil, problemOf(ctx, err)
	}
	all, next, err := a.admin.Members.AllFeedback(ctx, members.FeedbackFilter{Topic: in.Topic, State: in.State}, in.Cursor, in.Limit)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	owners, err := ownersOf(ctx, a.admin.People, all, func(f members.Feedback) portal.AccountID { return f.Account })
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	shown := list(all, func(f members.Feedback) AdminFeedback { return showFeedback(f, owners[f.Account]) })
	shown.Next = in.next("/feedback", next, "topic", in.Topic, "state", in.State)
	return &struct{ Body List[AdminFeedback] }{shown}, nil
}

type feedbackInput struct {
	Feedback string `path:"feedback" maxLength:"64" doc:"The feedback's id." example:"001795338000000-8k3c4d5e6f"`
	Body     *Empty
}

func (a *service) markFeedback(done bool) func(context.Context, *feedbackInput) (*struct{ Body AdminFeedback }, error) {
	return func(ctx context.Context, in *feedbackInput) (*struct{ Body AdminFeedback }, error) {
		id, err := admin(ctx)
		if err != nil {
			return nil, problemOf(ctx, err)
		}
		said, err := a.admin.Members.MarkFeedback(ctx, members.By{Admin: id.Account}, in.Feedback, done)
		if err != nil {
			return nil, problemOf(ctx, err)
		}
		owners, err := ownersOf(ctx, a.admin.People, []members.Feedback{said}, func(f members.Feedback) portal.AccountID { return f.Account })
		if err != nil {
			return nil, problemOf(ctx, err)
		}
		return &struct{ Body AdminFeedback }{showFeedback(said, owners[said.Account])}, nil
	}
}
