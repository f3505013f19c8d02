package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/portal"
)

type noticing interface {
	List(ctx context.Context, account portal.AccountID) ([]notices.Notice, error)
	Dismiss(ctx context.Context, account portal.AccountID, id string) (notices.Notice, error)
	DeliveriesOf(ctx context.Context, account portal.AccountID, notice string) ([]notices.Delivery, error)
	MailAgain(ctx context.Context, account portal.AccountID, notice string) (notices.Delivery, error)
	Settings(ctx context.Context, account portal.AccountID) (notices.Settings, error)
	SetSettings(ctx context.Context, account portal.AccountID, settings notices.Settings) error
	notices.WebhookDesk
}

// Notice is something that the account's owner is told.
type Notice struct {
	ID          string     `json:"id"`
	Kind        string     `json:"kind" doc:"What the notice tells. The settings list all kinds."`
	Importance  string     `json:"importance" enum:"act,warn,info" doc:"act: something does not work until you act. warn: you may have to act. info: good to know."`
	Title       string     `json:"title"`
	Text        string     `json:"text"`
	Advice      string     `json:"advice,omitempty" doc:"What you can do."`
	Link        string     `json:"link" doc:"The page of the portal to look at, a path."`
	About       string     `json:"about" doc:"What the notice is about, such as plan/<id>, licence/<id> or key/<id>."`
	Operation   string     `json:"operation,omitempty" doc:"The operation that led to it."`
	At          time.Time  `json:"at"`
	NeedsYou    bool       `json:"needs_you" doc:"Whether the dashboard shows it first: it is still true, was not dismissed, and is more than good to know."`
	DismissedAt *time.Time `json:"dismissed_at" doc:"When it was dismissed."`
}

// ShowNotice returns a notice as the API shows it.
func ShowNotice(n notices.Notice) Notice {
	return Notice{
		ID: n.ID, Kind: string(n.Kind), Importance: string(n.Importance), Title: n.Title, Text: n.Text, Advice: n.Advice, Link: n.Link,
		About: n.About, Operation: string(n.Operation), At: n.At, DismissedAt: timeOrNull(n.DismissedAt),
		NeedsYou: len(notices.NeedsYou([]notices.Notice{n})) == 1,
	}
}

func (a *service) registerNotices(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "list-notices", Tags: []string{tagNotices}, Method: http.MethodGet, Path: "/notices", Summary: "List my notices", Security: signedIn,
		Description: "The newest 100, newest first. Notices are kept for 90 days.",
	}, a.listNotices)
	huma.Register(api, changing(huma.Operation{
		OperationID: "dismiss-notice", Tags: []string{tagNotices}, Method: http.MethodPost, Path: "/notices/{notice}/dismiss", Summary: "Dismiss a notice",
		Description: "Dismissing it again changes nothing.",
	}), a.dismissNotice)
	huma.Register(api, huma.Operation{
		OperationID: "list-notice-deliveries", Tags: []string{tagNotices}, Method: http.MethodGet, Path: "/notices/{notice}/deliveries", Summary: "List where a notice was sent", Security: signedIn,
		Description: "The mail, then the webhooks, oldest first. Deliveries are kept for 90 days.",
	}, a.noticeDeliveries)
	huma.Register(api, changing(huma.Operation{
		OperationID: "redeliver-mail", Tags: []string{tagNotices}, Method: http.MethodPost, Path: "/notices/{notice}/deliveries/mail/redeliver", Summary: "Send the mail about a notice again",
		Description: "At most 3 times.",
	}), a.mailAgain)
	huma.Register(api, huma.Operation{
		OperationID: "get-settings", Tags: []string{tagAccount}, Method: http.MethodGet, Path: "/account/settings", Summary: "Get my settings", Security: signedIn,
	}, a.getSettings)
	huma.Register(api, changing(huma.Operation{
		OperationID: "set-settings", Tags: []string{tagAccount}, Method: http.MethodPut, Path: "/account/settings", Summary: "Change my settings",
		Description: "A section that the request leaves out stays as it is. In the section notices, a kind or a channel that it leaves out is on.",
	}), a.setSettings)
	a.registerWebhooks(api)
}

