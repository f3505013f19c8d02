package api

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
)

type sessionKeeping interface {
	Sessions(ctx context.Context, account portal.AccountID) ([]identity.Session, error)
	CurrentSession(r *http.Request) string
	EndSession(ctx context.Context, account portal.AccountID, id string) error
	EndSessions(ctx context.Context, account portal.AccountID) error
}

type settingKeeping interface {
	Settings(ctx context.Context, account portal.AccountID) (members.Settings, error)
	SetSettings(ctx context.Context, account portal.AccountID, settings members.Settings) error
}

type feedbackTaking interface {
	Submit(ctx context.Context, said members.Feedback) (members.Feedback, error)
}

type exporting interface {
	Export(ctx context.Context, account portal.AccountID, w io.Writer) error
}

type accountDeleting interface {
	DeleteMine(ctx context.Context, caller operations.Caller) (operations.Operation, error)
}

// Mine is what the routes about the caller's own account need.
type Mine struct {
	Operations accountDeleting
	Sessions   sessionKeeping
	Settings   settingKeeping
	Feedback   feedbackTaking
	Export     exporting
}

func (a *service) registerAccount(api huma.API) {
	read := huma.Operation{Tags: []string{tagAccount}, Method: http.MethodGet, Security: signedIn}
	sessions := read
	sessions.OperationID, sessions.Path, sessions.Summary = "list-sessions", "/account/sessions", "List where I am signed in"
	huma.Register(api, sessions, a.listSessions)
	end := func(id, path, summary, description string) huma.Operation {
		op := changing(huma.Operation{OperationID: id, Tags: []string{tagAccount}, Method: http.MethodDelete, Path: path, Summary: summary, Description: description})
		op.DefaultStatus = http.StatusNoContent
		return op
	}
	huma.Register(api, end("end-session", "/account/sessions/{session}", "Sign out one browser", ""), a.endSession)
	huma.Register(api, end("end-sessions", "/account/sessions", "Sign out everywhere",
		"It ends all sessions in browsers. Tokens that programs have of the identity provider stay valid until they expire."), a.endSessions)
	a.registerExport(api)
	remove := end("delete-account", "/account", "Delete my account",
		"The operation succeeds when API Gateway has no key of the account and your personal data is erased. Nothing brings the account back. Your next sign-in opens a new one.")
	remove.DefaultStatus = http.StatusAccepted
	huma.Register(api, remove, a.deleteMine)
	feedback := changing(huma.Operation{
		OperationID: "submit-feedback", Tags: []string{tagAccount}, Method: http.MethodPost, Path: "/feedback", Summary: "Tell the operator something",
		Description: "At most 10 messages an hour.",
	})
	feedback.DefaultStatus = http.StatusCreated
	huma.Register(api, feedback, a.submitFeedback)
}

// Session is a browser in which the account is signed in.
type Session struct {
	ID      string    `json:"id"`
	Browser string    `json:"browser"`
	Since   time.Time `json:"since"`
	SeenAt  time.Time `json:"seen_at" doc:"When it was last used, accurate to an hour."`
	EndsAt  time.Time `json:"ends_at"`
	Current bool      `json:"current" doc:"Whether the request comes from it."`
}

// ShowSession shows a session; current is the id of the request's own.
func ShowSession(s identity.Session, current string) Session {
	return Session{ID: s.ID, Browser: s.Browser, Since: s.Began, SeenAt: s.Seen, EndsAt: s.Ends, Current: s.ID == current}
}

