package provisioning

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

func TestDifferencesOfSubscriptionsBesidesTheirKeys(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	long := began.Add(-time.Hour)
	freePair, plusPair := portal.Pair{Key: "k1", Plan: "free"}, portal.Pair{Key: "k1", Plan: "plus"}
	changing := map[portal.SubscriptionID]state.Subscription{
		"free": {Plan: "free", Phase: state.Active, Since: long, ChangesTo: "plus"}, "plus": {Plan: "plus", Phase: state.Wanted, Since: long, Replaces: "free"},
	}
	onTheMove := map[portal.Pair]state.Attachment{freePair: {Phase: state.Active, Since: long}, plusPair: {Phase: state.Wanted, Since: long}}
	waiting := func(plan portal.PlanID, since time.Time) map[portal.SubscriptionID]state.Subscription {
		return map[portal.SubscriptionID]state.Subscription{portal.SubscriptionID(plan): {Plan: plan, Phase: state.AwaitingApproval, Since: since}}
	}
	for _, c := range []struct {
		name  string
		subs  map[portal.SubscriptionID]state.Subscription
		has   map[portal.Pair]state.Attachment
		pairs map[pair]bool
		want  difference
	}{
		{"a key has moved and that is not recorded", changing, onTheMove, map[pair]bool{{"gw1", "plus"}: true}, difference{}},
		{"a key is in neither plan of a change", changing, onTheMove, nil, difference{}},
		{"a plan that waits for approval is there", waiting("plus", long), nil, nil, difference{}},
		{"a plan that waits for approval is gone", waiting("gone", long), nil, nil, difference{drifted: true}},
		{"a plan that waits for approval may be newer than the survey", waiting("new", began.Add(time.Second)), nil, nil, difference{}},
		{"a plan that no key is in is gone", map[portal.SubscriptionID]state.Subscription{"gone": {Plan: "gone", Phase: state.Active, Since: long}}, nil, nil, difference{drifted: true}},
		{"a plan that was left is gone", map[portal.SubscriptionID]state.Subscription{"gone": {Plan: "gone", Phase: state.Ended, Since: long}}, nil, nil, difference{}},
	} {
		account := state.NewAccount("a")
		account.Keys["k1"] = state.Key{GatewayID: "gw1", CreatedAt: long}
		account.Subscriptions = c.subs
		if c.has != nil {
			account.Attachments = c.has
		}
		holds := held{keys: []heldKey{{"k1", gateway.Listed{ID: "gw1", Name: "g/a/k1"}}}, pairs: c.pairs}
		got := differs(account, holds, map[portal.PlanID]bool{"free": true, "plus": true}, began)
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(difference{}), cmpopts.IgnoreFields(difference{}, "findings")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}
