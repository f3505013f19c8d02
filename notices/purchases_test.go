package notices_test

import (
	"context"
	"slices"
	"strings"
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
				if n.Kind != notices.Purchase || n.Link != "/dashboard#bought" || n.About != "licence/l-1" || !strings.Contains(n.Text, "(licence l-1)") {
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

// pays has the licence pay for Plus, which becomes active.
func (w *world) pays(licence portal.Stream, renews *events.Renews) {
	w.t.Helper()
	w.handle(w.fact(events.LicenceAccessSet{Licence: licence, HasAccess: true, Plan: "plus", Renews: renews}))
	w.later(time.Minute)
	w.fact(events.SubscriptionWanted{Plan: "plus", Name: "Plus", Ring: portal.LicenceRing(licence)})
	wish := int64(len(w.facts))
	w.handle(w.fact(events.SubscriptionActivated{Plan: "plus", Payer: events.Payer{Licence: licence}, Link: events.Link{Wish: wish}}))
	w.later(time.Minute)
}

func (w *world) needs() []string {
	w.t.Helper()
	var titles []string
	for _, n := range notices.NeedsYou(w.list()) {
		titles = append(titles, n.Title)
	}
	return titles
}

func TestTheActivePurchaseReplacesTheNoticeOfItsFailedPayment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.notifier.Licences = bought(events.LicenceClaimed{Account: ann, Plan: "plus", Name: "Plus"}, said(events.NoticeFailed, events.LicenceFailed))
	if err := w.notifier.Handle(t.Context(), events.Event{Subject: licence, Data: events.LicenceNoticed{}}); err != nil {
		t.Fatal(err)
	}
	if needs := w.needs(); len(needs) != 1 {
		t.Fatalf("the dashboard shows %q", needs)
	}
	w.later(time.Hour)
	w.pays(licence, nil)
	if needs := w.needs(); len(needs) != 0 {
		t.Errorf("after the payment the dashboard shows %q", needs)
	}
}

func TestAnotherPurchaseOfThePlanHidesNoNoticeOfThisOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.notifier.Licences = bought(events.LicenceClaimed{Account: ann, Plan: "plus", Name: "Plus"}, said(events.NoticeInactive, events.LicenceEnded))
	if err := w.notifier.Handle(t.Context(), events.Event{Subject: licence, Data: events.LicenceNoticed{}}); err != nil {
		t.Fatal(err)
	}
	w.later(time.Hour)
	w.pays("licence/l-2", nil)
	w.fact(events.LicenceAccessSet{Licence: "licence/l-2", Sequence: 9, Plan: "plus"})
	w.handle(w.fact(events.SubscriptionEnding{Plan: "plus", Payer: events.Payer{Licence: "licence/l-2"}}))
	w.later(time.Hour)
	w.pays("licence/l-3", nil)
	w.handle(w.fact(events.RequestRejected{Link: events.Link{Wish: int64(len(w.facts) - 1)}, Code: portal.NotFound, Message: "It is gone."}))
	w.later(time.Hour)
	w.pays("licence/l-4", nil)
	want := []string{"Your purchase of Plus has ended", "Your purchase of Plus did not begin", "Your request about Plus was refused"}
	if needs := w.needs(); !slices.Equal(needs, want) {
		t.Fatalf("the dashboard shows %q, want %q", needs, want)
	}
	for i, n := range notices.NeedsYou(w.list())[:2] {
		if licence := []string{"(licence l-2)", "(licence l-1)"}[i]; !strings.Contains(n.Text, licence) {
			t.Errorf("%q does not name the %s", n.Text, licence)
		}
	}
}

