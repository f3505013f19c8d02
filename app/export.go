package app

import (
	"context"
	"time"

	"github.com/gatehouse-portal/gatehouse/api"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/usage"
)

type belongings struct {
	views    *projections.Views
	ops      *operations.Operations
	people   identity.Lookup
	sessions func(ctx context.Context, account portal.AccountID) ([]identity.Session, error)
	members  *members.Store
	notices  *notices.Desk
	usage    *usage.Table
	now      func() time.Time
}

// newExporter exports all that the portal has about an account, without values of keys and
// secrets of webhooks. A package that keeps more about people adds a section.
func newExporter(b belongings) members.Exporter {
	return members.Exporter{Now: b.now, Sections: []members.Section{
		{Name: "profile", Each: b.profile},
		{Name: "sessions", Each: b.openSessions},
		{Name: "keys", Each: b.keys},
		{Name: "subscriptions", Each: b.subscriptions},
		{Name: "activity", Each: b.activity},
		{Name: "operations", Each: b.operations},
		{Name: "usage", Each: b.counted},
		{Name: "notice_settings", Each: b.noticeSettings},
		{Name: "notices", Each: b.told},
		{Name: "webhooks", Each: b.webhooks},
		{Name: "feedback", Each: b.feedback},
		{Name: "notes", Each: b.notesAbout},
	}}
}

type emitting func(item any) error

func (b belongings) profile(ctx context.Context, id portal.AccountID, emit func(any) error) error {
	account, err := b.views.Account(ctx, id)
	if err != nil {
		return err
	}
	person, err := b.people.Person(ctx, id)
	if err != nil && portal.CodeOf(err) != portal.NotFound {
		return err
	}
	settings, err := b.members.Settings(ctx, id)
	if err != nil {
		return err
	}
	return emit(struct {
		Status       string     `json:"status"`
		Message      string     `json:"message,omitempty"`
		RegisteredAt *time.Time `json:"registered_at"`
		Email        string     `json:"email"`
		Verified     bool       `json:"email_verified"`
		Name         string     `json:"name"`
		UpdatedAt    *time.Time `json:"updated_at"`
		TimeZone     string     `json:"time_zone"`
	}{
		account.Profile.Status, account.Profile.Message, timeOrNull(account.Profile.RegisteredAt),
		person.Email, person.Email != "" && !person.Unverified, person.Name, timeOrNull(person.UpdatedAt), settings.Location().String(),
	})
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func each[T any](all []T, err error, emit emitting, show func(T) any) error {
	if err != nil {
		return err
	}
	for _, one := range all {
		if err := emit(show(one)); err != nil {
			return err
		}
	}
	return nil
}

func (b belongings) openSessions(ctx context.Context, id portal.AccountID, emit func(any) error) error {
	all, err := b.sessions(ctx, id)
	return each(all, err, emit, func(s identity.Session) any { return api.ShowSession(s, "") })
}

func (b belongings) keys(ctx context.Context, id portal.AccountID, emit func(any) error) error {
	account, err := b.views.Account(ctx, id)
	if err != nil {
		return err
	}
	revealed, err := b.views.LastReveals(ctx, id)
	shown := api.ShowKeys(account, revealed)
	i := -1
	return each(account.Keys, err, emit, func(k projections.Key) any {
		i++
		return struct {
			api.Key
			GatewayID string     `json:"api_gateway_id,omitempty"`
			Ends      *time.Time `json:"ends_at"`
		}{shown[i], string(k.GatewayID), timeOrNull(k.Ends)}
	})
}

func (b belongings) subscriptions(ctx context.Context, id portal.AccountID, emit func(any) error) error {
	account, err := b.views.Account(ctx, id)
	return each(account.Subscriptions, err, emit, func(s projections.Subscription) any { return api.ShowSubscription(s) })
}

const exportPage = 100

func (b belongings) activity(ctx context.Context, id portal.AccountID, emit func(any) error) error {
	for cursor, more := "", true; more; {
		page, err := b.views.Activity(ctx, id, cursor, exportPage)
		err = each(page.Lines, err, emit, func(line projections.Activity) any {
			return struct {
				At       time.Time          `json:"at"`
				Text     string             `json:"text"`
				Revealed portal.KeyID       `json:"revealed_key,omitempty"`
				Follow   portal.OperationID `json:"operation,omitempty"`
			}{line.At, line.Text, line.Revealed, line.Operation}
		})
		if err != nil {
			return err
		}
		cursor, more = page.Next, page.Next != ""
	}
	return nil
}

func (b belongings) operations(ctx context.Context, id portal.AccountID, emit func(any) error) error {
	return b.ops.EachOperation(ctx, id, func(op operations.Operation) error { return emit(api.ShowOperation(op)) })
}

func (b belongings) counted(ctx context.Context, id portal.AccountID, emit func(any) error) error {
	account, err := b.views.Account(ctx, id)
	if err != nil {
		return err
	}
	today := b.now().UTC().Truncate(24 * time.Hour)
	report, err := b.usage.Report(ctx, id, usage.Query{First: today.AddDate(-1, 0, 0), Last: today})
	if err != nil {
		return err
	}
	names, err := usage.NamesOf(account).WithPast(ctx, b.views, id, report.Keys()...)
	if err != nil {
		return err
	}
	shown := api.ShowUsage(report, names)
	return each(shown.Items, nil, emit, func(u api.KeyUsage) any { return u })
}

func (b belongings) noticeSettings(ctx context.Context, id portal.AccountID, emit func(any) error) error {
	settings, err := b.notices.Settings(ctx, id)
	return each(api.ShowNoticeSettings(settings, true), err, emit, func(s api.KindSetting) any { return s })
}

func (b belongings) told(ctx context.Context, id portal.AccountID, emit func(any) error) error {
	all, err := b.notices.List(ctx, id)
	return each(all, err, emit, func(n notices.Notice) any { return api.ShowNotice(n) })
}

func (b belongings) webhooks(ctx context.Context, id portal.AccountID, emit func(any) error) error {
	all, err := b.notices.Webhooks(ctx, id)
	return each(all, err, emit, func(w notices.Webhook) any { return api.ShowWebhook(w) })
}

func (b belongings) feedback(ctx context.Context, id portal.AccountID, emit func(any) error) error {
	all, err := b.members.FeedbackOf(ctx, id)
	return each(all, err, emit, func(f members.Feedback) any { return api.ShowFeedback(f) })
}

// notesAbout are what admins wrote down about the account. They do not say which admin it was.
func (b belongings) notesAbout(ctx context.Context, id portal.AccountID, emit func(any) error) error {
	for before, more := "", true; more; {
		page, next, err := b.members.Notes(ctx, id, before, exportPage)
		err = each(page, err, emit, func(n members.Note) any {
			return struct {
				At   time.Time `json:"at"`
				Text string    `json:"text"`
			}{n.At, n.Text}
		})
		if err != nil {
			return err
		}
		before, more = next, next != ""
	}
	return nil
}
