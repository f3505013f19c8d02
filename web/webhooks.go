package web

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const webhooksPath = "/webhooks"

type webhooksPage struct {
	Webhooks                []webhookLine
	Full                    bool
	Most                    int
	URL, Description, Error string
	kindsForm
}

type webhookLine struct {
	ID, URL, Description string
	Badge                badge
	On                   bool
	Why                  string
	Kinds                string
	Created, Failing     moment
	OldSecretUntil       phrase
}

type webhookPage struct {
	webhookLine
	Deliveries   []deliveryLine
	Older        string
	First        bool
	Done, Error  string
	Since, Until string
	kindsForm
}

type deliveryLine struct {
	Webhook, Notice string
	Title           string
	Badge           badge
	At              moment
	// Next is when it is tried again, if it is.
	Next     phrase
	Attempts []attemptLine
	// Asked is when the person last had it sent again.
	Asked moment
	// Again says that it can be sent again.
	Again bool
}

type attemptLine struct {
	At     moment
	Text   string
	TookMS int64
	Answer string
}

func (when times) webhookLine(w notices.Webhook) webhookLine {
	line := webhookLine{
		ID: w.ID, URL: w.URL, Description: w.Description, On: w.On(), Why: w.Why, Created: when.moment(w.CreatedAt), Failing: when.moment(w.FailingSince),
		Badge: badge{"ok", "check", "On"}, Kinds: "every kind of notice",
	}
	switch n := len(w.Kinds); n {
	case 0:
	case 1:
		line.Kinds = "a notice when " + labelOf(w.Kinds[0])
	default:
		line.Kinds = count(n, "kind") + " of notices"
	}
	switch {
	case !w.On():
		line.Badge = badge{"bad", "pause", "Off"}
	case !w.FailingSince.IsZero():
		line.Badge = badge{"warn", "warning", "Failing"}
	}
	if when.now.Before(w.PreviousUntil) {
		line.OldSecretUntil = phrase{when.at(w.PreviousUntil)}
	}
	return line
}

func (s *Web) webhooks(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	return s.renderWebhooks(w, r, id, http.StatusOK, webhooksPage{})
}

func (s *Web) renderWebhooks(w http.ResponseWriter, r *http.Request, id identity.Identity, status int, body webhooksPage) error {
	all, err := s.notices.Webhooks(r.Context(), id.Account)
	if err != nil {
		return err
	}
	when := s.times(r.Context())
	for _, hook := range all {
		body.Webhooks = append(body.Webhooks, when.webhookLine(hook))
	}
	body.kindsForm = formOfKinds(chosenKinds(r), id.Admin)
	body.Most, body.Full = notices.MaxWebhooks, len(all) >= notices.MaxWebhooks
	s.render(w, r, status, view{page: "webhooks", Title: "Webhooks", Section: "dashboard", Body: body})
	return nil
}

type secretPage struct {
	webhookLine
	Secret  string
	Rotated bool
}

func (s *Web) addWebhook(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	if _, err := s.readForm(w, r, id); err != nil {
		return err
	}
	entered := webhooksPage{URL: r.PostForm.Get("url"), Description: r.PostForm.Get("description")}
	hook, secret, err := s.notices.AddWebhook(r.Context(), id.Account, entered.URL, entered.Description, chosenKinds(r))
	if text, ok := refusal(err); ok {
		entered.Error = text
		return s.renderWebhooks(w, r, id, s.status(err), entered)
	}
	if err != nil {
		return err
	}
	return s.showSecret(w, r, secretPage{webhookLine: s.times(r.Context()).webhookLine(hook), Secret: secret})
}

func (s *Web) showSecret(w http.ResponseWriter, r *http.Request, body secretPage) error {
	s.render(w, r, http.StatusOK, view{page: "webhook-secret", Title: "The secret of your webhook", Section: "dashboard", Body: body})
	return nil
}

func refusal(err error) (text string, ok bool) {
	switch portal.CodeOf(err) {
	case portal.Invalid, portal.Conflict, portal.LimitReached:
		return portal.MessageOf(err), true
	}
	return "", false
}

func (s *Web) webhook(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	hook, err := param(r, "webhook")
	if err != nil {
		return err
	}
	done := map[string]string{
		"changed": "Saved.", "tested": "A test is on its way. Reload the page to see what came of it.",
		"again": "It is sent again. Reload the page to see what came of it.",
	}[r.URL.Query().Get("done")]
	if n := r.URL.Query().Get("sent"); n != "" {
		done = "They are sent again. Reload the page to see what came of them."
		if n == "0" {
			done = "There are no deliveries in that time."
		}
	}
	return s.renderWebhook(w, r, id, hook, http.StatusOK, webhookPage{Done: done})
}

func (s *Web) renderWebhook(w http.ResponseWriter, r *http.Request, id identity.Identity, hook string, status int, body webhookPage) error {
	found, err := s.notices.FindWebhook(r.Context(), id.Account, hook)
	if err != nil {
		return err
	}
	before := r.URL.Query().Get("before")
	if len(before) > maxID {
		return errNothing
	}
	deliveries, err := s.notices.Deliveries(r.Context(), id.Account, hook, before)
	if err != nil {
		return err
	}
	when := s.times(r.Context())
	body.webhookLine, body.First = when.webhookLine(found), before == ""
	body.kindsForm = formOfKinds(found.Kinds, id.Admin)
	for _, d := range deliveries {
		body.Deliveries = append(body.Deliveries, when.deliveryLine(found, d))
	}
	if len(deliveries) == notices.MaxDeliveriesListed {
		body.Older = webhookPath(hook) + "?" + url.Values{"before": {deliveries[len(deliveries)-1].Notice}}.Encode()
	}
	if body.Since == "" {
		body.Since, body.Until = when.field(when.now.Add(-24*time.Hour)), when.field(when.now)
	}
	s.render(w, r, status, view{page: "webhook", Title: "Webhook", Section: "dashboard", Body: body})
	return nil
}

