package notices

import (
	"net/url"
	"slices"
	"time"
)

// The states of a webhook.
const (
	WebhookOn = "on"
	// WebhookOff: the person paused it, it failed for MaxFailing, or it answered 410. Deliveries are
	// held until it is on again and the person asks for them.
	WebhookOff = "off"
)

// Webhook is an address to which an account's notices go.
type Webhook struct {
	ID          string `dynamodbav:"id"`
	URL         string `dynamodbav:"url"`
	Description string `dynamodbav:"description"`
	// Kinds are the kinds of notices that it gets; none means all.
	Kinds     []Kind    `dynamodbav:"kinds,omitempty"`
	State     string    `dynamodbav:"state"`
	Why       string    `dynamodbav:"why,omitempty"`
	CreatedAt time.Time `dynamodbav:"created_at"`
	// The secret is derived from KMSKey and Generation. The one before signs as well until
	// PreviousUntil.
	KMSKey        string    `dynamodbav:"kms_key"`
	Generation    int       `dynamodbav:"generation"`
	PreviousUntil time.Time `dynamodbav:"previous_until"`
	// FailingSince is the first failure after the last success, or zero.
	FailingSince time.Time `dynamodbav:"failing_since"`
	Version      int64     `dynamodbav:"version"`
}

// On reports whether notices are sent to it.
func (w Webhook) On() bool { return w.State == WebhookOn }

// Wants reports whether notices of the kind go to it.
func (w Webhook) Wants(kind Kind) bool {
	return len(w.Kinds) == 0 || kind == WebhookTest || slices.Contains(w.Kinds, kind)
}

func (w Webhook) channel() string { return webhookChannel + w.ID }

// host leaves out path and query, which may hold secrets.
func (w Webhook) host() string {
	u, err := url.Parse(w.URL)
	if err != nil {
		return "an address"
	}
	return u.Host
}

// The limits of webhooks.
const (
	MaxWebhooks = 10
	// MaxFailing is how long a webhook may fail before it is switched off.
	MaxFailing = 3 * 24 * time.Hour
	// KeepsOldSecret is how long the secret before the last rotation still signs.
	KeepsOldSecret = 24 * time.Hour
)
