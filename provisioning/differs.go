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
	// findings say how it drifted. Their accounts are not set.
	findings []Finding
	// recent: something else differs, but so recently that API Gateway may show it late or the
	// survey may have missed it.
	recent bool
	// strays are keys under the name of a key of the account that are not the recorded key.
	strays []gateway.Listed
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
			d.find(PlanGone, of.Key, account.Keys[of.Key].GatewayID, of.Plan)
		case is.HasOpenWish() || account.SubscribedBy(of).ChangesTo != "" || holds.pairs[pair{account.Keys[of.Key].GatewayID, of.Plan}] == (is.Phase == state.Active):
		case predates(is.Since) && is.Phase == state.Active:
			d.find(AttachmentMissing, of.Key, account.Keys[of.Key].GatewayID, of.Plan)
		case predates(is.Since):
			d.find(AttachmentExtra, of.Key, account.Keys[of.Key].GatewayID, of.Plan)
		default:
			d.recent = true
		}
	}
	for id, s := range account.Subscriptions {
		if account.WithoutKeys(id) && !plans[s.Plan] && s.Since.Before(began) {
			d.find(PlanGone, "", "", s.Plan)
		}
	}
	for p := range holds.pairs {
		key, ours := keys[p.key]
		if ours && account.Keys[key].Live() && account.Attachments[portal.Pair{Key: key, Plan: p.plan}].Phase == "" {
			d.find(AttachmentExtra, key, p.key, p.plan)
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
			d.find(KeyReturned, listed.key, listed.ID, "")
		case known && listed.ID == key.GatewayID:
			present[key.GatewayID] = true
			d.comparePresent(account, listed)
		case known && !key.Created() && !key.Live():
			// A worker created it after it had ended, or without recording it.
			d.find(KeyUnrecorded, listed.key, listed.ID, "")
		case known && (!key.Created() || !predates(key.CreatedAt)):
			// This may be the key itself, surveyed before it was recorded.
		default:
			d.strays = append(d.strays, listed.Listed)
		}
	}
	for id, key := range account.Keys {
		switch {
		case !key.Created() || key.Releasing != 0 || present[key.GatewayID]:
		case predates(key.CreatedAt) && account.Barred(key):
			// It may have another name there, and be enabled. If it is gone, it stays so.
			d.find(barredMissing, id, key.GatewayID, "")
		case predates(key.CreatedAt):
			d.find(KeyMissing, id, key.GatewayID, "")
		default:
			d.recent = true
		}
	}
}

func (d *difference) comparePresent(account state.Account, listed heldKey) {
	key := account.Keys[listed.key]
	switch {
	case listed.Disabled == (key.Disabled || key.Blocked) || key.Ending != 0:
	case listed.Disabled:
		d.find(KeyDisabled, listed.key, listed.ID, "")
	case key.Blocked || account.Barred(key):
		d.find(KeyUnblocked, listed.key, listed.ID, "")
	default:
		d.find(KeyEnabled, listed.key, listed.ID, "")
	}
	if listed.Customer != key.Ring.Customer() && key.Live() && !key.Adopted {
		d.find(KeyCustomer, listed.key, listed.ID, "")
	}
}