func (when times) deliveryLine(hook notices.Webhook, d notices.Delivery) deliveryLine {
	line := deliveryLine{
		Webhook: hook.ID, Notice: d.Notice, Title: d.Title, At: when.moment(d.CreatedAt), Again: hook.On() && d.State != notices.Pending,
		Badge: map[string]badge{
			notices.Pending: {"busy", "clock", "On its way"}, notices.Delivered: {"ok", "check", "Delivered"},
			notices.Failed: {"bad", "cross", "Failed"}, notices.Held: {"quiet", "pause", "Not sent"},
		}[d.State],
	}
	if d.Round > 0 {
		line.Asked = when.moment(d.AskedAt)
	}
	if d.State == notices.Pending && d.NextAt.After(when.now) {
		line.Badge, line.Next = badge{"warn", "clock", "Retrying"}, phrase{when.at(d.NextAt)}
	}
	for _, a := range d.Attempts {
		text := a.Error
		if text == "" {
			text = fmt.Sprintf("It answered %d.", a.Status)
		}
		line.Attempts = append(line.Attempts, attemptLine{At: when.moment(a.At), Text: text, TookMS: a.TookMS, Answer: a.Answer})
	}
	return line
}

func webhookPath(id string) string { return escapedPath("webhooks", id) }

// onWebhook does what a form asks of the webhook in the path, and says the result.
func (s *Web) onWebhook(do func(r *http.Request, id identity.Identity, hook string) (next string, err error)) func(http.ResponseWriter, *http.Request, identity.Identity) error {
	return func(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
		hook, err := param(r, "webhook")
		if err != nil {
			return err
		}
		if _, err := s.readForm(w, r, id); err != nil {
			return err
		}
		next, err := do(r, id, hook)
		text, ok := refusal(err)
		if portal.CodeOf(err) == portal.TooManyRequests {
			text, ok = refused(w, err)
		}
		if ok {
			return s.renderWebhook(w, r, id, hook, s.status(err), webhookPage{Error: text, Since: r.PostForm.Get("since"), Until: r.PostForm.Get("until")})
		}
		if err != nil {
			return err
		}
		http.Redirect(w, r, next, http.StatusSeeOther)
		return nil
	}
}

func (s *Web) changeWebhook(r *http.Request, id identity.Identity, hook string) (string, error) {
	var change notices.WebhookChange
	if r.PostForm.Has("url") {
		address, description := r.PostForm.Get("url"), r.PostForm.Get("description")
		kinds := chosenKinds(r)
		change.URL, change.Description, change.Kinds = &address, &description, &kinds
	}
	if state := r.PostForm.Get("state"); state != "" {
		on := state == notices.WebhookOn
		change.On = &on
	}
	_, err := s.notices.ChangeWebhook(r.Context(), id.Account, hook, change)
	return webhookPath(hook) + "?done=changed", err
}

func (s *Web) deleteWebhook(r *http.Request, id identity.Identity, hook string) (string, error) {
	return webhooksPath, s.notices.DeleteWebhook(r.Context(), id.Account, hook)
}

func (s *Web) testWebhook(r *http.Request, id identity.Identity, hook string) (string, error) {
	_, err := s.notices.TestWebhook(r.Context(), id.Account, hook)
	return webhookPath(hook) + "?done=tested", err
}

func (s *Web) redeliver(r *http.Request, id identity.Identity, hook string) (string, error) {
	notice, err := param(r, "notice")
	if err != nil {
		return "", err
	}
	_, err = s.notices.Redeliver(r.Context(), id.Account, hook, notice)
	return webhookPath(hook) + "?done=again", err
}

func (s *Web) redeliverRange(r *http.Request, id identity.Identity, hook string) (string, error) {
	when := s.times(r.Context())
	since, err := when.parse(r.PostForm.Get("since"))
	until, err2 := when.parse(r.PostForm.Get("until"))
	if err != nil || err2 != nil {
		return "", portal.Fail(portal.Invalid, "Give both times like 2026-11-27T09:30.")
	}
	n, err := s.notices.RedeliverSince(r.Context(), id.Account, hook, since, until.Add(time.Minute-1))
	return fmt.Sprintf("%s?sent=%d", webhookPath(hook), n), err
}

func (s *Web) rotateSecret(w http.ResponseWriter, r *http.Request, id identity.Identity) error {
	hook, err := param(r, "webhook")
	if err != nil {
		return err
	}
	if _, err := s.readForm(w, r, id); err != nil {
		return err
	}
	changed, secret, err := s.notices.RotateSecret(r.Context(), id.Account, hook)
	if err != nil {
		return err
	}
	return s.showSecret(w, r, secretPage{webhookLine: s.times(r.Context()).webhookLine(changed), Secret: secret, Rotated: true})
}
