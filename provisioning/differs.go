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
	// recent says that something else differs that changed so recently that API Gateway may
	// show it late, or the survey may have missed it.
	recent bool
	// missing are the account's keys that are not there under their names, strays the keys
	// that are there under one of its names and are not the recorded one.
	missing []portal.GatewayKeyID
	strays  []gateway.Listed
}

// differs compares an account with what API Gateway holds of it, by a survey that began then;
// plans are all plans that API Gateway has. A difference in what changed within inTransit before
// the survey, or since, is only recent. A plan that is not there is different: API Gateway
// showed it before it was wanted, so it counts as deleted if it was wanted before the survey.
// differs ignores open wishes, unless their plan no longer exists: only a recheck finds that
// out.
func differs(account state.Account, holds held, plans map[portal.PlanID]bool, began time.Time) difference {
	var d difference
	predates := func(t time.Time) bool { return t.Before(began.Add(-inTransit)) }
	keys := map[portal.GatewayKeyID]portal.KeyID{}
	for id, key := range account.Keys {
		if key.Created() {
			keys[key.GatewayID] = id
		}
	}
	for of, is := range account.Attachments {
		switch {
		case is.Holds() && !plans[of.Plan] && is.Since.Before(began):
			d.drifted = true
		case is.Open() || holds.pairs[pair{account.Keys[of.Key].GatewayID, of.Plan}] == (is.Phase == state.Active):
		case predates(is.Since):
			d.drifted = true
		default:
			d.recent = true
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
		switch {
		case !key.Created() || key.Releasing != 0 || there[key.GatewayID]:
		case predates(key.CreatedAt):
			d.drifted = true
			d.missing = append(d.missing, key.GatewayID)
		default:
			d.recent = true
		}
	}
}
