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
	predates := func(t time.Time) bool { return t.Before(before) }
	keys := map[portal.GatewayKeyID]portal.KeyID{}
	for id, key := range account.Keys {
		if key.Created() {
			keys[key.GatewayID] = id
		}
	}
	for of, is := range account.Attachments {
		switch {
		case !predates(is.Since):
		case is.Holds() && !plans[of.Plan]:
			d.drifted = true
		case !is.Open() && holds.pairs[pair{account.Keys[of.Key].GatewayID, of.Plan}] != (is.Phase == state.Active):
			d.drifted = true
		}
	}
	for p := range holds.pairs {
		key, ours := keys[p.key]
		if ours && account.Attachments[portal.Pair{Key: key, Plan: p.plan}].Phase == "" {
			d.drifted = true
		}
	}
	d.compareKeys(account, holds, predates)
	return d
}

func (d *difference) compareKeys(account state.Account, holds held, predates func(time.Time) bool) {
	there := map[portal.GatewayKeyID]bool{}
	for _, listed := range holds.keys {
		key, known := account.Keys[listed.key]
		switch {
		case known && key.Released:
			d.drifted = true
		case known && listed.ID == key.GatewayID:
			there[key.GatewayID] = true
			if listed.Disabled != key.Disabled {
				d.drifted = true
			}
		case known && (!key.Created() || !predates(key.CreatedAt)):
			// This may be the key itself: the survey saw it before it was recorded.
		default:
			d.strays = append(d.strays, listed.Listed)
		}
	}
	for _, key := range account.Keys {
		if key.Created() && key.Releasing == 0 && predates(key.CreatedAt) && !there[key.GatewayID] {
			d.drifted = true
			d.missing = append(d.missing, key.GatewayID)
		}
	}
}
