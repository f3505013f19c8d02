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
