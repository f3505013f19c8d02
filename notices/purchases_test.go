package notices_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const licence = portal.Stream("licence/l-1")

// licences are the facts of one licence's stream.
type licences []events.Event

func (l licences) Read(context.Context, portal.Stream, int64) ([]events.Event, error) { return l, nil }

// bought are the facts of a purchase, one minute apart.
func bought(facts ...events.Fact) licences {
	var all licences
	for i, data := range facts {
		all = append(all, events.Event{ID: "licence-fact-" + string(rune('a'+i)), Subject: licence, Sequence: int64(i + 1), Time: noon.Add(time.Duration(i) * time.Minute), Data: data})
	}
	return all
}

func said(kind events.NoticeKind, status events.LicenceStatus) events.Fact {
	return events.LicenceNoticed{Notice: events.MarketplaceNotified{Kind: kind, At: noon}, Status: status}
}

func TestTheOwnerOfAPurchaseIsToldWhatBecameOfIt(t *testing.T) {
	t.Parallel()
	claimed := events.LicenceClaimed{Account: ann, Plan: "pro", Name: "Pro"}
	access := events.LicenceAccessWanted{Account: ann, Plan: "pro", Name: "Pro"}
	paid := said(events.NoticeLicenceUpdated, events.LicenceActive)
	const waits = "Your purchase of Pro waits for AWS Marketplace"
	for name, c := range map[string]struct {
		facts licences
		want  []string
	}{
		"it waits":                  {bought(claimed), []string{waits}},
		"it was paid for before":    {bought(paid, claimed, access), nil},
		"the payment failed":        {bought(claimed, said(events.NoticeFailed, events.LicenceFailed)), []string{waits, "The payment for Pro failed"}},
		"it did not begin":          {bought(claimed, said(events.NoticeInactive, events.LicenceEnded)), []string{waits, "Your purchase of Pro did not begin"}},
		"it was cancelled":          {bought(claimed, paid, access, said(events.NoticeCancelled, events.LicenceActive)), []string{waits, "Your purchase of Pro was cancelled"}},
		"it ended":                  {bought(claimed, paid, access, said(events.NoticeDeprovisioned, events.LicenceEnded)), []string{waits}}, // the account's facts tell it
		"nobody has claimed it":     {bought(paid, said(events.NoticeCancelled, events.LicenceActive), said(events.NoticeDeprovisioned, events.LicenceEnded)), nil},
		"an older notice came late": {bought(claimed, paid, access, said(events.NoticeFailed, "")), []string{waits}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.later(10 * time.Minute)
			w.notifier.Licences = c.facts
			for range 3 { // messages may be repeated
				if err := w.notifier.Handle(t.Context(), c.facts[len(c.facts)-1]); err != nil {
					t.Fatal(err)
				}
			}
			var got []string
			for _, n := range w.list() {
				got = append(got, n.Title)
				if n.Kind != notices.Purchase || n.Link != "/dashboard#bought" || n.About != "plan/pro" {
					t.Errorf("the notice is %+v", n)
				}
			}
			slices.Reverse(got)
			if !slices.Equal(got, c.want) {
				t.Errorf("the notices are %q, want %q", got, c.want)
			}
			w.deliver()
			if len(w.post.mails) != len(c.want) {
				t.Errorf("%d mails were sent, want %d", len(w.post.mails), len(c.want))
			}
		})
	}
}

func TestTheActiveSubscriptionReplacesTheNoticeOfAFailedPayment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.notifier.Licences = bought(events.LicenceClaimed{Account: ann, Plan: "plus", Name: "Plus"}, said(events.NoticeFailed, events.LicenceFailed))
	if err := w.notifier.Handle(t.Context(), events.Event{Subject: licence, Data: events.LicenceNoticed{}}); err != nil {
		t.Fatal(err)
	}
	if needs := notices.NeedsYou(w.list()); len(needs) != 1 {
		t.Fatalf("the dashboard shows %+v", needs)
	}
	w.later(time.Hour)
	w.active()
	if needs := notices.NeedsYou(w.list()); len(needs) != 0 {
		t.Errorf("after the payment the dashboard shows %+v", needs)
	}
}
