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
	PlanChanged          Kind = "plan_changed"
	PlanChangeRefused    Kind = "plan_change_refused"
	ApprovalPending      Kind = "approval_pending"
	ApprovalGranted      Kind = "approval_granted"
	ApprovalDenied       Kind = "approval_denied"
	KeyCreated           Kind = "key_created"
	KeyEnding            Kind = "key_ending"
	KeyEndsSoon          Kind = "key_ends_soon"
	KeyEnded             Kind = "key_ended"
	KeyLeaked            Kind = "key_leaked"
	KeyDisabled          Kind = "key_disabled"
	KeyEnabled           Kind = "key_enabled"
	QuotaReached         Kind = "quota_reached"
	QuotaExhausted       Kind = "quota_exhausted"
	AccountSuspended     Kind = "account_suspended"
	AccountReinstated    Kind = "account_reinstated"
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
	const subscriptions, approvals, keys, quotas, account, webhooks = "Subscriptions", "Approvals", "API keys", "Quotas", "Account", "Webhooks"
	return []KindInfo{
		{SubscriptionActive, subscriptions, "a subscription becomes active"},
		{SubscriptionRejected, subscriptions, "a request about a plan is refused"},
		{SubscriptionLost, subscriptions, "a subscription ends because its plan was removed or changed"},
		{SubscriptionEnded, subscriptions, "the operator of the portal ends a subscription"},
		{PlanChanged, subscriptions, "a change of plan is done"},
		{PlanChangeRefused, subscriptions, "a change of plan is refused"},
		{ApprovalPending, approvals, "a request waits for an approval"},
		{ApprovalGranted, approvals, "a request is approved"},
		{ApprovalDenied, approvals, "a request is denied"},
		{KeyCreated, keys, "a key is created"},
		{KeyEnding, keys, "a key gets a date on which it ends"},
		{KeyEndsSoon, keys, "a key expires in a week, or in a day, or the old key of a rotation ends soon"},
		{KeyEnded, keys, "a key ends"},
		{KeyLeaked, keys, "a key is replaced because it leaked"},
		{KeyDisabled, keys, "the operator of the portal disables a key"},
		{KeyEnabled, keys, "the operator of the portal enables a key again"},
		{QuotaReached, quotas, "a key has used 50, 80 or 90 % of a quota"},
		{QuotaExhausted, quotas, "a key has used up a quota"},
		{AccountSuspended, account, "the account is suspended"},
		{AccountReinstated, account, "the account is reinstated"},
		{WebhookPaused, webhooks, "a webhook is switched off because it does not answer"},
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
