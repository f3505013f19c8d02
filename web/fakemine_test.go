package web_test

import (
	"context"
	"net/http"
	"time"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/web"
)

// mine is what the pages about a person's own account need, of a fake.
type mine struct{ *fake }

func (f *fake) mine() web.Mine {
	return web.Mine{Sessions: mine{f}, Settings: choices{f}, Feedback: mine{f}, Leaving: mine{f}}
}

func (m mine) Sessions(context.Context, portal.AccountID) ([]identity.Session, error) {
	return []identity.Session{
		{ID: "s-1", Browser: "Firefox on Linux", Began: now.Add(-time.Hour), Seen: now}, {ID: "s-2", Browser: longWord, Began: now.Add(-48 * time.Hour), Seen: now.Add(-47 * time.Hour)},
	}, m.err
}

func (m mine) CurrentSession(*http.Request) string { return "s-1" }

func (m mine) EndSession(_ context.Context, account portal.AccountID, id string) error {
	return m.asks("end session "+id, account)
}

func (m mine) EndSessions(_ context.Context, account portal.AccountID) error {
	return m.asks("end sessions", account)
}

func (m mine) Submit(_ context.Context, said members.Feedback) (members.Feedback, error) {
	m.said = said
	return said, m.asks("feedback", said.Account)
}

func (m mine) DeleteMine(_ context.Context, caller operations.Caller) (operations.Operation, error) {
	return m.ask("delete", caller, "")
}

// choices are a person's settings.
type choices struct{ *fake }

func (c choices) Settings(context.Context, portal.AccountID) (members.Settings, error) {
	return members.Settings{TimeZone: c.zone}, c.err
}

func (c choices) SetSettings(_ context.Context, account portal.AccountID, settings members.Settings) error {
	if _, err := members.ParseTimeZone(settings.TimeZone); err != nil {
		return err
	}
	return c.asks("zone "+settings.TimeZone, account)
}
