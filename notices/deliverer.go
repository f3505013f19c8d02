package notices

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/records"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// leaseTime is how long a worker may take for an attempt, before another may begin one.
const leaseTime = time.Minute

// Deliverer sends deliveries and records their outcomes.
//
// A worker leases a delivery before it sends, so no two send it at once. If it stops between
// sending and recording, the lease ends and the due row has it sent again: a delivery is sent at
// least once. A receiver of webhooks recognises the second copy by its webhook-id.
type Deliverer struct {
	Store    *Store
	Notifier *Notifier
	Sender   sender
	Mail     *MailSender
	Webhooks *WebhookSender
	// Invitations finds the address of an invitation.
	Invitations invitations
	Now         func() time.Time
}

type result struct {
	Attempt
	// final failures are not retried.
	final bool
	// notBefore is the receiver's earliest time for the next try, or zero.
	notBefore time.Time
	// gone: the receiver wants nothing any more.
	gone bool
}

func (r result) ok() bool { return r.Error == "" }

// failedFor is a result for which nothing was sent.
func failedFor(why string) result { return result{Attempt: Attempt{Error: why}, final: true} }

// Handle sends the delivery that the message names, if it is due and no other worker is at it. It
// returns *portal.Postponed if a table, KMS or the mail service does not answer for now; that is no
// attempt.
func (d *Deliverer) Handle(ctx context.Context, msg events.Event) error {
	account, ok := msg.Subject.Account()
	asked, isDelivery := msg.Data.(events.DeliveryRequested)
	if !ok || !isDelivery {
		return portal.Fail(portal.Invalid, "A delivery needs an account.")
	}
	delivery, ok, err := d.Store.delivery(ctx, account, asked.Channel, asked.Notice)
	now := d.Now()
	if err != nil || !ok || delivery.State != Pending || delivery.ClaimedUntil.After(now) || delivery.NextAt.After(now) {
		return err
	}
	if delivery, err = d.Store.lease(ctx, account, delivery, now); errors.Is(err, records.ErrRefused) {
		return nil // another worker has it
	} else if err != nil {
		return err
	}
	if delivery.Channel == channelInvitation {
		return d.sendInvitation(ctx, account, delivery)
	}
	notice, ok, err := d.Store.notice(ctx, account, delivery.Notice)
	if err != nil {
		return d.handBack(ctx, account, delivery, err)
	}
	if !ok {
		return d.record(ctx, account, delivery, Webhook{}, failedFor("The notice has expired."))
	}
	if id, ok := delivery.webhook(); ok {
		return d.sendWebhook(ctx, account, delivery, notice, id)
	}
	got, err := d.Mail.send(ctx, account, notice, delivery.Round)
	if err != nil {
		return d.handBack(ctx, account, delivery, err)
	}
	return d.record(ctx, account, delivery, Webhook{}, d.timed(now, got))
}

func (d *Deliverer) sendWebhook(ctx context.Context, account portal.AccountID, delivery Delivery, notice Notice, id string) error {
	webhook, ok, err := d.Store.Webhook(ctx, account, id)
	if err != nil {
		return d.handBack(ctx, account, delivery, err)
	}
	began := d.Now()
	switch {
	case !ok:
		return d.record(ctx, account, delivery, Webhook{}, d.timed(began, failedFor("The webhook was deleted.")))
	case !webhook.On() && notice.Kind != WebhookTest:
		return d.hold(ctx, account, delivery)
	}
	got, err := d.Webhooks.send(ctx, account, webhook, notice, began)
	if err != nil {
		return d.handBack(ctx, account, delivery, err)
	}
	return d.record(ctx, account, delivery, webhook, d.timed(began, got))
}

func (d *Deliverer) timed(began time.Time, r result) result {
	r.At, r.TookMS = began.UTC(), d.Now().Sub(began).Milliseconds()
	return r
}

func (s *Store) lease(ctx context.Context, account portal.AccountID, d Delivery, now time.Time) (Delivery, error) {
	before := d.Version
	d.Version++
	d.ClaimedUntil = now.Add(leaseTime).UTC()
	return d, s.update(ctx, account, d, before)
}

// update writes what changes of a delivery, unless it is no longer at the version before.
func (s *Store) update(ctx context.Context, account portal.AccountID, d Delivery, before int64) error {
	return s.rows.Transact(ctx, "writing a delivery of "+string(account), changeDelivery(account, d, before))
}

func changeDelivery(account portal.AccountID, d Delivery, before int64) records.Write {
	return changedOnly(schema.Delivery(account, d.Channel, d.Notice), d, before, d.CreatedAt.Add(keep))
}

// handBack ends the lease without an attempt, and returns the error as a reason to wait.
func (d *Deliverer) handBack(ctx context.Context, account portal.AccountID, delivery Delivery, cause error) error {
	before := delivery.Version
	delivery.Version++
	delivery.ClaimedUntil = time.Time{}
	if err := d.Store.update(context.WithoutCancel(ctx), account, delivery, before); err != nil {
		cause = errors.Join(cause, err)
	}
	return portal.Postpone("a delivery has to wait", cause)
}

