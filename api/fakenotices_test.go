package api_test

import (
	"context"
	"time"

	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const webhookSecret = "whsec_secret"

var (
	lost = notices.Notice{
		ID: "n-1", Kind: notices.SubscriptionLost, Importance: notices.Act, About: "plan/plan-gone", Title: "Gone has ended", Text: "It was removed.",
		Advice: "Take another.", Link: "/apis", At: now, Operation: "op-1",
	}
	hook = notices.Webhook{ID: "w-1", URL: "https://example.com/hooks", Description: "Mine", State: notices.WebhookOff, Why: "You turned it off.", CreatedAt: now, KMSKey: "mrk-secret"}
	sent = notices.Delivery{
		Channel: "webhook/w-1", Notice: "n-1", Kind: notices.SubscriptionLost, Title: "Gone has ended", State: notices.Pending, CreatedAt: now, NextAt: now.Add(time.Minute),
		Attempts: []notices.Attempt{{At: now, TookMS: 12, Status: 500, Error: "It answered 500 Internal Server Error.", Answer: "no"}},
	}
)

func (f *fake) askBy(what string, account portal.AccountID, name string) error {
	return f.ask(what, operations.Caller{Account: account}, name)
}

func (f *fake) List(_ context.Context, account portal.AccountID) ([]notices.Notice, error) {
	return f.noticed, f.askBy("notices", account, "")
}

func (f *fake) Dismiss(_ context.Context, account portal.AccountID, id string) (notices.Notice, error) {
	n := lost
	n.DismissedAt = now.Add(time.Minute)
	return n, f.askBy("dismiss", account, id)
}

func (f *fake) DeliveriesOf(_ context.Context, account portal.AccountID, notice string) ([]notices.Delivery, error) {
	mailed := sent
	mailed.Channel = notices.ChannelMail
	return []notices.Delivery{mailed}, f.askBy("deliveries-of", account, notice)
}

func (f *fake) MailAgain(_ context.Context, account portal.AccountID, notice string) (notices.Delivery, error) {
	mailed := sent
	mailed.Channel, mailed.Attempts = notices.ChannelMail, nil
	return mailed, f.askBy("mail-again", account, notice)
}

func (f *fake) Settings(_ context.Context, account portal.AccountID) (notices.Settings, error) {
	return f.settings, f.askBy("settings", account, "")
}

func (f *fake) SetSettings(_ context.Context, account portal.AccountID, settings notices.Settings) error {
	err := f.askBy("set-settings", account, "")
	f.settings = settings
	return err
}

func (f *fake) Webhooks(_ context.Context, account portal.AccountID) ([]notices.Webhook, error) {
	return f.hooks, f.askBy("webhooks", account, "")
}

func (f *fake) FindWebhook(_ context.Context, account portal.AccountID, id string) (notices.Webhook, error) {
	return hook, f.askBy("webhook", account, id)
}

func (f *fake) AddWebhook(_ context.Context, account portal.AccountID, address, _ string, _ []notices.Kind) (notices.Webhook, string, error) {
	return hook, webhookSecret, f.askBy("add-webhook", account, address)
}

func (f *fake) ChangeWebhook(_ context.Context, account portal.AccountID, id string, change notices.WebhookChange) (notices.Webhook, error) {
	w := hook
	if change.On != nil && *change.On {
		w.State, w.Why = notices.WebhookOn, ""
	}
	return w, f.askBy("change-webhook", account, id)
}

func (f *fake) DeleteWebhook(_ context.Context, account portal.AccountID, id string) error {
	return f.askBy("delete-webhook", account, id)
}

func (f *fake) RotateSecret(_ context.Context, account portal.AccountID, id string) (notices.Webhook, string, error) {
	w := hook
	w.PreviousUntil = now.Add(24 * time.Hour)
	return w, webhookSecret, f.askBy("rotate", account, id)
}

func (f *fake) TestWebhook(_ context.Context, account portal.AccountID, id string) (notices.Delivery, error) {
	return sent, f.askBy("test", account, id)
}

func (f *fake) Deliveries(_ context.Context, account portal.AccountID, id, _ string) ([]notices.Delivery, error) {
	return f.sent, f.askBy("deliveries", account, id)
}

func (f *fake) Redeliver(_ context.Context, account portal.AccountID, id, notice string) (notices.Delivery, error) {
	return sent, f.askBy("redeliver", account, id+" "+notice)
}

func (f *fake) RedeliverSince(_ context.Context, account portal.AccountID, id string, _, _ time.Time) (int, error) {
	return 3, f.askBy("redeliver-range", account, id)
}
