package notices

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/outbound"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/records"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// Webhooks returns the webhooks of an account, oldest first.
func (s *Store) Webhooks(ctx context.Context, account portal.AccountID) ([]Webhook, error) {
	all, err := listed[Webhook](ctx, s, schema.Webhooks(account), "", last, 0)
	slices.SortFunc(all, oldestFirst)
	return all, err
}

func oldestFirst(a, b Webhook) int {
	if c := a.CreatedAt.Compare(b.CreatedAt); c != 0 {
		return c
	}
	return strings.Compare(a.ID, b.ID)
}

// Webhook: ok is false if the account has no such webhook.
func (s *Store) Webhook(ctx context.Context, account portal.AccountID, id string) (w Webhook, ok bool, err error) {
	ok, err = s.rows.Get(ctx, schema.Webhook(account, id), &w)
	return w, ok, err
}

// Desk does what people ask of their notices and webhooks. It is safe for concurrent use.
type Desk struct {
	*Store
	Secrets secrets
	Sender  sender
	// KMSKey is for the secrets of new webhooks.
	KMSKey   string
	Outbound outbound.Config
	Now      func() time.Time
}

// WebhookChange is what a person changes of a webhook; nil members stay.
type WebhookChange struct {
	URL, Description *string
	Kinds            *[]Kind
	On               *bool
}

const (
	maxDescription = 200
	lookUpTime     = 3 * time.Second
)

func errNoWebhook() error { return portal.Fail(portal.NotFound, "There is no such webhook.") }

// AddWebhook registers an address for notices of those kinds, none for all, and returns the
// secret that signs them, which is not shown again. An impossible address is portal.Invalid, one
// that the account has already portal.Conflict, and one webhook too many portal.LimitReached.
func (d *Desk) AddWebhook(ctx context.Context, account portal.AccountID, address, description string, kinds []Kind) (w Webhook, secret string, err error) {
	w = Webhook{
		ID: strings.ToLower(rand.Text()), State: WebhookOn, CreatedAt: d.Now().UTC(), KMSKey: d.KMSKey, Generation: 1,
	}
	if err := d.set(ctx, &w, WebhookChange{URL: &address, Description: &description, Kinds: &kinds}); err != nil {
		return Webhook{}, "", err
	}
	others, err := d.Webhooks(ctx, account)
	if err != nil {
		return Webhook{}, "", err
	}
	if slices.ContainsFunc(others, func(o Webhook) bool { return o.URL == w.URL }) {
		return Webhook{}, "", portal.Fail(portal.Conflict, "You have a webhook at this address already.")
	}
	if secret, err = d.secret(ctx, account, w); err != nil {
		return Webhook{}, "", err
	}
	err = d.rows.Transact(ctx, "adding a webhook of "+string(account), records.Write{Key: schema.Webhook(account, w.ID), Put: w, If: records.Missing},
		countWebhooks(account, 1, "attribute_not_exists(webhooks) OR webhooks < :most"), records.OfAPerson(account))
	if errors.Is(err, records.ErrRefused) && len(others) < MaxWebhooks {
		return Webhook{}, "", records.Erased()
	}
	if errors.Is(err, records.ErrRefused) {
		return Webhook{}, "", portal.Fail(portal.LimitReached, fmt.Sprintf("You have %d webhooks, which is the most you can have. Delete one first.", MaxWebhooks))
	}
	return w, secret, err
}

func countWebhooks(account portal.AccountID, by int64, condition string) records.Write {
	write := records.Write{
		Key: schema.WebhookCount(account), Update: "ADD webhooks :by", If: condition, Values: map[string]types.AttributeValue{":by": schema.Number(by)},
	}
	if condition != "" {
		write.Values[":most"] = schema.Number(MaxWebhooks)
	}
	return write
}

func (d *Desk) secret(ctx context.Context, account portal.AccountID, w Webhook) (string, error) {
	secret, err := d.Secrets.WebhookSecret(ctx, w.KMSKey, account, w.ID, w.Generation)
	if err != nil {
		return "", err
	}
	return SecretText(secret), nil
}

