package notices

import "slices"

// Kind is what a notice tells. Rows, settings and webhooks hold kinds.
type Kind string

// The kinds.
const (
	SubscriptionActive   Kind = "subscription_active"
	SubscriptionRejected Kind = "subscription_rejected"
	SubscriptionLost     Kind = "subscription_lost"
	SubscriptionEnded    Kind = "subscription_ended"
	PlanChanged          Kind = "plan_changed"
	PlanChangeRefused    Kind = "plan_change_refused"
	PurchaseRenewed      Kind = "purchase_renewed"
	ApprovalPending      Kind = "approval_pending"
	ApprovalGranted      Kind = "approval_granted"
	ApprovalDenied       Kind = "approval_denied"
	KeyCreated           Kind = "key_created"
	KeyAdopted           Kind = "key_adopted"
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
	ProductDeprecated    Kind = "product_deprecated"
	Purchase             Kind = "purchase"
	AdminRole            Kind = "admin_role"
	AdminRegistration    Kind = "admin_registration"
	AdminApproval        Kind = "admin_approval"
	AdminFeedback        Kind = "admin_feedback"
	AdminDeadLetter      Kind = "admin_dead_letter"
	// WebhookTest tries a webhook for a person. It is not shown, and cannot be switched off.
	WebhookTest Kind = "webhook_test"
)

// Importance says how much a notice needs something of the person.
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
	Label string
	Admin bool
}

// Kinds lists the kinds that a person can switch off, in the order of the settings page.
func Kinds() []KindInfo {
	const subscriptions, approvals, keys, quotas, account, webhooks = "Subscriptions", "Approvals", "API keys", "Quotas", "Account", "Webhooks"
	const admins = "For admins"
	return []KindInfo{
		{Kind: SubscriptionActive, Group: subscriptions, Label: "a subscription becomes active"},
		{Kind: SubscriptionRejected, Group: subscriptions, Label: "a request about a plan is refused"},
		{Kind: SubscriptionLost, Group: subscriptions, Label: "a subscription ends because its plan was removed or changed"},
		{Kind: SubscriptionEnded, Group: subscriptions, Label: "the operator of the portal, or AWS Marketplace, ends a subscription"},
		{Kind: Purchase, Group: subscriptions, Label: "a purchase on AWS Marketplace waits for its payment, fails or is cancelled"},
		{Kind: PlanChanged, Group: subscriptions, Label: "a change of plan is done"},
		{Kind: PlanChangeRefused, Group: subscriptions, Label: "a change of plan is refused"},
		{Kind: PurchaseRenewed, Group: subscriptions, Label: "a purchase on AWS Marketplace is renewed and gets another key"},
		{Kind: ProductDeprecated, Group: subscriptions, Label: "a product that you subscribe to becomes deprecated"},
		{Kind: ApprovalPending, Group: approvals, Label: "a request waits for an approval"},
		{Kind: ApprovalGranted, Group: approvals, Label: "a request is approved"},
		{Kind: ApprovalDenied, Group: approvals, Label: "a request is denied"},
		{Kind: KeyCreated, Group: keys, Label: "a key is created"},
		{Kind: KeyAdopted, Group: keys, Label: "a key of an earlier portal is taken over"},
		{Kind: KeyEnding, Group: keys, Label: "a key gets a date on which it ends"},
		{Kind: KeyEndsSoon, Group: keys, Label: "a key expires in a week, or in a day, or the old key of a rotation ends soon"},
		{Kind: KeyEnded, Group: keys, Label: "a key ends"},
		{Kind: KeyLeaked, Group: keys, Label: "a key is replaced because it leaked"},
		{Kind: KeyDisabled, Group: keys, Label: "the operator of the portal disables a key"},
		{Kind: KeyEnabled, Group: keys, Label: "the operator of the portal enables a key again"},
		{Kind: QuotaReached, Group: quotas, Label: "a key has used 50, 80 or 90 % of a quota"},
		{Kind: QuotaExhausted, Group: quotas, Label: "a key has used up a quota"},
		{Kind: AccountSuspended, Group: account, Label: "the account is suspended"},
		{Kind: AccountReinstated, Group: account, Label: "the account is reinstated"},
		{Kind: AdminRole, Group: account, Label: "the account becomes an admin's, or no longer is one"},
		{Kind: WebhookPaused, Group: webhooks, Label: "a webhook is switched off because it does not answer"},
		{Kind: AdminRegistration, Group: admins, Label: "registrations wait for an approval", Admin: true},
		{Kind: AdminApproval, Group: admins, Label: "subscriptions wait for an approval", Admin: true},
		{Kind: AdminFeedback, Group: admins, Label: "people send feedback", Admin: true},
		{Kind: AdminDeadLetter, Group: admins, Label: "messages become dead letters", Admin: true},
	}
}

// KindsFor lists the kinds that an admin, or another person, can switch off.
func KindsFor(admin bool) []KindInfo {
	return slices.DeleteFunc(Kinds(), func(k KindInfo) bool { return k.Admin && !admin })
}

// Channels of the settings. A delivery's channel is ChannelMail, or that of one webhook.
const (
	ChannelDashboard = "dashboard"
	ChannelMail      = "mail"
	ChannelWebhook   = "webhook"
)

// Channels lists the channels of the settings.
func Channels() []string { return []string{ChannelDashboard, ChannelMail, ChannelWebhook} }

// webhookChannel and a webhook's id are the channel of its deliveries.
const webhookChannel = ChannelWebhook + "/"
