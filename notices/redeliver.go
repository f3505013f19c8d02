package notices

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/records"
	"github.com/gatehouse-portal/gatehouse/schema"
)

const (
	// MaxDeliveriesListed is the length of a page of deliveries.
	MaxDeliveriesListed = 50
	// MaxRedelivered is how many deliveries one request can ask for again.
	MaxRedelivered = 500
)

// Deliveries lists a webhook's deliveries, newest first. before is "" or a page's last notice.
func (d *Desk) Deliveries(ctx context.Context, account portal.AccountID, webhook, before string) ([]Delivery, error) {
	w, err := d.FindWebhook(ctx, account, webhook)
	if err != nil {
		return nil, err
	}
	to := last
	if before != "" {
		to = before
	}
	all, err := listed[Delivery](ctx, d.Store, schema.Deliveries(account, w.channel()), "", to, MaxDeliveriesListed+1)
	if len(all) > 0 && all[0].Notice == before {
		all = all[1:]
	}
	return all[:min(len(all), MaxDeliveriesListed)], err
}

// TestWebhook sends a notice that says nothing to a webhook, even if it is off. The error is
// TooManyRequests for more than MaxTests of the account in TestsWithin.
func (d *Desk) TestWebhook(ctx context.Context, account portal.AccountID, id string) (Delivery, error) {
	w, err := d.FindWebhook(ctx, account, id)
	if err != nil {
		return Delivery{}, err
	}
	now := d.Now().UTC()
	if err := d.countTest(ctx, account, now); err != nil {
		return Delivery{}, err
	}
	notice := Notice{
		ID: noticeID(now, 0, "test", w.ID, rand.Text()), Kind: WebhookTest, Importance: Info, About: "test/" + w.ID, Hidden: true, At: now,
		Title: "This is a test", Text: "Somebody asked for a test of this webhook. Nothing has happened.", Link: "/webhooks/" + w.ID,
	}
	n := &Notifier{Store: d.Store, Sender: d.Sender, Now: d.Now}
	delivery := n.delivery(notice, w.channel())
	return delivery, n.write(ctx, account, notice, []Delivery{delivery})
}

// Redeliver sends a notice to a webhook again, with the same webhook-id. One that a worker is
// sending is portal.Conflict.
func (d *Desk) Redeliver(ctx context.Context, account portal.AccountID, webhook, notice string) (Delivery, error) {
	w, err := d.redeliverable(ctx, account, webhook)
	if err != nil {
		return Delivery{}, err
	}
	delivery, ok, err := d.delivery(ctx, account, w.channel(), notice)
	switch {
	case err != nil:
		return Delivery{}, err
	case !ok:
		return Delivery{}, portal.Fail(portal.NotFound, "There is no such delivery.")
	}
	delivery, err = d.askAgain(ctx, account, delivery)
	if errors.Is(err, records.ErrRefused) {
		return Delivery{}, portal.Fail(portal.Conflict, "It is being sent at this moment. Look at the log.")
	}
	return delivery, err
}

func (d *Desk) redeliverable(ctx context.Context, account portal.AccountID, webhook string) (Webhook, error) {
	w, err := d.FindWebhook(ctx, account, webhook)
	if err == nil && !w.On() {
		err = portal.Fail(portal.Conflict, "The webhook is off. Turn it on first.")
	}
	return w, err
}

// RedeliverSince sends every notice of a period again that went, or should have gone, to a
// webhook, except those that a worker is sending. It returns how many.
func (d *Desk) RedeliverSince(ctx context.Context, account portal.AccountID, webhook string, since, until time.Time) (int, error) {
	switch {
	case since.IsZero() || until.IsZero():
		return 0, portal.Fail(portal.Invalid, "Give both times, since and until.")
	case until.Before(since):
		return 0, portal.Fail(portal.Invalid, "The end of the time is before its beginning. Swap since and until.")
	case d.Now().Sub(since) > keep:
		return 0, portal.Fail(portal.Invalid, "Deliveries are kept for 90 days. Choose a later beginning.")
	}
	w, err := d.redeliverable(ctx, account, webhook)
	if err != nil {
		return 0, err
	}
	all, err := listed[Delivery](ctx, d.Store, schema.Deliveries(account, w.channel()), idsFrom(since), idsFrom(until)+last, MaxRedelivered+1)
	if err != nil {
		return 0, err
	}
	if len(all) > MaxRedelivered {
		return 0, portal.Fail(portal.Invalid, fmt.Sprintf("There are more than %d deliveries in that time. Choose a shorter one.", MaxRedelivered))
	}
	asked := 0
	for _, delivery := range all {
		_, err := d.askAgain(ctx, account, delivery)
		switch {
		case errors.Is(err, records.ErrRefused):
		case err != nil:
			return asked, err
		default:
			asked++
		}
	}
	return asked, nil
}

// askAgain begins another round. The error is records.ErrRefused while a worker is sending the
// delivery.
func (d *Desk) askAgain(ctx context.Context, account portal.AccountID, delivery Delivery) (Delivery, error) {
	now := d.Now().UTC()
	if delivery.ClaimedUntil.After(now) {
		return Delivery{}, records.ErrRefused
	}
	before := delivery.Version
	delivery.Version++
	delivery.Round++
	delivery.Tries, delivery.State, delivery.AskedAt, delivery.NextAt = 0, Pending, now, time.Time{}
	err := d.rows.Transact(ctx, "asking for a delivery of "+string(account)+" again",
		changeDelivery(account, delivery, before), putDue(delivery.due(account, now, unheard)))
	if err != nil {
		return Delivery{}, err
	}
	return delivery, portal.Postpone("the queues do not answer", d.Sender.Send(ctx, delivery.wakeUp(account, now)))
}