func (d *Deliverer) hold(ctx context.Context, account portal.AccountID, delivery Delivery) error {
	before := delivery.Version
	delivery.Version++
	delivery.State, delivery.ClaimedUntil = Held, time.Time{}
	err := d.Store.update(ctx, account, delivery, before)
	if errors.Is(err, records.ErrRefused) {
		return nil
	}
	return err
}

// record writes an attempt's result, with the due row of the next one. If the lease has ended and
// another worker has begun, that worker records.
func (d *Deliverer) record(ctx context.Context, account portal.AccountID, delivery Delivery, webhook Webhook, r result) error {
	before, now := delivery.Version, d.Now()
	delivery.Version++
	delivery.ClaimedUntil = time.Time{}
	delivery.Tries++
	if r.At.IsZero() {
		r.At = now.UTC()
	}
	delivery.Attempts = append(delivery.Attempts, r.Attempt)
	delivery.Attempts = delivery.Attempts[max(0, len(delivery.Attempts)-maxAttempts):]
	wait, again := nextWait(delivery.Tries)
	var writes []records.Write
	switch {
	case r.ok():
		delivery.State = Delivered
	case r.final || !again || delivery.Kind == WebhookTest:
		delivery.State = Failed
	default:
		delivery.NextAt = now.Add(max(wait, min(r.notBefore.Sub(now), maxRetryAfter))).UTC()
		writes = append(writes, putDue(delivery.due(account, now, delivery.NextAt.Sub(now))))
	}
	err := d.Store.rows.Transact(ctx, "recording a delivery of "+string(account), append(writes, changeDelivery(account, delivery, before))...)
	if errors.Is(err, records.ErrRefused) {
		return nil
	}
	if err != nil || webhook.ID == "" {
		return err
	}
	return d.judge(ctx, account, webhook, r)
}

const maxRetryAfter = 24 * time.Hour

// judge records since when a webhook has failed, and switches it off after MaxFailing.
func (d *Deliverer) judge(ctx context.Context, account portal.AccountID, w Webhook, r result) error {
	now := d.Now()
	switch {
	case r.ok() && w.FailingSince.IsZero():
		return nil
	case r.ok():
		return d.Store.setFailing(ctx, account, w, time.Time{})
	case r.gone:
		return d.switchOff(ctx, account, w, "It answered 410 Gone, which means that it wants no more notices.")
	case w.FailingSince.IsZero():
		return d.Store.setFailing(ctx, account, w, now)
	case now.Sub(w.FailingSince) >= MaxFailing && w.On():
		return d.switchOff(ctx, account, w, fmt.Sprintf("Every delivery has failed for %d days.", int(MaxFailing.Hours()/24)))
	}
	return nil
}

func (d *Deliverer) switchOff(ctx context.Context, account portal.AccountID, w Webhook, why string) error {
	err := d.Store.setOff(ctx, account, w.ID, why)
	if errors.Is(err, records.ErrRefused) {
		return nil // it is off already, or deleted
	}
	if err != nil {
		return err
	}
	notice := webhookPaused(w, why)
	notice.At = d.Now().UTC()
	notice.ID = noticeID(notice.At, 0, "webhook", w.ID, fmt.Sprint(w.Version), w.FailingSince.UTC().String())
	return d.Notifier.Tell(ctx, account, notice)
}

// Wake asks for a due row's attempt. done: the attempt is over.
func (d *Deliverer) Wake(ctx context.Context, row due.Row) (done bool, err error) {
	account, ok := row.Stream.Account()
	if !ok {
		return true, nil
	}
	delivery, ok, err := d.Store.delivery(ctx, account, row.Channel, row.Notice)
	if err != nil {
		return false, err
	}
	if !ok || delivery.State != Pending || delivery.attempt() != row.Attempt {
		return true, nil
	}
	err = d.Sender.Send(ctx, wakeUp(account, row.Channel, row.Notice, row.Attempt, row.Asked+1, d.Now()))
	return false, portal.Postpone("the queues do not answer", err)
}

func (s *Store) setFailing(ctx context.Context, account portal.AccountID, w Webhook, since time.Time) error {
	err := s.changeWebhook(ctx, account, w.ID, "SET failing_since = :since", "attribute_exists(pk)",
		map[string]types.AttributeValue{":since": schema.Time(since)})
	if errors.Is(err, records.ErrRefused) {
		return nil // it was deleted
	}
	return err
}

// setOff switches a webhook off. The error is records.ErrRefused if it is off or deleted.
func (s *Store) setOff(ctx context.Context, account portal.AccountID, id, why string) error {
	return s.changeWebhook(ctx, account, id, "SET #state = :off, why = :why", "#state = :on", map[string]types.AttributeValue{
		":off": schema.Text(WebhookOff), ":on": schema.Text(WebhookOn), ":why": schema.Text(why),
	})
}

func (s *Store) changeWebhook(ctx context.Context, account portal.AccountID, id, update, condition string, values map[string]types.AttributeValue) error {
	values[":one"] = schema.Number(1)
	write := records.Write{
		Key: schema.Webhook(account, id), Update: update + ", version = version + :one", // so that an edit under way is refused
		If: condition, Values: values,
	}
	if _, ok := values[":off"]; ok {
		write.Names = map[string]string{"#state": "state"}
	}
	return s.rows.Transact(ctx, "changing a webhook of "+string(account), write)
}
