package app

import (
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestAWorkerRefusesWhatThePublishedCatalogLetsNobodySubscribeTo(t *testing.T) {
	t.Parallel()
	h := healthy(t)
	store := catalog.NewStore(h.dynamodb, h.names.Records)
	clock := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	r := &refusals{facts: journal.New(h.dynamodb, h.names.Journal, h.names.Records), documents: store, now: func() time.Time { return clock }}
	says := func(want string) {
		t.Helper()
		if got, err := r.refusal(t.Context(), "p"); got != want || err != nil {
			t.Errorf("it says %q, %v, want %q", got, err, want)
		}
	}
	facts := 0
	publish := func(plans ...catalog.Plan) {
		t.Helper()
		hash, err := store.Put(t.Context(), catalog.Document{Products: []catalog.Product{{ID: "zoo", Name: "Zoo", Plans: plans}}})
		ok(t, err)
		ok(t, r.facts.Append(t.Context(), portal.CatalogStream, int64(facts), []events.Event{{
			ID: portal.DeriveID("fact", hash), Source: "/test", Subject: portal.CatalogStream, Time: clock, Sequence: int64(facts) + 1, Data: events.CatalogPublished{Hash: hash, Products: 1},
		}}))
		facts++
	}
	const refused = "You can buy Pro on AWS Marketplace only, not on this portal."
	says("") // before the first publication
	publish(catalog.Plan{ID: "p", Name: "Pro", Marketplace: true})
	says("") // the stream is read at most once a second
	clock = clock.Add(time.Second)
	says(refused)
	publish(catalog.Plan{ID: "q", Name: "Other"})
	clock = clock.Add(time.Second)
	says("") // not in the catalog any more, which acceptance refuses
	publish(catalog.Plan{ID: "p", Name: "Pro"})
	clock = clock.Add(time.Second)
	says("")
}
