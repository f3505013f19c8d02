// Package state holds the folds. They are pure. Deciding, converging and showing use the same
// ones.
//
// A subscription is an account's relation to one plan:
//
//	           SubscriptionWanted           SubscriptionActivated
//	(none) ───────────────────────▶ wanted ───────────────────────▶ active
//	   ▲                             │  ▲                              │
//	   │            RequestRejected  │  │ SubscriptionWanted           │ SubscriptionLost
//	   │            (with a wish)    ▼  │                              ▼
//	   └────────────────────────── ended ◀───────────── ending ◀───────┘
//	                                     SubscriptionEnded   SubscriptionEnding
//
// An attachment is one key in one plan. It has the same phases, driven by KeyAttached and
// KeyDetached. A subscription becomes active when the attachments that its wish opened are
// active, and ends when none is left. The phases wanted and ending are open: a wish asks for
// them, named by the fact that opened it, and the converger works on it.
//
// A subscription that needs an admin's approval is awaiting_approval, and then wanted with the
// same wish.
//
// A change of plans is one wish for two subscriptions: the new one is wanted and replaces the old
// one, which stays active until every key has moved. If API Gateway refuses the new plan for
// good, the same wish brings the keys back.
//
// A key is live until a KeyEnding. After that it is in no plan, stays disabled, and never works
// again. A key is released when its ring has been empty for long, and also some time after it has
// ended.
package state
