package notices

import (
	"context"
	"errors"
	"fmt"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/records"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// MaxMailsAgain is how often a person can have a notice's mail sent again.
const MaxMailsAgain = 3

// DeliveriesOf lists where a notice was sent: the mail, then the account's webhooks, oldest
// first. A notice that is not the account's is portal.NotFound.
func (d *Desk) DeliveriesOf(ctx context.Context, account portal.AccountID, notice string) ([]Delivery, error) {
	if _, ok, err := d.notice(ctx, account, notice); err != nil || !ok {
		if err == nil {
			err = errNoNotice()
		}
		return nil, err
	}
	webhooks, err := d.Webhooks(ctx, account)
	if err != nil {
		return nil, err
	}
	channels := []string{ChannelMail}
	for _, w := range webhooks {
		channels = append(channels, w.channel())
	}
	var all []Delivery
	for _, channel := range channels {
		delivery, ok, err := d.delivery(ctx, account, channel, notice)
		if err != nil {
			return nil, err
		}
		if ok {
			all = append(all, delivery)
		}
	}
	return all, nil
}

// Mails returns, by notice, the mails about the notice with the id oldest and about newer ones.
func (d *Desk) Mails(ctx context.Context, account portal.AccountID, oldest string) (map[string]Delivery, error) {
	all, err := listed[Delivery](ctx, d.Store, schema.Deliveries(account, ChannelMail), oldest, last, 0)
	byNotice := map[string]Delivery{}
	for _, mail := range all {
		byNotice[mail.Notice] = mail
	}
	return byNotice, err
}

// MailAgain has a notice's mail sent again. After MaxMailsAgain times it is
// portal.TooManyRequests. A notice that did not go out by mail is portal.NotFound, and one that a
// worker is sending is portal.Conflict.
func (d *Desk) MailAgain(ctx context.Context, account portal.AccountID, notice string) (Delivery, error) {
	delivery, ok, err := d.delivery(ctx, account, ChannelMail, notice)
	switch {
	case err != nil:
		return Delivery{}, err
	case !ok:
		return Delivery{}, portal.Fail(portal.NotFound, "This notice did not go out by e-mail.")
	case delivery.Round >= MaxMailsAgain:
		return Delivery{}, portal.Fail(portal.TooManyRequests, fmt.Sprintf("This mail was sent again %d times, and can be sent no more. Read the notice on your notices page.", MaxMailsAgain))
	}
	delivery, err = d.askAgain(ctx, account, delivery)
	if errors.Is(err, records.ErrRefused) {
		return Delivery{}, portal.Fail(portal.Conflict, "It is being sent at this moment. Look at it again in a minute.")
	}
	return delivery, err
}

func errNoNotice() error { return portal.Fail(portal.NotFound, "There is no such notice.") }