func TestTheNoticeOfARenewalStaysUntilTheOldLicenceEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pays("licence/l-1", nil)
	w.pays("licence/l-2", &events.Renews{Licence: "licence/l-1"})
	needs := notices.NeedsYou(w.list())
	if len(needs) != 1 || needs[0].Kind != notices.PurchaseRenewed || !strings.Contains(needs[0].Text, "(licence l-1)") || !strings.Contains(needs[0].Text, "(licence l-2)") {
		t.Fatalf("the dashboard shows %+v", needs)
	}
	w.later(time.Hour)
	w.fact(events.LicenceAccessSet{Licence: "licence/l-1", Sequence: 9, Plan: "plus"})
	w.handle(w.fact(events.SubscriptionEnding{Plan: "plus", Payer: events.Payer{Licence: "licence/l-1"}}))
	needs = notices.NeedsYou(w.list())
	if len(needs) != 1 || needs[0].Title != "Your purchase of Plus has ended" {
		t.Fatalf("after the old licence has ended, the dashboard shows %+v", needs)
	}
	if _, err := w.desk.Dismiss(t.Context(), ann, needs[0].ID); err != nil {
		t.Fatal(err)
	}
	if needs := w.needs(); len(needs) != 0 {
		t.Errorf("after it was dismissed the dashboard shows %q", needs)
	}
}

func TestAPurchaseThatEndsSendsNobodyToBuyAgainWhoHasAnother(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		other events.LicenceAccessSet
		again bool
	}{
		"a renewal works":                    {events.LicenceAccessSet{Licence: "licence/l-2", HasAccess: true, Plan: "plus", Renews: &events.Renews{Licence: "licence/l-1"}}, false},
		"another purchase works":             {events.LicenceAccessSet{Licence: "licence/l-2", HasAccess: true, Plan: "plus"}, false},
		"another purchase has ended":         {events.LicenceAccessSet{Licence: "licence/l-2", Plan: "plus"}, true},
		"another purchase was given up":      {events.LicenceAccessSet{Licence: "licence/l-2", HasAccess: true, Released: true, Plan: "plus"}, true},
		"another purchase is for less":       {events.LicenceAccessSet{Licence: "licence/l-2", HasAccess: true, Plan: "small"}, true},
		"the ended purchase is all there is": {events.LicenceAccessSet{Licence: "licence/l-1", Plan: "plus"}, true},
	} {
		w := newWorld(t)
		w.pays("licence/l-1", nil)
		w.fact(c.other)
		w.fact(events.LicenceAccessSet{Licence: "licence/l-1", Sequence: 9, Plan: "plus"})
		w.handle(w.fact(events.SubscriptionEnding{Plan: "plus", Payer: events.Payer{Licence: "licence/l-1"}}))
		i := slices.IndexFunc(w.list(), func(n notices.Notice) bool { return n.Title == "Your purchase of Plus has ended" })
		if i < 0 {
			t.Fatalf("%s: the notices are %+v", name, w.list())
		}
		n := w.list()[i]
		if again := n.Advice == "Buy it again on AWS Marketplace if you want to use it."; again != c.again || (n.Importance == notices.Act) != c.again {
			t.Errorf("%s: it is %s and says %q", name, n.Importance, n.Advice)
		}
		if !c.again && n.Advice != "You have another purchase of Plus (licence l-2). Use its API key." {
			t.Errorf("%s: it says %q", name, n.Advice)
		}
	}
}

// Notices from before purchases were told apart are about the plan.
func TestANoticeThatIsAboutThePlanOfAPurchaseIsReplacedByANewerOneAboutThePurchase(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		about string
		over  bool
	}{"of the plan": {"plan/plus", true}, "of another plan": {"plan/max", false}} {
		w := newWorld(t)
		stored := notices.Notice{ID: "0", Kind: notices.Purchase, Importance: notices.Act, About: c.about, Title: "The payment failed", At: noon.Add(-time.Hour)}
		if err := w.notifier.Tell(t.Context(), ann, stored); err != nil {
			t.Fatal(err)
		}
		w.pays("licence/l-1", nil)
		if needs := w.needs(); (len(needs) == 0) != c.over {
			t.Errorf("%s: the dashboard shows %q", name, needs)
		}
	}
}