func (a *service) listNotices(ctx context.Context, _ *struct{}) (*struct{ Body List[Notice] }, error) {
	account, err := callerAccount(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	all, err := a.notices.List(ctx, account)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return &struct{ Body List[Notice] }{list(all, ShowNotice)}, nil
}

// NoticePath names a notice.
type NoticePath struct {
	Notice string `path:"notice" maxLength:"64" doc:"A notice's id." example:"001795338000000-000000000007-8k3c4d5e6f"`
}

type noticeAction struct {
	NoticePath
	Body *Empty
}

func (a *service) noticeDeliveries(ctx context.Context, in *NoticePath) (*struct{ Body List[Delivery] }, error) {
	account, err := callerAccount(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	all, err := a.notices.DeliveriesOf(ctx, account, in.Notice)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return &struct{ Body List[Delivery] }{list(all, showDelivery)}, nil
}

func (a *service) mailAgain(ctx context.Context, in *noticeAction) (*deliveryOutput, error) {
	account, err := callerAccount(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	d, err := a.notices.MailAgain(ctx, account, in.Notice)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return &deliveryOutput{showDelivery(d)}, nil
}

func (a *service) dismissNotice(ctx context.Context, in *noticeAction) (*struct{ Body Notice }, error) {
	account, err := callerAccount(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	n, err := a.notices.Dismiss(ctx, account, in.Notice)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return &struct{ Body Notice }{ShowNotice(n)}, nil
}

// Settings are an account's settings, in sections.
type Settings struct {
	TimeZone string        `json:"time_zone" doc:"The time zone in which pages show times: a name of the tz database."`
	Notices  []KindSetting `json:"notices" doc:"Which notices go where, by kind."`
}

// KindSetting says where notices of a kind go.
type KindSetting struct {
	Kind      string `json:"kind" maxLength:"64"`
	Group     string `json:"group,omitempty" maxLength:"64" doc:"What kinds of the same group are about. It is ignored in requests."`
	Label     string `json:"label,omitempty" maxLength:"256" doc:"When such a notice comes. It is ignored in requests."`
	Dashboard *bool  `json:"dashboard,omitempty"`
	Mail      *bool  `json:"mail,omitempty"`
	Webhook   *bool  `json:"webhook,omitempty"`
}

// ShowNoticeSettings shows the section notices. Admins have kinds of their own.
func ShowNoticeSettings(s notices.Settings, admin bool) []KindSetting {
	var out []KindSetting
	for _, k := range notices.KindsFor(admin) {
		on := func(channel string) *bool { wants := s.Wants(k.Kind, channel); return &wants }
		out = append(out, KindSetting{
			Kind: string(k.Kind), Group: k.Group, Label: k.Label,
			Dashboard: on(notices.ChannelDashboard), Mail: on(notices.ChannelMail), Webhook: on(notices.ChannelWebhook),
		})
	}
	return out
}

func readSettings(kinds []KindSetting) notices.Settings {
	s := notices.Settings{Off: map[string][]notices.Kind{}}
	for _, k := range kinds {
		for channel, on := range map[string]*bool{
			notices.ChannelDashboard: k.Dashboard, notices.ChannelMail: k.Mail, notices.ChannelWebhook: k.Webhook,
		} {
			if on != nil && !*on {
				s.Off[channel] = append(s.Off[channel], notices.Kind(k.Kind))
			}
		}
	}
	return s
}

func (a *service) getSettings(ctx context.Context, _ *struct{}) (*struct{ Body Settings }, error) {
	account, err := callerAccount(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return a.settingsOf(ctx, account)
}

func (a *service) settingsOf(ctx context.Context, account portal.AccountID) (*struct{ Body Settings }, error) {
	settings, err := a.notices.Settings(ctx, account)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	own, err := a.own.Settings.Settings(ctx, account)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	id, _ := identity.From(ctx)
	return &struct{ Body Settings }{Settings{TimeZone: own.Location().String(), Notices: ShowNoticeSettings(settings, id.Admin)}}, nil
}

// SettingsChange is what a person changes of the settings.
type SettingsChange struct {
	TimeZone *string       `json:"time_zone,omitempty" maxLength:"64" doc:"A name of the tz database."`
	Notices  []KindSetting `json:"notices,omitempty" doc:"Replaces the section."`
}

func (a *service) setSettings(ctx context.Context, in *struct{ Body SettingsChange }) (*struct{ Body Settings }, error) {
	account, err := callerAccount(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	if _, err := readSettings(in.Body.Notices).Checked(); err != nil {
		return nil, problemOf(ctx, err) // before the time zone is stored
	}
	if in.Body.TimeZone != nil {
		if err := a.own.Settings.SetSettings(ctx, account, members.Settings{TimeZone: *in.Body.TimeZone}); err != nil {
			return nil, problemOf(ctx, err)
		}
	}
	if in.Body.Notices != nil {
		if err := a.notices.SetSettings(ctx, account, readSettings(in.Body.Notices)); err != nil {
			return nil, problemOf(ctx, err)
		}
	}
	return a.settingsOf(ctx, account)
}