// set checks a change and makes it in w.
func (d *Desk) set(ctx context.Context, w *Webhook, change WebhookChange) error {
	if change.Description != nil {
		if len([]rune(*change.Description)) > maxDescription {
			return portal.Fail(portal.Invalid, fmt.Sprintf("The description is longer than %d characters.", maxDescription))
		}
		w.Description = oneLine(*change.Description)
	}
	if change.URL != nil {
		if err := d.checkAddress(ctx, *change.URL); err != nil {
			return err
		}
		w.URL = *change.URL
	}
	if change.Kinds != nil {
		kinds, err := checkKinds(*change.Kinds)
		if err != nil {
			return err
		}
		w.Kinds = kinds
	}
	if change.On != nil && *change.On {
		w.State, w.Why, w.FailingSince = WebhookOn, "", time.Time{}
	}
	if change.On != nil && !*change.On && w.On() {
		w.State, w.Why = WebhookOff, "You turned it off."
	}
	return nil
}

func (d *Desk) checkAddress(ctx context.Context, address string) error {
	if err := checkURL(address, d.Outbound.AllowPrivate); err != nil {
		return err
	}
	u, _ := url.Parse(address)
	ctx, cancel := context.WithTimeout(ctx, lookUpTime)
	defer cancel()
	err := outbound.Check(ctx, d.Outbound, u.Hostname())
	var private *outbound.PrivateError
	var dns *net.DNSError
	switch {
	case errors.As(err, &private):
		return portal.Fail(portal.Invalid, "The address leads into a private network, to this machine, or to a metadata service. Use an address that is public on the internet.")
	case errors.As(err, &dns) && dns.IsNotFound:
		return portal.Fail(portal.Invalid, "The host of the address was not found. Check its spelling.")
	}
	return nil // every attempt looks the host up again
}

// FindWebhook returns a webhook of the account, or portal.NotFound.
func (d *Desk) FindWebhook(ctx context.Context, account portal.AccountID, id string) (Webhook, error) {
	w, ok, err := d.Webhook(ctx, account, id)
	if err == nil && !ok {
		err = errNoWebhook()
	}
	return w, err
}

// ChangeWebhook changes a webhook of the account.
func (d *Desk) ChangeWebhook(ctx context.Context, account portal.AccountID, id string, change WebhookChange) (Webhook, error) {
	return d.edit(ctx, account, id, func(w *Webhook) error { return d.set(ctx, w, change) })
}

// RotateSecret gives a webhook another secret and returns it. It is not shown again. The old one
// signs as well for KeepsOldSecret.
func (d *Desk) RotateSecret(ctx context.Context, account portal.AccountID, id string) (w Webhook, secret string, err error) {
	w, err = d.edit(ctx, account, id, func(w *Webhook) (err error) {
		w.Generation++
		w.PreviousUntil = d.Now().Add(KeepsOldSecret).UTC()
		secret, err = d.secret(ctx, account, *w)
		return err
	})
	if err != nil {
		return Webhook{}, "", err
	}
	return w, secret, nil
}

// edit changes a webhook as it was read. If it has changed since, the error is portal.Conflict.
func (d *Desk) edit(ctx context.Context, account portal.AccountID, id string, change func(*Webhook) error) (Webhook, error) {
	w, err := d.FindWebhook(ctx, account, id)
	if err != nil {
		return Webhook{}, err
	}
	before := w.Version
	w.Version++
	if err := change(&w); err != nil {
		return Webhook{}, err
	}
	err = d.rows.Transact(ctx, "changing a webhook of "+string(account), changedOnly(schema.Webhook(account, id), w, before, time.Time{}))
	if errors.Is(err, records.ErrRefused) {
		return Webhook{}, portal.Fail(portal.Conflict, "The webhook was changed at the same time. Look at it again.")
	}
	return w, err
}

// DeleteWebhook deletes a webhook. Its deliveries stay until they expire; unsent ones fail.
func (d *Desk) DeleteWebhook(ctx context.Context, account portal.AccountID, id string) error {
	err := d.rows.Transact(ctx, "deleting a webhook of "+string(account),
		records.Write{Key: schema.Webhook(account, id), If: records.Exists}, countWebhooks(account, -1, ""))
	if errors.Is(err, records.ErrRefused) {
		return errNoWebhook()
	}
	return err
}
