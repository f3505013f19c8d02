package provisioning

import (
	"time"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// held is what API Gateway holds of one account's keys, by their names.
type held struct {
	keys  []heldKey
	pairs map[pair]bool
}

// heldKey is a key under the name of that key of the account; another key may have the
// same name.
type heldKey struct {
	key portal.KeyID
	gateway.Listed
}

// pair is a key in a plan.
type pair struct {
	key  portal.GatewayKeyID
	plan portal.PlanID
}

// difference is where API Gateway holds something else than the fold holds for done.
type difference struct {
	drifted bool
	// missing are the account's keys that are not there under their names, strays the keys
	// that are there under one of its names and are not the recorded one.
	missing []portal.GatewayKeyID
	strays  []gateway.Listed
}

// differs compares an account with what API Gateway holds of it; plans are all plans that
// API Gateway has. It ignores changes made at or after before, since the survey may have
// missed them. It also ignores open wishes, unless their plan no longer exists: only a
// recheck finds that out.
func differs(account state.Account, holds held, plans map[portal.PlanID]bool, before time.Time) difference {
	var d difference
	settled := func(t time.Time) bool { return t.Before(before) }
	keys := map[portal.GatewayKeyID]portal.KeyID{}
	for id, key := range account.Keys {
		if key.Created() {
			keys[key.GatewayID] = id
		}
	}
	for plan, s := range account.Subscriptions {
		switch {
		case !settled(s.Since):
		case s.Holds() && !plans[plan]:
			d.drifted = true
		case !s.Open() && holds.pairs[pair{account.Keys[s.Key].GatewayID, plan}] != (s.Phase == state.Active):
			d.drifted = true
		}
	}
	for p := range holds.pairs {
		key, ours := keys[p.key]
		s, known := account.Subscriptions[p.plan]
		if ours && (!known || (s.Key != key && settled(s.Since))) {
			d.drifted = true
		}
	}
	there := map[portal.GatewayKeyID]bool{}
	for _, listed := range holds.keys {
		key, known := account.Keys[listed.key]
		switch {
		case known && listed.ID == key.GatewayID:
			there[key.GatewayID] = true
		case known && (!key.Created() || !settled(key.CreatedAt)):
			// This may be the key itself: the survey saw it before it was recorded.
		default:
			d.strays = append(d.strays, listed.Listed)
		}
	}
	for _, key := range account.Keys {
		if key.Created() && settled(key.CreatedAt) && !there[key.GatewayID] {
			d.drifted = true
			d.missing = append(d.missing, key.GatewayID)
		}
	}
	return d
}
