package events_test

import (
	"testing"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestNewsOfAccessCarriesTheOperationThatWaitsForIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		decided, waiting, want portal.OperationID
	}{
		"a claim of a licence that is paid for": {"op-claim", "", "op-claim"},
		"a payment that a claim waits for":      {"", "op-claim", "op-claim"},
		"a payment that nobody waits for":       {"", "", ""},
	} {
		news, ok := events.Event{
			ID: "f", Subject: "licence/l-1", Operation: c.decided, Data: events.LicenceAccessWanted{Account: "ann", Operation: c.waiting},
		}.LicenceNews(0)
		if !ok || news.Operation != c.want || news.Subject != portal.AccountStream("ann") {
			t.Errorf("%s: %+v, %t", name, news, ok)
		}
	}
}

func TestTheAccountHearsThatAClaimIsARenewal(t *testing.T) {
	t.Parallel()
	renews := &events.Renews{Licence: "licence/l-00"}
	claim := events.Event{ID: "fact", Subject: "licence/l-01", Sequence: 1, Data: events.LicenceClaimed{Account: "ann", Plan: "pro", Name: "Pro", Renews: renews}}
	news, ok := claim.LicenceNews(0)
	request, is := news.Data.(events.LicenceAccessRequested)
	if !ok || !is || !request.Claimed || request.Renews != renews {
		t.Errorf("the request is %+v, %t", news.Data, ok)
	}
}
