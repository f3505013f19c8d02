package provisioning

import (
	"time"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

type held struct {
	keys  []heldKey
	pairs map[pair]bool
}

// heldKey is a key under the name of an account's key, or the adopted key. Several may have a name.
type heldKey struct {
	key portal.KeyID
	gateway.Listed
}

type pair struct {
	key  portal.GatewayKeyID
	plan portal.PlanID
}

type difference struct {
	drifted bool
	// recent: something else differs, but so recently that API Gateway may show it late or the
	// survey may have missed it.
	recent bool
	// missing keys do not exist under their names. strays exist under such a name and are not
	// the recorded key.
	missing []portal.GatewayKeyID
	strays  []gateway.Listed
}

// differs compares an account with a survey of API Gateway that began at began. A difference
// counts only as recent if it changed less than inTransit before the survey, or since. A missing
// plan counts as deleted if it was wanted before the survey, because API Gateway showed it then.
// Open wishes and changes of plans do not count unless the plan is gone, which only a recheck
// finds out.
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
		case !account.Keys[of.Key].Live():
			// API Gateway keeps an ended key in its plans until the key is deleted.
		case is.Desired() && !plans[of.Plan] && is.Since.Before(began):
			d.drifted = true
		case is.Open() || account.SubscribedBy(of).ChangesTo != "" || holds.pairs[pair{account.Keys[of.Key].GatewayID, of.Plan}] == (is.Phase == state.Active):
		case predates(is.Since):
			d.drifted = true
		default:
			d.recent = true
		}
	}
	for id, s := range account.Subscriptions {
		if account.WithoutKeys(id) && !plans[s.Plan] && s.Since.Before(began) {
			d.drifted = true
		}
	}
	for p := range holds.pairs {
		key, ours := keys[p.key]
		if ours && account.Keys[key].Live() && account.Attachments[portal.Pair{Key: key, Plan: p.plan}].Phase == "" {
			d.drifted = true
		}
	}
	d.compareKeys(account, holds, predates)
	return d
}

func (d *difference) compareKeys(account state.Account, holds held, predates func(time.Time) bool) {
	present := map[portal.GatewayKeyID]bool{}
	for _, listed := range holds.keys {
		key, known := account.Keys[listed.key]
		switch {
		case known && key.Released:
			d.drifted = true
		case known && listed.ID == key.GatewayID:
			present[key.GatewayID] = true
			if listed.Disabled != (key.Disabled || key.Blocked) && key.Ending == 0 || listed.Customer != key.Ring.Customer() && key.Live() && !key.Adopted {
				d.drifted = true
			}
		case known && !key.Created() && !key.Live():
			d.drifted = true // a worker created it after it had ended, or without recording it
		case known && (!key.Created() || !predates(key.CreatedAt)):
			// This may be the key itself, surveyed before it was recorded.
		default:
			d.strays = append(d.strays, listed.Listed)
		}
	}
	for _, key := range account.Keys {
		switch {
		case !key.Created() || key.Releasing != 0 || present[key.GatewayID]:
		case predates(key.CreatedAt) && account.Barred(key):
			// It may have another name there, and be enabled. If it is gone, it stays so.
			d.drifted = true
		case predates(key.CreatedAt):
			d.drifted = true
			d.missing = append(d.missing, key.GatewayID)
		default:
			d.recent = true
		}
	}
}
