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
	"github.com/gatehouse-portal/gatehouse/schema"
)

type accountReader interface {
	Account(ctx context.Context, id portal.AccountID) (accounts.History, error)
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

// Handle writes the notice of a fact with its deliveries, and asks for each to be sent. A second
// delivery of the fact, at the same time or later, finds the notice and changes nothing. If the
// worker stops before it has asked, the due rows do.
func (n *Notifier) Handle(ctx context.Context, fact events.Event) error {
	account, ok := fact.Subject.Account()
	from := sources()[fact.Type()]
	if !ok || len(from) == 0 || n.Now().Sub(fact.Time) > maxAge {
		return nil
	}
	history, err := n.Accounts.Account(ctx, account)
	if err != nil {
		return err
	}
	for _, source := range from {
		notice, ok := source.words(about{fact: fact, account: history.Account, facts: history.Facts})
		if !ok {
			continue
		}
		notice.ID, notice.Kind, notice.At, notice.Operation = noticeID(fact.Time, fact.Sequence, fact.ID), source.kind, fact.Time, fact.Operation
		if err := n.Tell(ctx, account, notice); err != nil {
			return err
		}
	}
	return nil
}

// Tell writes a notice with its deliveries, unless it exists, and asks for each to be sent.
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
	first, err := n.Store.put(schema.Notice(account, notice.ID), notice, expires, "attribute_not_exists(pk)")
	if err != nil {
		return err
	}
	writes := []types.TransactWriteItem{first}
	var wakeUps []events.Event
	for _, d := range deliveries {
		more, err := n.Store.newDelivery(account, d, expires)
		if err != nil {
			return err
		}
		writes = append(writes, more...)
		if d.State == Pending {
			wakeUps = append(wakeUps, d.wakeUp(account, n.Now()))
		}
	}
	err = n.Store.transact(ctx, "writing a notice of "+string(account), writes...)
	if errors.Is(err, errChanged) {
		return nil // an earlier delivery of the fact has written it
	}
	if err != nil || len(wakeUps) == 0 {
		return err
	}
	return portal.Postpone("the queues do not answer", n.Sender.Send(ctx, wakeUps...))
}

// newDelivery returns the writes of a delivery that must not exist, and of its due row.
func (s *Store) newDelivery(account portal.AccountID, d Delivery, expires time.Time) ([]types.TransactWriteItem, error) {
	row, err := s.put(schema.Delivery(account, d.Channel, d.Notice), d, expires, "attribute_not_exists(pk)")
	if err != nil || d.State != Pending {
		return []types.TransactWriteItem{row}, err
	}
	later, err := s.putDue(d.due(account, d.AskedAt, unheard))
	return []types.TransactWriteItem{row, later}, err
}

// due is the due row of the delivery's next attempt, a wait after a time.
func (d Delivery) due(account portal.AccountID, from time.Time, wait time.Duration) due.Row {
	return due.OfDelivery(portal.AccountStream(account), d.Channel, d.Notice, d.attempt(), from, wait)
}

// unheard is how long after a delivery was asked for the due row asks again, in case the message was
// lost or the worker stopped. It is longer than a claim.
const unheard = 2 * time.Minute
