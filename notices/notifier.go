package notices

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/records"
	"github.com/gatehouse-portal/gatehouse/schema"
	"github.com/gatehouse-portal/gatehouse/state"
)

type accountReader interface {
	AccountFrom(ctx context.Context, id portal.AccountID, after int64) (accounts.History, error)
}

type sender interface {
	Send(ctx context.Context, messages ...events.Event) error
}

// Notifier turns facts into notices and deliveries.
type Notifier struct {
	Accounts accountReader
	Store    *Store
	Sender   sender
	Now      func() time.Time
	// Mail says that notices go out by e-mail.
	Mail bool
}

// FactTypes lists the types of the facts that make notices.
func FactTypes() []string {
	var names []string
	for name := range sources() {
		names = append(names, name)
	}
	return names
}

// Handle tells an account's facts after the last that was told, up to its newest: a message about
// any of them is enough. It writes the notices with their deliveries, and asks for each delivery to
// be sent. A second delivery of the message, at the same time or later, finds the notices and changes
// nothing. If the worker stops before it has asked, the due rows do.
func (n *Notifier) Handle(ctx context.Context, msg events.Event) error {
	account, ok := msg.Subject.Account()
	if !ok {
		return nil
	}
	told, err := n.Told(ctx, account)
	if err != nil || msg.Sequence > 0 && msg.Sequence <= told {
		return err
	}
	history, err := n.Accounts.AccountFrom(ctx, account, told)
	if err != nil {
		return err
	}
	if history.Account.Standing.Leaving() {
		return nil // nothing may be written about an account that is being erased
	}
	oldest := n.Now().Add(-maxAge)
	if told == 0 {
		oldest = n.Now().Add(-maxAgeUntold)
	}
	upTo := told
	for _, fact := range history.Facts {
		if _, unknown := fact.Data.(events.Unknown); unknown && fact.Sequence > told {
			break // newer workers may have words for it
		}
		upTo = max(upTo, fact.Sequence)
		if fact.Sequence <= told || fact.Time.Before(oldest) {
			continue
		}
		for _, notice := range Of(fact, history.Account, history.Facts) {
			if err := n.Tell(ctx, account, notice); err != nil {
				return err
			}
		}
	}
	return n.Store.setTold(ctx, account, told, upTo)
}

// Of returns what a fact tells its account's owner, given the account after it, or later, and the
// account's latest facts.
func Of(fact events.Event, account state.Account, facts []events.Event) (told []Notice) {
	for _, source := range sources()[fact.Type()] {
		notice, ok := source.words(about{fact: fact, account: account, facts: facts})
		if !ok {
			continue
		}
		notice.ID, notice.Kind = noticeID(fact.Time, fact.Sequence, fact.ID), source.kind
		notice.At, notice.Operation = fact.Time, fact.Operation
		told = append(told, notice)
	}
	return told
}

// Told is the sequence of the last fact of the account that was told, or did not have to be.
func (n *Notifier) Told(ctx context.Context, account portal.AccountID) (int64, error) {
	var row struct {
		Seq int64 `dynamodbav:"seq"`
	}
	_, err := n.Store.rows.Get(ctx, schema.Told(account), &row)
	return row.Seq, err
}

func (s *Store) setTold(ctx context.Context, account portal.AccountID, before, seq int64) error {
	if seq <= before {
		return nil
	}
	err := s.rows.Transact(ctx, "noting what "+string(account)+" was told", records.OfAPerson(account), records.Write{
		Key: schema.Told(account), Update: "SET seq = :seq", If: "attribute_not_exists(seq) OR seq < :seq",
		Values: map[string]types.AttributeValue{":seq": schema.Number(seq)},
	})
	if errors.Is(err, records.ErrRefused) {
		return nil // another worker has told more, or the account was erased
	}
	return err
}

// Tell writes a notice with its deliveries, unless it exists, and asks for each to be sent. It writes
// nothing about an account that was erased.
func (n *Notifier) Tell(ctx context.Context, account portal.AccountID, notice Notice) error {
	settings, err := n.Store.Settings(ctx, account)
	if err != nil {
		return err
	}
	notice.Hidden = !settings.Wants(notice.Kind, ChannelDashboard)
	var channels []Delivery
	if n.Mail && settings.Wants(notice.Kind, ChannelMail) {
		channels = append(channels, n.delivery(notice, ChannelMail))
	}
	if settings.Wants(notice.Kind, ChannelWebhook) {
		webhooks, err := n.Store.Webhooks(ctx, account)
		if err != nil {
			return err
		}
		for _, w := range webhooks {
			if !w.Wants(notice.Kind) {
				continue
			}
			d := n.delivery(notice, w.channel())
			if !w.On() {
				d.State = Held
			}
			channels = append(channels, d)
		}
	}
	return n.write(ctx, account, notice, channels)
}

func (n *Notifier) delivery(notice Notice, channel string) Delivery {
	return Delivery{
		Channel: channel, Notice: notice.ID, Kind: notice.Kind, Title: notice.Title,
		State: Pending, CreatedAt: n.Now().UTC(), AskedAt: n.Now().UTC(),
	}
}

func (n *Notifier) write(ctx context.Context, account portal.AccountID, notice Notice, deliveries []Delivery) error {
	expires := notice.At.Add(keep)
	writes := []records.Write{
		records.OfAPerson(account), {Key: schema.Notice(account, notice.ID), Put: notice, Expires: expires, If: records.Missing},
	}
	var wakeUps []events.Event
	for _, d := range deliveries {
		writes = append(writes, newDelivery(account, d, expires)...)
		if d.State == Pending {
			wakeUps = append(wakeUps, d.wakeUp(account, n.Now()))
		}
	}
	err := n.Store.rows.Transact(ctx, "writing a notice of "+string(account), writes...)
	if errors.Is(err, records.ErrRefused) {
		return nil // an earlier delivery of the fact has written it, or the account was erased
	}
	if err != nil || len(wakeUps) == 0 {
		return err
	}
	return portal.Postpone("the queues do not answer", n.Sender.Send(ctx, wakeUps...))
}

// newDelivery returns the writes of a delivery that must not exist, and of its due row.
func newDelivery(account portal.AccountID, d Delivery, expires time.Time) []records.Write {
	row := records.Write{Key: schema.Delivery(account, d.Channel, d.Notice), Put: d, Expires: expires, If: records.Missing}
	if d.State != Pending {
		return []records.Write{row}
	}
	return []records.Write{row, putDue(d.due(account, d.AskedAt, unheard))}
}

// due is the due row of the delivery's next attempt, a wait after a time.
func (d Delivery) due(account portal.AccountID, from time.Time, wait time.Duration) due.Row {
	return due.OfDelivery(portal.AccountStream(account), d.Channel, d.Notice, d.attempt(), from, wait)
}

// unheard is how long after a delivery was asked for the due row asks again, in case the message was
// lost or the worker stopped. It is longer than a claim.
const unheard = 2 * time.Minute
