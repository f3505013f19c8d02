package web

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// noticing is what people do with their notices and webhooks.
type noticing interface {
	List(ctx context.Context, account portal.AccountID) ([]notices.Notice, error)
	Dismiss(ctx context.Context, account portal.AccountID, id string) (notices.Notice, error)
	Settings(ctx context.Context, account portal.AccountID) (notices.Settings, error)
	SetSettings(ctx context.Context, account portal.AccountID, settings notices.Settings) error
	Mails(ctx context.Context, account portal.AccountID, oldest string) (map[string]notices.Delivery, error)
	MailAgain(ctx context.Context, account portal.AccountID, notice string) (notices.Delivery, error)
	notices.WebhookDesk
}

// noticesPath is the page of notices and of where they go.
const noticesPath = "/account/notices"

func (s *Web) noticeRoutes(r chi.Router) {
	if s.notices == nil {
		return
	}
	get(r, noticesPath, s.page(s.member(s.noticesPage)))
	r.Post(noticesPath, s.page(s.member(s.setNotices)))
	r.Post("/notices/{notice}/dismiss", s.page(s.member(s.dismissNotice)))
	r.Post("/notices/{notice}/mail", s.page(s.member(s.mailAgain)))
	get(r, webhooksPath, s.page(s.member(s.webhooks)))
	r.Post(webhooksPath, s.page(s.member(s.addWebhook)))
	get(r, "/webhooks/{webhook}", s.page(s.member(s.webhook)))
	r.Post("/webhooks/{webhook}/rotate-secret", s.page(s.member(s.rotateSecret)))
	for path, do := range map[string]func(*http.Request, identity.Identity, string) (string, error){
		"/webhooks/{webhook}": s.changeWebhook, "/webhooks/{webhook}/delete": s.deleteWebhook, "/webhooks/{webhook}/test": s.testWebhook,
		"/webhooks/{webhook}/redeliver": s.redeliverRange, "/webhooks/{webhook}/deliveries/{notice}/redeliver": s.redeliver,
	} {
		r.Post(path, s.page(s.member(s.onWebhook(do))))
	}
}

type noticeLine struct {
	ID            string
	Badge         badge
	Title, Advice string
	Text          phrase
	Link          string
	At            moment
	Dismissible   bool
	Back          string
	Mail          *mailLine
	about         string
}

// about names what the lines are about.
func about(lines []noticeLine) map[string]bool {
	named := map[string]bool{}
	for _, line := range lines {
		named[line.about] = true
	}
	return named
}

func (when times) noticeLine(n notices.Notice, back string) noticeLine {
	line := noticeLine{
		ID: n.ID, Title: when.title(n), Text: when.phrase(body(n)), Advice: n.Advice, Link: n.Link, At: when.moment(n.At), Back: back, about: n.About,
		Dismissible: len(notices.NeedsYou([]notices.Notice{n})) == 1,
		Badge:       badge{"quiet", "info", "News"},
	}
	switch n.Importance {
	case notices.Act:
		line.Badge = badge{"bad", "warning", "Act"}
	case notices.Warn:
		line.Badge = badge{"warn", "warning", "Look"}
	}
	if n.Over || !n.DismissedAt.IsZero() {
		line.Badge = badge{"quiet", "check", "Done"}
	}
	return line
}

func (when times) title(n notices.Notice) string {
	if n.Until.IsZero() {
		return n.Title
	}
	return strings.ReplaceAll(n.Title, times{zone: time.UTC}.day(n.Until), when.day(n.Until))
}

func body(n notices.Notice) string {
	if rest, ok := strings.CutPrefix(n.Text, n.Title+", and "); ok && rest != "" {
		return strings.ToUpper(rest[:1]) + rest[1:]
	}
	return strings.TrimSpace(strings.TrimPrefix(n.Text, n.Title+"."))
}

// needs are the notices that the dashboard shows first. A disabled key has a place of its own there.
// told has the operations whose end such a notice tells, dismissed ones included: the dashboard need not
// tell it again. locked says that the dashboard begins with why the account cannot be used; a notice about
// the account would repeat that.
func (s *Web) needs(ctx context.Context, all []notices.Notice, locked bool) (lines []noticeLine, told map[portal.OperationID]bool) {
	told = map[portal.OperationID]bool{}
	for _, n := range all {
		if n.Operation != "" && n.Importance != notices.Info {
			told[n.Operation] = true
		}
	}
	when := s.times(ctx)
	for _, n := range notices.NeedsYou(all) {
		if n.Kind != notices.KeyDisabled && !(locked && n.About == notices.AboutAccount) {
			lines = append(lines, when.noticeLine(n, "/dashboard"))
		}
	}
	return lines, told
}

