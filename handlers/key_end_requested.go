package handlers

import (
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

const noSuchKey = "There is no such key."

// KeyEnd decides on KeyEndRequested: the key ends now, at another time than before, or not at
// all. An operation that ends the key now succeeds once API Gateway refuses the key. The owner of
// a suspended account may end a key, but not change when it ends.
//
// A key that has ended yields RequestUnchanged, and one that is ending RequestJoined; no request
// brings it back. A worker's request yields no facts if the end has moved, or the key's
// replacement is not ready yet; so does a second delivery of it.
func KeyEnd(now func() time.Time) Decide[events.KeyEndRequested] {
	return func(account state.Account, req events.KeyEndRequested, _ string) []events.Fact {
		decides := events.Decides{Scopes: req.Scopes()}
		key, ok := account.Keys[req.Key]
		switch {
		case req.Due != nil:
			return endWhenDue(account, key, *req.Due, now(), decides)
		case !ok:
			return reject(decides, portal.NotFound, noSuchKey)
		case req.At != nil || req.Keep:
			if refused := standing(account, decides); refused != nil {
				return refused
			}
			return moveEnd(account, key, req, now(), decides)
		case key.Ending != 0:
			return []events.Fact{events.RequestJoined{Decides: decides, Link: events.Link{Wish: key.Ending}}}
		case !key.Live():
			return []events.Fact{events.RequestUnchanged{Decides: decides}}
		case account.Replaced(key):
			return ending(key, decides, events.EndRotated)
		}
		return ending(key, decides, events.EndRevoked)
	}
}

func endWhenDue(account state.Account, key state.Key, due, now time.Time, decides events.Decides) []events.Fact {
	replacement := account.Keys[key.ReplacedBy]
	if !key.Live() || !key.Ends.Equal(due) || now.Before(due) || replacement.Readying != 0 {
		return nil
	}
	return ending(key, decides, key.EndsFor)
}

func moveEnd(account state.Account, key state.Key, req events.KeyEndRequested, now time.Time, decides events.Decides) []events.Fact {
	reason, longest := events.EndExpired, portal.MaxKeyExpiry
	if account.Replaced(key) {
		reason, longest = events.EndRotated, portal.MaxKeyOverlap
	}
	scheduled := events.KeyEndScheduled{Decides: decides, Key: key.ID, Ends: req.At, Reason: reason}
	switch {
	case !key.Live():
		return reject(decides, portal.Conflict, key.Name+" has ended, and a key that has ended never works again. Create another key.")
	case req.Keep && reason == events.EndRotated:
		return reject(decides, portal.Conflict, "Another key replaces "+key.Name+", so it must end. You can choose a later time.")
	case req.Keep:
		scheduled.Ends = nil
		if key.Ends.IsZero() {
			return []events.Fact{events.RequestUnchanged{Decides: decides}}
		}
		return []events.Fact{scheduled}
	}
	if err := portal.KeyEnd(*req.At, now, longest); err != nil {
		return reject(decides, portal.Invalid, portal.MessageOf(err))
	}
	if key.Ends.Equal(*req.At) {
		return []events.Fact{events.RequestUnchanged{Decides: decides}}
	}
	return []events.Fact{scheduled}
}

// ending ends a live key, and the wish to create it if that is open.
func ending(key state.Key, decides events.Decides, reason events.EndReason) []events.Fact {
	var facts []events.Fact
	if key.Readying != 0 {
		facts = append(facts, events.RequestSuperseded{Link: events.Link{Wish: key.Readying}})
	}
	return append(facts, events.KeyEnding{Decides: decides, Key: key.ID, Reason: reason})
}
