package provisioning

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

func TestAnAccountDiffersWhereAPIGatewayIsNotAsTheFoldSays(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	long, now, later := began.Add(-time.Hour), began.Add(-time.Second), began.Add(time.Second)
	is := func(phase state.Phase, since time.Time) state.Attachment {
		return state.Attachment{Phase: phase, Since: since}
	}
	key := func(id portal.GatewayKeyID, created time.Time) state.Key {
		return state.Key{GatewayID: id, CreatedAt: created}
	}
	listed := func(key portal.KeyID, id portal.GatewayKeyID) heldKey {
		return heldKey{key, gateway.Listed{ID: id, Name: "g/a/" + string(key)}}
	}
	type attachments = map[portal.Pair]state.Attachment
	type pairs = map[pair]bool
	oneKey := map[portal.KeyID]state.Key{"k1": key("gw1", long)}
	twoKeys := map[portal.KeyID]state.Key{"k1": key("gw1", long), "k2": key("gw2", long)}
	one, two := []heldKey{listed("k1", "gw1")}, []heldKey{listed("k1", "gw1"), listed("k2", "gw2")}
	gone := []Finding{{Kind: KeyMissing, Mending: Mend, Key: "k1", GatewayID: "gw1"}}
	drifted, recent := difference{drifted: true}, difference{recent: true}
	for _, c := range []struct {
		name  string
		keys  map[portal.KeyID]state.Key
		has   attachments
		holds held
		want  difference
	}{
		{"all is as it should be", oneKey, attachments{{Key: "k1", Plan: "free"}: is(state.Active, long), {Key: "k1", Plan: "old"}: is(state.Ended, long)}, held{one, pairs{{"gw1", "free"}: true}}, difference{}},
		{"an attachment is missing", oneKey, attachments{{Key: "k1", Plan: "free"}: is(state.Active, long)}, held{one, nil}, drifted},
		{"an attachment of another key of the account is not its own", twoKeys, attachments{{Key: "k1", Plan: "free"}: is(state.Active, long)}, held{two, pairs{{"gw2", "free"}: true}}, drifted},
		{"of two keys that are to be in a plan one is missing", twoKeys, attachments{{Key: "k1", Plan: "free"}: is(state.Active, long), {Key: "k2", Plan: "free"}: is(state.Active, long)}, held{two, pairs{{"gw2", "free"}: true}}, drifted},
		{"another key of the account is in the plan, too", twoKeys, attachments{{Key: "k1", Plan: "free"}: is(state.Active, long)}, held{two, pairs{{"gw1", "free"}: true, {"gw2", "free"}: true}}, drifted},
		{"a plan that was left is held", oneKey, attachments{{Key: "k1", Plan: "free"}: is(state.Ended, long)}, held{one, pairs{{"gw1", "free"}: true}}, drifted},
		{"a plan that was never subscribed to is held", oneKey, nil, held{one, pairs{{"gw1", "free"}: true}}, drifted},
		{"a plan that a stray is in", oneKey, nil, held{append(one, listed("k1", "gw7")), pairs{{"gw7", "free"}: true}}, difference{strays: []gateway.Listed{{ID: "gw7", Name: "g/a/k1"}}}},
		{"a plan was attached a moment before the survey", oneKey, attachments{{Key: "k1", Plan: "free"}: is(state.Active, now)}, held{one, nil}, recent},
		{"a plan was left a moment before the survey", oneKey, attachments{{Key: "k1", Plan: "free"}: is(state.Ended, now)}, held{one, pairs{{"gw1", "free"}: true}}, recent},
		{"a plan is wanted since a moment before the survey", oneKey, attachments{{Key: "k1", Plan: "free"}: is(state.Wanted, now)}, held{one, nil}, difference{}},
		{"what is on its way", oneKey, attachments{{Key: "k1", Plan: "free"}: is(state.Wanted, long), {Key: "k1", Plan: "old"}: is(state.Ending, long)}, held{one, pairs{{"gw1", "old"}: true}}, difference{}},
		{"a plan is held that is not there any more", oneKey, attachments{{Key: "k1", Plan: "gone"}: is(state.Active, long)}, held{one, nil}, drifted},
		{"a plan is wanted that is not there any more", oneKey, attachments{{Key: "k1", Plan: "gone"}: is(state.Wanted, long)}, held{one, nil}, drifted},
		{"a plan that is not there any more was attached a moment before the survey", oneKey, attachments{{Key: "k1", Plan: "gone"}: is(state.Active, now)}, held{one, nil}, drifted},
		{"a plan that is not there any more is wanted since a moment before the survey", oneKey, attachments{{Key: "k1", Plan: "gone"}: is(state.Wanted, now)}, held{one, nil}, drifted},
		{"a plan that the survey may have been too early for was attached", oneKey, attachments{{Key: "k1", Plan: "new"}: is(state.Active, later)}, held{one, nil}, recent},
		{"a plan that the survey may have been too early for is wanted", oneKey, attachments{{Key: "k1", Plan: "new"}: is(state.Wanted, later)}, held{one, nil}, difference{}},
		{"a plan was left that is not there any more", oneKey, attachments{{Key: "k1", Plan: "gone"}: is(state.Ended, long)}, held{one, nil}, difference{}},
		{"a key is missing", oneKey, nil, held{}, difference{drifted: true, findings: gone}},
		{"a key was created a moment ago", map[portal.KeyID]state.Key{"k1": key("gw1", now)}, nil, held{}, recent},
		{"a key was created a moment ago and is there", map[portal.KeyID]state.Key{"k1": key("gw1", now)}, nil, held{one, nil}, difference{}},
		{"a key is there and not recorded yet", map[portal.KeyID]state.Key{"k1": {}}, nil, held{one, nil}, difference{}},
		{"a key was made anew by hand", oneKey, nil, held{[]heldKey{listed("k1", "gw7")}, nil}, difference{
			drifted: true, findings: gone, strays: []gateway.Listed{{ID: "gw7", Name: "g/a/k1"}},
		}},
		{"a key was disabled", oneKey, nil, held{[]heldKey{{"k1", gateway.Listed{ID: "gw1", Name: "g/a/k1", Disabled: true}}}, nil}, drifted},
		{"a key of an older listing has its customer", map[portal.KeyID]state.Key{"k1": {GatewayID: "gw1", CreatedAt: long, Ring: "legacy/prod/cust"}}, nil, held{[]heldKey{{"k1", gateway.Listed{ID: "gw1", Name: "g/a/k1", Customer: "cust"}}}, nil}, difference{}},
		{"a key of an older listing has no customer", map[portal.KeyID]state.Key{"k1": {GatewayID: "gw1", CreatedAt: long, Ring: "legacy/prod/cust"}}, nil, held{one, nil}, drifted},
		{"a key that has ended has another customer", map[portal.KeyID]state.Key{"k1": {GatewayID: "gw1", CreatedAt: long, EndingAt: long, EndedBy: 9, Disabled: true, Ring: "legacy/prod/cust"}}, nil, held{[]heldKey{{"k1", gateway.Listed{ID: "gw1", Name: "g/a/k1", Disabled: true}}}, nil}, difference{}},
		{"a key of another ring has a customer", oneKey, nil, held{[]heldKey{{"k1", gateway.Listed{ID: "gw1", Name: "g/a/k1", Customer: "cust"}}}, nil}, drifted},
		{"a disabled key was enabled again", map[portal.KeyID]state.Key{"k1": {GatewayID: "gw1", CreatedAt: long, Disabled: true}}, nil, held{one, nil}, drifted},
		{"a key that was released exists", map[portal.KeyID]state.Key{"k1": {CreatedAt: long, Released: true}}, nil, held{one, nil}, drifted},
		{"a key that has ended is not there under its name", map[portal.KeyID]state.Key{"k1": {GatewayID: "gw1", CreatedAt: long, EndingAt: long, EndedBy: 9, Blocked: true}}, nil, held{}, drifted},
		{"a key is about to be released", map[portal.KeyID]state.Key{"k1": {GatewayID: "gw1", CreatedAt: long, Releasing: 9}}, nil, held{}, difference{}},
		{"a key has a name of the account and an unknown id in it", oneKey, nil, held{append(one, listed("k9", "gw9")), nil}, difference{strays: []gateway.Listed{{ID: "gw9", Name: "g/a/k9"}}}},
	} {
		account := state.NewAccount("a")
		account.Keys, account.Attachments = c.keys, c.has
		plans := map[portal.PlanID]bool{"free": true, "old": true}
		got := differs(account, c.holds, plans, began)
		got.findings = slices.DeleteFunc(got.findings, func(f Finding) bool { return f.Kind != KeyMissing })
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(difference{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}