func (s *Web) allNotices(ctx context.Context, account portal.AccountID) ([]notices.Notice, error) {
	if s.notices == nil {
		return nil, nil
	}
	return s.notices.List(ctx, account)
}

type noticesPage struct {
	Notices     []noticeLine
	Groups      []settingsGroup
	Saved       bool
	Done, Error string
}

type settingsGroup struct {
	Name  string
	Lines []settingsLine
}

type settingsLine struct {
	Kind     notices.Kind
	Label    string
	Channels []settingsBox
}

type settingsBox struct {
	Name, Value, Label string
	On                 bool
}

func (s *Web) noticesPage(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	body := noticesPage{Saved: r.URL.Query().Has("saved")}
	if r.URL.Query().Has("mailed") {
		body.Done = mailedAgain
	}
	return s.renderNotices(w, r, id, http.StatusOK, body)
}

func (s *Web) renderNotices(w http.ResponseWriter, r *http.Request, id identity.Identity, status int, body noticesPage) error {
	all, err := s.notices.List(r.Context(), id.Account)
	if err != nil {
		return err
	}
	settings, err := s.notices.Settings(r.Context(), id.Account)
	if err != nil {
		return err
	}
	var mails map[string]notices.Delivery
	if len(all) > 0 {
		mails, err = s.notices.Mails(r.Context(), id.Account, all[len(all)-1].ID)
	}
	if err != nil {
		return err
	}
	body.Groups = settingsGroups(settings, id.Admin)
	when := s.times(r.Context())
	for _, n := range all {
		line := when.noticeLine(n, noticesPath)
		if mail, ok := mails[n.ID]; ok {
			line.Mail = when.mailLine(mail)
		}
		body.Notices = append(body.Notices, line)
	}
	s.render(w, r, status, view{page: "notices", Title: "Notices", Section: "dashboard", Body: body})
	return nil
}

func settingsGroups(settings notices.Settings, admin bool) []settingsGroup {
	labels := map[string]string{notices.ChannelDashboard: "Dashboard", notices.ChannelMail: "E-mail", notices.ChannelWebhook: "Webhooks"}
	var groups []settingsGroup
	for _, k := range notices.KindsFor(admin) {
		if len(groups) == 0 || groups[len(groups)-1].Name != k.Group {
			groups = append(groups, settingsGroup{Name: k.Group})
		}
		line := settingsLine{Kind: k.Kind, Label: k.Label}
		for _, channel := range notices.Channels() {
			line.Channels = append(line.Channels, settingsBox{
				Name: "on", Value: string(k.Kind) + " " + channel, Label: labels[channel], On: settings.Wants(k.Kind, channel),
			})
		}
		group := &groups[len(groups)-1]
		group.Lines = append(group.Lines, line)
	}
	return groups
}

// setNotices saves the form. Unchecked boxes are off.
func (s *Web) setNotices(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	if _, err := s.readForm(w, r, id); err != nil {
		return err
	}
	settings := notices.Settings{Off: map[string][]notices.Kind{}}
	for _, k := range notices.KindsFor(id.Admin) {
		for _, channel := range notices.Channels() {
			if !slices.Contains(r.PostForm["on"], string(k.Kind)+" "+channel) {
				settings.Off[channel] = append(settings.Off[channel], k.Kind)
			}
		}
	}
	if err := s.notices.SetSettings(r.Context(), id.Account, settings); err != nil {
		return err
	}
	http.Redirect(w, r, noticesPath+"?saved", http.StatusSeeOther)
	return nil
}

func (s *Web) dismissNotice(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	notice, err := param(r, "notice")
	if err != nil {
		return err
	}
	if _, err := s.readForm(w, r, id); err != nil {
		return err
	}
	if _, err := s.notices.Dismiss(r.Context(), id.Account, notice); err != nil {
		return err
	}
	back := "/dashboard"
	if strings.HasPrefix(r.PostForm.Get("back"), noticesPath) {
		back = noticesPath
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
	return nil
}
