package notices

import (
	"context"
	"errors"
	"math"
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
	AccountSince(ctx context.Context, id portal.AccountID, after int64, fact events.Event) (accounts.History, error)
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
	// Licences reads the streams of purchases on AWS Marketplace. Without it, only facts of accounts are told.
	Licences factReader

	memory toldMemory
}

// FactTypes lists the types of the facts that make notices.
func FactTypes() []string {
	var names []string
	for name := range sources() {
		names = append(names, name)
	}
	return append(names, events.LicenceClaimed{}.EventType(), events.LicenceNoticed{}.EventType())
}

// Handle tells what AWS Marketplace said about a purchase, or an account's facts after the last that was told, up to its newest: a message about
// any of them is enough. It writes the notices with their deliveries, and asks for each delivery to
// be sent. A second delivery of the message, at the same time or later, finds the notices and changes
// nothing. If the worker stops before it has asked, the due rows do.
func (n *Notifier) Handle(ctx context.Context, msg events.Event) error {
	if msg.Subject.IsLicence() {
		return n.tellPurchase(ctx, msg.Subject)
	}
	account, ok := msg.Subject.Account()
	if !ok || makesNoNotice(msg) || msg.Sequence > 0 && msg.Sequence <= n.memory.recall(account, n.Now()) {
		return nil
	}
	if done, err := n.tellNewcomer(ctx, account, msg); done || err != nil {
		return err
	}
	to, err := n.Store.recipient(ctx, account)
	if err != nil {
		return err
	}
	upTo := to.told
	if msg.Sequence == 0 || msg.Sequence > to.told {
		upTo, err = n.tellOn(ctx, account, to, msg)
	}
	if err == nil {
		n.memory.remember(account, upTo, n.Now())
	}
	return err
}

// makesNoNotice: nobody had to approve the message's registration. The next message tells on from
// before it.
func makesNoNotice(msg events.Event) bool {
	registered, ok := msg.Data.(events.UserRegistered)
	return ok && registered.Wish == 0
}

// tellOn tells the facts since the last that was told, and returns the new last one.
func (n *Notifier) tellOn(ctx context.Context, account portal.AccountID, to recipient, msg events.Event) (upTo int64, err error) {
	history, err := n.Accounts.AccountSince(ctx, account, to.told, msg)
	if wish := oldestRejected(history, to.told); err == nil && wish <= history.Base.Sequence {
		history, err = n.Accounts.AccountSince(ctx, account, wish-1, msg)
	}
	if err != nil {
		return 0, err
	}
	upTo, found := n.untold(history, to.told)
	return upTo, n.tellAll(ctx, account, to, upTo, found)
}

// untold returns the notices of the facts after told, and the last of those facts.
func (n *Notifier) untold(history accounts.History, told int64) (upTo int64, found []Notice) {
	if history.Account.Standing.Leaving() {
		return told, nil // nothing may be written about an account that is being erased
	}
	oldest := n.Now().Add(-maxAge)
	if told == 0 {
		oldest = n.Now().Add(-maxAgeUntold)
	}
	upTo = told
	for _, fact := range history.Facts {
		if _, unknown := fact.Data.(events.Unknown); unknown && fact.Sequence > told {
			break // newer workers may have words for it
		}
		upTo = max(upTo, fact.Sequence)
		if fact.Sequence <= told || fact.Time.Before(oldest) {
			continue
		}
		found = append(found, Of(fact, history.Account, history.Facts)...)
	}
	return upTo, found
}

// oldestRejected is the oldest wish that a fact after told rejects. Its words need the fact that
// opened the wish.
func oldestRejected(history accounts.History, told int64) int64 {
	var oldest int64 = math.MaxInt64
	for _, fact := range history.Facts {
		if rejected, ok := fact.Data.(events.RequestRejected); ok && rejected.Wish != 0 && fact.Sequence > told {
			oldest = min(oldest, rejected.Wish)
		}
	}
	return oldest
}

const maxTogether = 100

// tellAll writes notices and how far the account was told in one transaction, or notice by notice
// if some are written already or they are too many.
func (n *Notifier) tellAll(ctx context.Context, account portal.AccountID, to recipient, upTo int64, found []Notice) error {
	if upTo <= to.told {
		return nil
	}
	if len(found) == 0 {
		return n.Store.setTold(ctx, account, to.told, upTo)
	}
	writes, wakeUps := n.together(account, to, upTo, found)
	err := records.ErrRefused
	if len(writes) <= maxTogether {
		err = n.Store.rows.Transact(ctx, "writing notices of "+string(account), writes...)
	}
	if errors.Is(err, records.ErrRefused) {
		for _, notice := range found {
			if err := n.tell(ctx, account, to, notice); err != nil {
				return err
			}
		}
		return n.Store.setTold(ctx, account, to.told, upTo)
	}
	return n.ask(ctx, wakeUps, err)
}

