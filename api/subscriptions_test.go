package api

import (
	"testing"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

func TestASubscriptionNamesThePurchaseThatPaysForIt(t *testing.T) {
	t.Parallel()
	for ring, want := range map[portal.Ring]string{"licence/l-1": "licence/l-1", "legacy/abc/X01": "legacy/abc/X01", portal.AccountRing: "", "plan/plan-max": ""} {
		if got := ShowSubscription(projections.Subscription{Plan: "plan-max", Ring: ring}).Licence; got != want {
			t.Errorf("a subscription of the ring %q names the licence %q", ring, got)
		}
	}
}
