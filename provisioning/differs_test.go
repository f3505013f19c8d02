package provisioning

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

func TestAnAccountDiffersWhereAPIGatewayIsNotAsTheFoldSays(t *testing.T) {
	t.Parallel()
	before := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	long, now := before.Add(-time.Hour), before.Add(time.Second)
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
	drifted := difference{drifted: true}
	free, old, gone := portal.Pair{Key: "k1", Plan: "free"}, portal.Pair{Key: "k1", Plan: "old"}, portal.Pair{Key: "k1", Plan: "gone"}
	freeToo := portal.Pair{Key: "k2", Plan: "free"}
	for _, c := range []struct {
		name  string
		keys  map[portal.KeyID]state.Key
		has   attachments
		holds held
		want  difference
	}{
		{"nothing differs", oneKey, attachments{free: is(state.Active, long), old: is(state.Ended, long)}, held{one, pairs{{"gw1", "free"}: true}}, difference{}},
		{"an attachment is missing", oneKey, attachments{free: is(state.Active, long)}, held{one, nil}, drifted},
		{"another key of the account is in the plan instead", twoKeys, attachments{free: is(state.Active, long)}, held{two, pairs{{"gw2", "free"}: true}}, drifted},
		{"one of two keys is missing in a plan", twoKeys, attachments{free: is(state.Active, long), freeToo: is(state.Active, long)}, held{two, pairs{{"gw2", "free"}: true}}, drifted},
		{"another key of the account is in the plan, too", twoKeys, attachments{free: is(state.Active, long)}, held{two, pairs{{"gw1", "free"}: true, {"gw2", "free"}: true}}, drifted},
		{"the key is in a plan that was left", oneKey, attachments{free: is(state.Ended, long)}, held{one, pairs{{"gw1", "free"}: true}}, drifted},
		{"the key is in a plan that was never subscribed to", oneKey, nil, held{one, pairs{{"gw1", "free"}: true}}, drifted},
		{"a stray is in a plan", oneKey, nil, held{append(one, listed("k1", "gw7")), pairs{{"gw7", "free"}: true}}, difference{strays: []gateway.Listed{{ID: "gw7", Name: "g/a/k1"}}}},
		{"an attachment changed a moment ago", oneKey, attachments{free: is(state.Active, now)}, held{one, nil}, difference{}},
		{"wishes are open", oneKey, attachments{free: is(state.Wanted, long), old: is(state.Ending, long)}, held{one, pairs{{"gw1", "old"}: true}}, difference{}},
		{"a plan is active and gone", oneKey, attachments{gone: is(state.Active, long)}, held{one, nil}, drifted},
		{"a plan is wanted and gone", oneKey, attachments{gone: is(state.Wanted, long)}, held{one, nil}, drifted},
		{"a plan is wanted since a moment ago, and the survey may have missed it", oneKey, attachments{gone: is(state.Wanted, now)}, held{one, nil}, difference{}},
		{"a plan was left and is gone", oneKey, attachments{gone: is(state.Ended, long)}, held{one, nil}, difference{}},
		{"a key is missing", oneKey, nil, held{}, difference{drifted: true, missing: []portal.GatewayKeyID{"gw1"}}},
		{"a key was created a moment ago", map[portal.KeyID]state.Key{"k1": key("gw1", now)}, nil, held{}, difference{}},
		{"a key exists and is not recorded yet", map[portal.KeyID]state.Key{"k1": {}}, nil, held{one, nil}, difference{}},
		{"a key was created again by hand", oneKey, nil, held{[]heldKey{listed("k1", "gw7")}, nil}, difference{
			drifted: true, missing: []portal.GatewayKeyID{"gw1"}, strays: []gateway.Listed{{ID: "gw7", Name: "g/a/k1"}},
		}},
		{"a key was disabled", oneKey, nil, held{[]heldKey{{"k1", gateway.Listed{ID: "gw1", Name: "g/a/k1", Disabled: true}}}, nil}, drifted},
		{"a disabled key was enabled again", map[portal.KeyID]state.Key{"k1": {GatewayID: "gw1", CreatedAt: long, Disabled: true}}, nil, held{one, nil}, drifted},
		{"a key that was given back exists", map[portal.KeyID]state.Key{"k1": {CreatedAt: long, Released: true}}, nil, held{one, nil}, drifted},
		{"a key is about to be given back", map[portal.KeyID]state.Key{"k1": {GatewayID: "gw1", CreatedAt: long, Releasing: 9}}, nil, held{}, difference{}},
		{"a key has a name of the account and an unknown id in it", oneKey, nil, held{append(one, listed("k9", "gw9")), nil}, difference{strays: []gateway.Listed{{ID: "gw9", Name: "g/a/k9"}}}},
	} {
		account := state.NewAccount("a")
		account.Keys, account.Attachments = c.keys, c.has
		plans := map[portal.PlanID]bool{"free": true, "old": true}
		got := differs(account, c.holds, plans, before)
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(difference{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}
