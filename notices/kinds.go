package notices

import "slices"

// Kind is what a notice tells. Kinds are data: rows, settings and webhooks hold them.
type Kind string

// The kinds.
const (
	SubscriptionActive   Kind = "subscription_active"
	SubscriptionRejected Kind = "subscription_rejected"
	SubscriptionLost     Kind = "subscription_lost"
	SubscriptionEnded    Kind = "subscription_ended"
	KeyCreated           Kind = "key_created"
	KeyDisabled          Kind = "key_disabled"
	KeyEnabled           Kind = "key_enabled"
	WebhookPaused        Kind = "webhook_paused"
	// WebhookTest is what a person asks for to try a webhook. It is not shown, and cannot be
	// switched off.
	WebhookTest Kind = "webhook_test"
)

// Importance orders notices, and says whether they need something of the person.
type Importance string

// The importances, most important first.
const (
	Act  Importance = "act"  // something does not work until the person acts
	Warn Importance = "warn" // something has changed that the person may have to act on
	Info Importance = "info" // good to know
)

func (i Importance) rank() int { return slices.Index([]Importance{Act, Warn, Info}, i) }

// KindInfo describes a kind to people.
type KindInfo struct {
	Kind  Kind
	Group string
	// Label completes "Tell me when".
	Label string
}

// Kinds lists the kinds that a person can switch off, in the order of the settings page.
func Kinds() []KindInfo {
	return []KindInfo{
		{SubscriptionActive, "Subscriptions", "a subscription becomes active"},
		{SubscriptionRejected, "Subscriptions", "a request is refused"},
		{SubscriptionLost, "Subscriptions", "a subscription ends because its plan was removed or changed"},
		{SubscriptionEnded, "Subscriptions", "the operator of the portal ends a subscription"},
		{KeyCreated, "API keys", "a key is created"},
		{KeyDisabled, "API keys", "the operator of the portal disables a key"},
		{KeyEnabled, "API keys", "the operator of the portal enables a key again"},
		{WebhookPaused, "Webhooks", "a webhook is paused or switched off because it does not answer"},
	}
}

// Channels of the settings. A delivery's channel is ChannelMail, or that of one webhook.
const (
	ChannelDashboard = "dashboard"
	ChannelMail      = "mail"
	ChannelWebhook   = "webhook"
)

// Channels lists the channels of the settings.
func Channels() []string { return []string{ChannelDashboard, ChannelMail, ChannelWebhook} }

// webhookChannel begins the channel of a webhook's deliveries; the webhook's id follows.
const webhookChannel = ChannelWebhook + "/"
