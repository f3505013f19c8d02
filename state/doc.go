// Package state holds the folds: what a stream's facts, applied one after the other,
// say is so. Folds are pure; every loop (deciding, converging, showing) folds the same
// facts by the same code and so sees the same state.
//
// A subscription is what an account has of one plan:
//
//	           SubscriptionWanted           SubscriptionActivated
//	(none) ───────────────────────▶ wanted ───────────────────────▶ active
//	   ▲                             │  ▲                              │
//	   │            RequestRejected  │  │ SubscriptionWanted           │ SubscriptionLost
//	   │            (with a wish)    ▼  │                              ▼
//	   └────────────────────────── ended ◀───────────── ending ◀───────┘
//	                                     SubscriptionEnded   SubscriptionEnding
//
// An attachment is one key in one plan and has the same phases, by KeyAttached and
// KeyDetached. A subscription is active once the attachments that its wish opened are,
// and ended once none is left. Wanted and ending are open: a wish asks for them, and
// converging works on it. A wish is named by the sequence of the fact that opened it.
package state
