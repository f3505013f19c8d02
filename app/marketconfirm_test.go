package app

import (
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/catalog"
)

// SNS asks the owner of the portal's queue to confirm the subscription of a seller from another AWS account. A worker
// records the request, and the command confirms. The notices arrive from then on.
func TestASubscriptionFromAnotherAccountIsConfirmed(t *testing.T) {
	t.Parallel()
	s := newShopOfAnother(t, topicsSet)
	s.publish(s.plan("Fleet", olderCode, catalog.Listing{Product: olderCode, Meter: catalog.MeterGateway, Notices: "sns"}))
	to := Subscription{Product: olderCode, Notices: "sns"} // the worker reads the catalog, which does not say it
	first, err := s.subscribe(to, true)
	ok(t, err)
	if len(first.Left) != 2 || !strings.Contains(first.Left[0].Problem, "waits for a confirmation") {
		t.Fatalf("at first it says %+v", first)
	}
	if s.buy(string(olderCode)); s.received() != 2 {
		t.Errorf("the queue has %d messages, want the two requests for a confirmation", s.received())
	}
	working(t, s.Process)
	views := (market{estate: s.estate(t)}).views()
	eventually(t, "a worker has recorded both requests", func() bool {
		kept, err := views.KeptNotices(t.Context(), 10)
		ok(t, err)
		return len(kept) == 2
	})
	second, err := s.subscribe(to, true)
	ok(t, err)
	want := []string{
		"subscription to aws-mp-subscription-notification-older1: confirm the subscription", "subscription to aws-mp-entitlement-notification-older1: confirm the subscription",
	}
	if got := changesOf(second.MarketplaceResult); !slices.Equal(got, want) || len(second.Left) != 0 {
		t.Fatalf("once a worker has recorded the requests it says %+v", second)
	}
	s.buy(string(olderCode))
	eventually(t, "the notice arrives", func() bool {
		all, err := views.Licences(t.Context())
		ok(t, err)
		return len(all) == 1 && all[0].Product == olderCode
	})
	if again, err := s.subscribe(to, true); err != nil || len(again.Changes)+len(again.Left) != 0 {
		t.Errorf("after that it says %+v, %v", again, err)
	}
}
