package state

import (
	"cmp"
	"maps"
	"slices"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Wish returns the subscription that waits for the wish. ok is false if the wish is over, or is
// not about a subscription.
func (a Account) Wish(wish int64) (s Subscription, ok bool) {
	if wish == 0 {
		return Subscription{}, false
	}
	for _, s := range a.Subscriptions {
		if s.OpenedBy == wish && s.Open() {
			return s, true
		}
	}
	return Subscription{}, false
}

// WishOpen reports whether part of the wish is still unfulfilled.
func (a Account) WishOpen(wish int64) bool {
	if _, ok := a.Wish(wish); ok {
		return true
	}
	for _, attachment := range a.Attachments {
		if attachment.OpenedBy == wish && attachment.Open() {
			return true
		}
	}
	for _, k := range a.Keys {
		if wish != 0 && k.Releasing == wish {
			return true
		}
	}
	return false
}

// HasOpenWishes reports whether the converger has anything to do.
func (a Account) HasOpenWishes() bool {
	for _, s := range a.Subscriptions {
		if s.Open() {
			return true
		}
	}
	for _, attachment := range a.Attachments {
		if attachment.Open() {
			return true
		}
	}
	for _, k := range a.Keys {
		if k.Releasing != 0 {
			return true
		}
	}
	return false
}

// KeyOf returns the oldest key of the ring.
func (a Account) KeyOf(ring portal.Ring) (Key, bool) {
	var first Key
	found := false
	for _, k := range a.Keys {
		if k.Ring == ring && (!found || k.WantedAt.Before(first.WantedAt)) {
			first, found = k, true
		}
	}
	return first, found
}

// Held lists the plans that the ring's keys should be in, attached already or not, sorted.
func (a Account) Held(ring portal.Ring) []portal.PlanID {
	var held []portal.PlanID
	for _, plan := range a.Plans() {
		if s := a.Subscriptions[plan]; s.Ring == ring && s.Desired() {
			held = append(held, plan)
		}
	}
	return held
}

// Plans lists the plans of all subscriptions, sorted.
func (a Account) Plans() []portal.PlanID { return slices.Sorted(maps.Keys(a.Subscriptions)) }

// Pairs lists all attachments, sorted by plan and key.
func (a Account) Pairs() []portal.Pair {
	return slices.SortedFunc(maps.Keys(a.Attachments), func(p, q portal.Pair) int {
		return cmp.Or(cmp.Compare(p.Plan, q.Plan), cmp.Compare(p.Key, q.Key))
	})
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

// Supersedes reports whether there is a decision newer than the intent in any of the scopes, or
// in one that contains it. Workers' requests (intent 0) are never superseded.
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