func (a *service) listSessions(ctx context.Context, _ *struct{}) (*struct{ Body List[Session] }, error) {
	account, err := callerAccount(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	all, err := a.own.Sessions.Sessions(ctx, account)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	current := sessionFrom(ctx)
	return &struct{ Body List[Session] }{list(all, func(s identity.Session) Session { return ShowSession(s, current) })}, nil
}

func (a *service) endSession(ctx context.Context, in *struct {
	Session string `path:"session" maxLength:"64" doc:"A session's id." example:"4t6qk0w5y2b8n1r7m3x9zcvd5h"`
	Body    *Empty
}) (*struct{}, error) {
	account, err := callerAccount(ctx)
	if err == nil {
		err = a.own.Sessions.EndSession(ctx, account, in.Session)
	}
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return nil, nil
}

func (a *service) endSessions(ctx context.Context, _ *struct{ Body *Empty }) (*struct{}, error) {
	account, err := callerAccount(ctx)
	if err == nil {
		err = a.own.Sessions.EndSessions(ctx, account)
	}
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return nil, nil
}

func (a *service) deleteMine(ctx context.Context, in *struct{ Asking }) (*acceptedOutput, error) {
	return accept(ctx, in.Asking, func(caller operations.Caller) (operations.Operation, error) {
		return a.own.Operations.DeleteMine(ctx, caller)
	})
}

// FeedbackInput is what a person tells the operator.
type FeedbackInput struct {
	Topic string `json:"topic" enum:"documentation,api,account,portal,other"`
	Page  string `json:"page,omitempty" maxLength:"500" doc:"The path of the portal's page that it is about."`
	Text  string `json:"text" doc:"What you want to say, in at most 4000 characters."`
}

// Feedback is what a person told the operator.
type Feedback struct {
	ID    string    `json:"id"`
	At    time.Time `json:"at"`
	Topic string    `json:"topic" enum:"documentation,api,account,portal,other"`
	Page  string    `json:"page,omitempty"`
	Text  string    `json:"text"`
}

// ShowFeedback shows feedback to its author.
func ShowFeedback(f members.Feedback) Feedback {
	return Feedback{ID: f.ID, At: f.At, Topic: f.Topic, Page: f.Page, Text: f.Text}
}

func (a *service) submitFeedback(ctx context.Context, in *struct{ Body FeedbackInput }) (*struct{ Body Feedback }, error) {
	account, err := callerAccount(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	said, err := a.own.Feedback.Submit(ctx, members.Feedback{Account: account, Topic: in.Body.Topic, Page: in.Body.Page, Text: in.Body.Text})
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return &struct{ Body Feedback }{ShowFeedback(said)}, nil
}

type exportOutput struct {
	Body func(huma.Context)
}

func (a *service) registerExport(api huma.API) {
	op := huma.Operation{
		OperationID: "export-account", Tags: []string{tagAccount}, Method: http.MethodGet, Path: "/account/export", Summary: "Export my data",
		Description: "Everything that the portal has about you, in one JSON object with a list for each section. Values of keys and secrets of webhooks are not in it, because the portal does not store them.",
		Security:    signedIn,
	}
	huma.Register(api, op, a.export)
	describeExport(api, op.Path)
}

func describeExport(api huma.API, path string) {
	responses := api.OpenAPI().Paths[path].Get.Responses
	delete(responses, "204")
	responses["200"] = &huma.Response{Description: "OK", Content: map[string]*huma.MediaType{
		jsonType: {Schema: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}},
	}}
}

func (a *service) export(ctx context.Context, _ *struct{}) (*exportOutput, error) {
	account, err := callerAccount(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return a.exportOf(account), nil
}

func (a *service) exportOf(account portal.AccountID) *exportOutput {
	return &exportOutput{func(ctx huma.Context) {
		r, w := humachi.Unwrap(ctx)
		out := &exportWriter{w: w}
		err := a.own.Export.Export(r.Context(), account, out)
		switch {
		case err == nil:
		case !out.wrote:
			WriteProblem(w, r, err)
		default:
			zerolog.Ctx(r.Context()).Error().Err(err).Msg("an export failed")
			// The client must not take half an export for a whole one.
			panic(http.ErrAbortHandler)
		}
	}}
}

// exportWriter sets the headers of the download with the first byte, and remembers that it wrote.
type exportWriter struct {
	w     http.ResponseWriter
	wrote bool
}

func (b *exportWriter) Write(p []byte) (int, error) {
	if !b.wrote {
		b.wrote = true
		b.w.Header().Set("Content-Type", jsonType)
		b.w.Header().Set("Content-Disposition", `attachment; filename="account.json"`)
	}
	return b.w.Write(p)
}

type sessionKey struct{}

// withSession puts the id of the request's session into the context.
func withSession(current func(*http.Request) string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), sessionKey{}, current(r))))
		})
	}
}

func sessionFrom(ctx context.Context) string {
	id, _ := ctx.Value(sessionKey{}).(string)
	return id
}
