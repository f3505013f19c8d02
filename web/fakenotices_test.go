package web_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const webhookSecret = "whsec_c2VjcmV0IHRoYXQgbWF5IGJlIHNlZW4gb25jZSBvbmx5"

// fakeNotices are the notices and webhooks of a fake.
type fakeNotices struct {
	notices    []notices.Notice
	settings   notices.Settings
	webhooks   []notices.Webhook
	deliveries []notices.Delivery
	// since and until are those of the last range.
	since, until time.Time
	change       notices.WebhookChange
	kinds        []notices.Kind
	mails        map[string]notices.Delivery
}

func (f *fake) asks(what string, account portal.AccountID) error {
	_, err := f.ask(what, operations.Caller{Account: account}, "")
	return err
}

func (f *fake) List(context.Context, portal.AccountID) ([]notices.Notice, error) {
	return f.told.notices, f.err
}

func (f *fake) Dismiss(_ context.Context, account portal.AccountID, id string) (notices.Notice, error) {
	return notices.Notice{}, f.asks("dismiss "+id, account)
}

func (f *fake) Mails(_ context.Context, _ portal.AccountID, oldest string) (map[string]notices.Delivery, error) {
	if n := len(f.told.notices); oldest != f.told.notices[n-1].ID {
		return nil, fmt.Errorf("the oldest notice is not %s", oldest)
	}
	return f.told.mails, f.err
}

func (f *fake) MailAgain(_ context.Context, account portal.AccountID, notice string) (notices.Delivery, error) {
	return notices.Delivery{}, f.asks("mail "+notice, account)
}

func (f *fake) Settings(context.Context, portal.AccountID) (notices.Settings, error) {
	return f.told.settings, f.err
}

func (f *fake) SetSettings(_ context.Context, account portal.AccountID, settings notices.Settings) error {
	f.told.settings = settings
	return f.asks("settings", account)
}

func (f *fake) Webhooks(context.Context, portal.AccountID) ([]notices.Webhook, error) {
	return f.told.webhooks, f.err
}

func (f *fake) FindWebhook(_ context.Context, _ portal.AccountID, id string) (notices.Webhook, error) {
	i := slices.IndexFunc(f.told.webhooks, func(w notices.Webhook) bool { return w.ID == id })
	if i < 0 {
		return notices.Webhook{}, cmp.Or(f.err, error(portal.Fail(portal.NotFound, "There is no such webhook.")))
	}
	return f.told.webhooks[i], f.err
}

func (f *fake) AddWebhook(_ context.Context, account portal.AccountID, address, _ string, kinds []notices.Kind) (notices.Webhook, string, error) {
	f.told.kinds = kinds
	return notices.Webhook{ID: "w-1", URL: address, State: notices.WebhookOn}, webhookSecret, f.asks("add "+address, account)
}

func (f *fake) ChangeWebhook(_ context.Context, account portal.AccountID, id string, change notices.WebhookChange) (notices.Webhook, error) {
	f.told.change = change
	return notices.Webhook{ID: id}, f.asks("change "+id, account)
}

func (f *fake) DeleteWebhook(_ context.Context, account portal.AccountID, id string) error {
	return f.asks("delete "+id, account)
}

func (f *fake) RotateSecret(_ context.Context, account portal.AccountID, id string) (notices.Webhook, string, error) {
	return notices.Webhook{ID: id, PreviousUntil: now.Add(24 * time.Hour)}, webhookSecret, f.asks("rotate "+id, account)
}

func (f *fake) TestWebhook(_ context.Context, account portal.AccountID, id string) (notices.Delivery, error) {
	return notices.Delivery{}, f.asks("test "+id, account)
}

func (f *fake) Deliveries(context.Context, portal.AccountID, string, string) ([]notices.Delivery, error) {
	return f.told.deliveries, f.err
}

func (f *fake) Redeliver(_ context.Context, account portal.AccountID, id, notice string) (notices.Delivery, error) {
	return notices.Delivery{}, f.asks("redeliver "+id+" "+notice, account)
}

func (f *fake) RedeliverSince(_ context.Context, account portal.AccountID, id string, since, until time.Time) (int, error) {
	f.told.since, f.told.until = since, until
	return 3, f.asks("range "+id, account)
}

