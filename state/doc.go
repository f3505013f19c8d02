// Package state holds the folds. Folds are pure, and deciding, converging and showing all use
// them, so they see the same state.
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
// them, and the converger works on it. A wish is named by the sequence of the fact that opened
// it.
package state