// together returns the writes of notices and of how far the account was told, and the messages that
// ask for deliveries.
func (n *Notifier) together(account portal.AccountID, to recipient, upTo int64, found []Notice) (writes []records.Write, wakeUps []events.Event) {
	writes = []records.Write{records.OfAPerson(account), toldUpdate(account, upTo)}
	for _, notice := range found {
		notice.Hidden = !to.settings.Wants(notice.Kind, ChannelDashboard)
		more, ask := n.writes(account, notice, n.deliveries(to, notice))
		writes, wakeUps = append(writes, more...), append(wakeUps, ask...)
	}
	return writes, wakeUps
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

type toldRow struct {
	Seq int64 `dynamodbav:"seq"`
}

// Told is the account's last fact that was told, or did not have to be.
func (n *Notifier) Told(ctx context.Context, account portal.AccountID) (int64, error) {
	var row toldRow
	_, err := n.Store.rows.Get(ctx, schema.Told(account), &row)
	return row.Seq, err
}

func toldUpdate(account portal.AccountID, seq int64) records.Write {
	return records.Write{
		Key: schema.Told(account), Update: "SET seq = :seq", If: "attribute_not_exists(seq) OR seq < :seq",
		Values: map[string]types.AttributeValue{":seq": schema.Number(seq)},
	}
}

func (s *Store) setTold(ctx context.Context, account portal.AccountID, before, seq int64) error {
	if seq <= before {
		return nil
	}
	err := s.rows.Transact(ctx, "noting what "+string(account)+" was told", records.OfAPerson(account), toldUpdate(account, seq))
	if errors.Is(err, records.ErrRefused) {
		return nil // another worker has told more, or the account was erased
	}
	return err
}

// Tell writes a notice with its deliveries, unless it exists, and asks for each to be sent. It
// writes nothing about an erased account.
func (n *Notifier) Tell(ctx context.Context, account portal.AccountID, notice Notice) error {
	to, err := n.Store.recipient(ctx, account)
	if err != nil {
		return err
	}
	return n.tell(ctx, account, to, notice)
}

func (n *Notifier) tell(ctx context.Context, account portal.AccountID, to recipient, notice Notice) error {
	notice.Hidden = !to.settings.Wants(notice.Kind, ChannelDashboard)
	return n.write(ctx, account, notice, n.deliveries(to, notice))
}

// ask sends the messages that ask for deliveries, unless writing them failed.
func (n *Notifier) ask(ctx context.Context, wakeUps []events.Event, err error) error {
	if err != nil || len(wakeUps) == 0 {
		return err
	}
	return portal.Postpone("the queues do not answer", n.Sender.Send(ctx, wakeUps...))
}

// deliveries are those of a notice to the channels that its recipient wants it on.
func (n *Notifier) deliveries(to recipient, notice Notice) []Delivery {
	var all []Delivery
	if n.Mail && to.settings.Wants(notice.Kind, ChannelMail) {
		all = append(all, n.delivery(notice, ChannelMail))
	}
	if !to.settings.Wants(notice.Kind, ChannelWebhook) {
		return all
	}
	for _, w := range to.webhooks {
		if !w.Wants(notice.Kind) {
			continue
		}
		d := n.delivery(notice, w.channel())
		if !w.On() {
			d.State = Held
		}
		all = append(all, d)
	}
	return all
}

func (n *Notifier) delivery(notice Notice, channel string) Delivery {
	return Delivery{
		Channel: channel, Notice: notice.ID, Kind: notice.Kind, Title: notice.Title,
		State: Pending, CreatedAt: n.Now().UTC(), AskedAt: n.Now().UTC(),
	}
}

func (n *Notifier) write(ctx context.Context, account portal.AccountID, notice Notice, deliveries []Delivery) error {
	writes, wakeUps := n.writes(account, notice, deliveries)
	err := n.Store.rows.Transact(ctx, "writing a notice of "+string(account), append(writes, records.OfAPerson(account))...)
	if errors.Is(err, records.ErrRefused) {
		return nil // an earlier delivery of the fact has written it, or the account was erased
	}
	return n.ask(ctx, wakeUps, err)
}

// writes returns the writes of a new notice and its deliveries, and the messages that ask for
// those.
func (n *Notifier) writes(account portal.AccountID, notice Notice, deliveries []Delivery) (writes []records.Write, wakeUps []events.Event) {
	expires := notice.At.Add(keep)
	writes = []records.Write{{Key: schema.Notice(account, notice.ID), Put: notice, Expires: expires, If: records.Missing}}
	for _, d := range deliveries {
		writes = append(writes, newDelivery(account, d, expires)...)
		if d.State == Pending {
			wakeUps = append(wakeUps, d.wakeUp(account, n.Now()))
		}
	}
	return writes, wakeUps
}

// newDelivery returns the writes of a new delivery and its due row.
func newDelivery(account portal.AccountID, d Delivery, expires time.Time) []records.Write {
	row := records.Write{Key: schema.Delivery(account, d.Channel, d.Notice), Put: d, Expires: expires, If: records.Missing}
	if d.State != Pending {
		return []records.Write{row}
	}
	return []records.Write{row, putDue(d.due(account, d.AskedAt, unheard))}
}

func (d Delivery) due(account portal.AccountID, from time.Time, wait time.Duration) due.Row {
	return due.OfDelivery(portal.AccountStream(account), d.Channel, d.Notice, d.attempt(), from, wait)
}

// unheard is when the due row asks again, in case the message was lost or the worker stopped. It
// is longer than a lease.
const unheard = 2 * time.Minute
