package state

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// SubscriptionOfWish returns the subscription that the wish is about, while it waits for the converger or for an
// admin's approval; ok is false without one.
func (a Account) SubscriptionOfWish(wish int64) (s Subscription, ok bool) {
	if wish == 0 {
		return Subscription{}, false
	}
	for _, s := range a.Subscriptions {
		if s.OpenedBy == wish && s.Waits() {
			return s, true
		}
	}
	return Subscription{}, false
}

// OpenWish is a wish that the converger works on.
type OpenWish struct {
	At time.Time
	// Key and Plan are what it is about, "" for none or several.
	Key  portal.KeyID
	Plan portal.PlanID
}

// OpenWishes are the wishes that the converger works on, by number.
func (a Account) OpenWishes() map[int64]OpenWish {
	open := map[int64]OpenWish{}
	for _, s := range a.Subscriptions {
		if s.HasOpenWish() {
			open[s.OpenedBy] = OpenWish{At: s.OpenedAt, Plan: s.Plan}
		}
	}
	for id, k := range a.Keys {
		for wish, at := range map[int64]time.Time{k.Readying: k.WantedAt, k.Ending: k.EndingAt, k.Releasing: k.ReleasingAt} {
			if wish != 0 {
				open[wish] = OpenWish{At: at, Key: id}
			}
		}
	}
	if s := a.Standing; s.Switching != 0 {
		open[s.Switching] = OpenWish{At: s.SwitchingAt}
	}
	if s := a.Standing; s.Deleting != 0 {
		open[s.Deleting] = OpenWish{At: s.DeletingAt}
	}
	return open
}

// Unparked lists the open wishes of subscriptions, and of keys that are being made, that are not parked, sorted.
func (a Account) Unparked() []int64 {
	var wishes []int64
	for _, s := range a.Subscriptions {
		if s.HasOpenWish() && s.Parked == "" {
			wishes = append(wishes, s.OpenedBy)
		}
	}
	for _, k := range a.Keys {
		if k.Readying != 0 && k.Parked == "" {
			wishes = append(wishes, k.Readying)
		}
	}
	slices.Sort(wishes)
	return slices.Compact(wishes)
}

// WaitingWishes lists the wishes that wait for the converger or an admin, sorted.
func (a Account) WaitingWishes() []int64 {
	open := a.OpenWishes()
	for _, s := range a.Subscriptions {
		if s.Waits() {
			open[s.OpenedBy] = OpenWish{}
		}
	}
	if a.Standing.Asked != 0 {
		open[a.Standing.Asked] = OpenWish{}
	}
	return slices.Sorted(maps.Keys(open))
}

// WishesBetween returns the wishes that are open only after, and those that were only before.
func WishesBetween(before, after Account) (opened, ended map[int64]OpenWish) {
	opened, ended = after.OpenWishes(), before.OpenWishes()
	for wish := range ended {
		if _, both := opened[wish]; both {
			delete(opened, wish)
			delete(ended, wish)
		}
	}
	return opened, ended
}

// WishOpen reports whether part of the wish is unfulfilled.
func (a Account) WishOpen(wish int64) bool {
	if _, open := a.OpenWishes()[wish]; open {
		return true
	}
	for _, attachment := range a.Attachments {
		if attachment.OpenedBy == wish && attachment.HasOpenWish() {
			return true
		}
	}
	return false
}

// HasOpenWishes reports whether the converger has anything to do.
func (a Account) HasOpenWishes() bool {
	for _, attachment := range a.Attachments {
		if attachment.HasOpenWish() {
			return true
		}
	}
	return len(a.OpenWishes()) > 0
}

// WithoutKeys reports whether the account has the subscription, or waits for its approval, and no
// key is in the plan or on its way there.
func (a Account) WithoutKeys(id portal.SubscriptionID) bool {
	if s := a.Subscriptions[id]; s.Phase != Active && s.Phase != AwaitingApproval {
		return false
	}
	for pair, attachment := range a.Attachments {
		if a.SubscriptionOf(pair) == id && attachment.Desired() {
			return false
		}
	}
	return true
}

// Held lists the plans that the ring's keys should be in, attached or not, sorted.
func (a Account) Held(ring portal.Ring) []portal.PlanID {
	var held []portal.PlanID
	for _, id := range a.SubscriptionIDs() {
		if s := a.Subscriptions[id]; s.Ring == ring && s.Desired() {
			held = append(held, s.Plan)
		}
	}
	return held
}

// SubscriptionIDs lists all subscriptions, sorted by plan.
func (a Account) SubscriptionIDs() []portal.SubscriptionID {
	return slices.Sorted(maps.Keys(a.Subscriptions))
}

// Subscription returns the account's own subscription to the plan, without a licence.
func (a Account) Subscription(plan portal.PlanID) Subscription {
	return a.Subscriptions[portal.SubscriptionID(plan)]
}

// PlanName is the name of a plan that the account has or had, else "".
func (a Account) PlanName(plan portal.PlanID) string {
	if s, ok := a.Subscriptions[portal.SubscriptionID(plan)]; ok {
		return s.Name
	}
	for _, s := range a.Subscriptions {
		if s.Plan == plan {
			return s.Name
		}
	}
	return ""
}

// SubscriptionOf names the subscription because of which the key is in the plan.
func (a Account) SubscriptionOf(pair portal.Pair) portal.SubscriptionID {
	return portal.SubscriptionOf(pair.Plan, a.Keys[pair.Key].Ring)
}

// SubscribedBy is the subscription of SubscriptionOf.
func (a Account) SubscribedBy(pair portal.Pair) Subscription {
	return a.Subscriptions[a.SubscriptionOf(pair)]
}

// Pairs lists all attachments, sorted by plan and key.
func (a Account) Pairs() []portal.Pair {
	return slices.SortedFunc(maps.Keys(a.Attachments), func(p, q portal.Pair) int {
		return cmp.Or(cmp.Compare(p.Plan, q.Plan), cmp.Compare(p.Key, q.Key))
	})
}

// MayHold lists the plans that API Gateway may still have the key in, sorted. A key that has ended
// stays in its plans there.
func (a Account) MayHold(id portal.KeyID) []portal.PlanID {
	var plans []portal.PlanID
	key := a.Keys[id]
	for _, pair := range a.Pairs() {
		is := a.Attachments[pair]
		endedWithKey := !key.Live() && !is.Since.Before(key.EndingAt)
		if pair.Key == id && (is.Phase != Ended || endedWithKey) {
			plans = append(plans, pair.Plan)
		}
	}
	return plans
}

// WishesOn lists the wishes that wait for the key, sorted, without duplicates.
func (a Account) WishesOn(key portal.KeyID) []int64 {
	var wishes []int64
	for pair, attachment := range a.Attachments {
		if pair.Key == key && attachment.Phase == Wanted {
			wishes = append(wishes, attachment.OpenedBy)
		}
	}
	slices.Sort(wishes)
	return slices.Compact(wishes)
}

// Supersedes reports whether a decision in any of the scopes, or in one that contains it, is
// newer than the intent. Workers' requests (intent 0) are never superseded.
func (a Account) Supersedes(intent portal.Intent, scopes []portal.Scope) bool {
	if intent == 0 {
		return false
	}
	for _, scope := range scopes {
		for _, s := range scope.Within() {
			if a.Decisions[s] > intent {
				return true
			}
		}
	}
	return false
}