// informed is a person with notices of every kind of look, and webhooks in every state.
func informed() *fake {
	f := subscribed()
	notice := func(id string, importance notices.Importance, title string) notices.Notice {
		return notices.Notice{
			ID: id, Kind: notices.SubscriptionLost, Importance: importance, About: "plan/" + id, Title: title, Text: "It was removed: " + longWord + ".",
			Advice: "Subscribe to another plan.", Link: "/apis", At: now.Add(-time.Hour),
		}
	}
	done := notice("n-4", notices.Act, "This was dismissed")
	done.DismissedAt = now
	f.told = fakeNotices{
		notices: []notices.Notice{
			notice("n-1", notices.Warn, "Your request was refused"), notice("n-2", notices.Act, "Your subscription to "+longName+" has ended"),
			notice("n-3", notices.Info, "Plus is active"), done,
		},
		settings: notices.Settings{Off: map[string][]notices.Kind{notices.ChannelMail: {notices.KeyCreated}}},
		webhooks: []notices.Webhook{
			{ID: "w-1", URL: "https://example.com/" + longWord + longWord, Description: longName, State: notices.WebhookOn, CreatedAt: now, Kinds: []notices.Kind{notices.KeyCreated, notices.KeyEnded}, FailingSince: now.Add(-time.Hour), PreviousUntil: now.Add(time.Hour)},
			{ID: "w-2", URL: "https://example.com/off", State: notices.WebhookOff, Why: "It answered 410 Gone, which means that it wants no more notices.", CreatedAt: now},
		},
		mails: map[string]notices.Delivery{
			"n-1": {Notice: "n-1", State: notices.Delivered, Attempts: []notices.Attempt{{At: now.Add(-time.Hour), Error: "The mail service was busy."}, {At: now}}},
			"n-2": {Notice: "n-2", State: notices.Failed, Attempts: []notices.Attempt{{At: now, Error: "The mail service refused the address " + longWord + "."}}},
			"n-3": {Notice: "n-3", State: notices.Delivered, Round: notices.MaxMailsAgain, Attempts: []notices.Attempt{{At: now}}},
			"n-4": {Notice: "n-4", State: notices.Pending, NextAt: now.Add(time.Minute), Attempts: []notices.Attempt{{At: now, Error: "The mail service was busy."}}},
		},
		deliveries: []notices.Delivery{
			{Notice: "n-2", Title: "Waiting", State: notices.Pending, NextAt: now.Add(time.Hour), Attempts: []notices.Attempt{{At: now, TookMS: 1200, Status: 500, Error: "It answered 500 Internal Server Error.", Answer: "<script>alert(1)</script>" + longWord + longWord}}},
			{Notice: "n-3", Title: "Fine", State: notices.Delivered, Attempts: []notices.Attempt{{At: now, TookMS: 12, Status: 204}}},
			{Notice: "n-4", Title: "Failed", State: notices.Failed, Attempts: []notices.Attempt{{At: now, Error: "The host was not found."}}},
			{Notice: "n-5", Title: "Held", State: notices.Held},
		},
	}
	return f
}

// informedStates are the pages of notices and webhooks in every state that looks different.
func informedStates() map[string]shown {
	off := informed()
	refused := informed()
	refused.askErr = portal.Fail(portal.Invalid, "The address must begin with https://.")
	full := informed()
	for len(full.told.webhooks) < notices.MaxWebhooks {
		full.told.webhooks = append(full.told.webhooks, full.told.webhooks[0])
	}
	return map[string]shown{
		"dashboard, needs the person": {site: signedIn(informed()), path: "/dashboard"},
		"notices":                     {site: signedIn(informed()), path: "/account/notices"},
		"notices, none, saved":        {site: signedIn(subscribed()), path: "/account/notices?saved"},
		"webhooks":                    {site: signedIn(informed()), path: "/webhooks"},
		"webhooks, none":              {site: signedIn(subscribed()), path: "/webhooks"},
		"webhooks, full":              {site: signedIn(full), path: "/webhooks"},
		"webhooks, refused":           {site: signedIn(refused), path: "/webhooks", post: "/webhooks", form: `document.querySelector("#url-new").value = "https://example.com"`},
		"webhook":                     {site: signedIn(informed()), path: "/webhooks/w-1?done=tested"},
		"webhook, off":                {site: signedIn(off), path: "/webhooks/w-2"},
		"webhook, refused":            {site: signedIn(refused), path: "/webhooks/w-1", post: "/webhooks/w-1/test"},
		"webhook, secret":             {site: signedIn(informed()), path: "/webhooks", post: "/webhooks", form: `document.querySelector("#url-new").value = "https://example.com"`},
		"webhook, new secret":         {site: signedIn(informed()), path: "/webhooks/w-1", post: "/webhooks/w-1/rotate-secret", form: `document.querySelector("#rotate").open = true`},
	}
}
