// Licences of AWS Marketplace in pipeline_test.go.

package e2e

import (
	"context"
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/state"
	"github.com/gatehouse-portal/gatehouse/state/statetest"
)

var licences = []portal.Stream{"licence/l-01", "licence/l-02", "legacy/prod/cust"}

// market is what AWS has said and what people have claimed.
type market struct {
	notices []events.Event
	claims  []events.Event
	intents map[portal.Stream]portal.Intent
	opened  time.Time
}

func newMarket(at time.Time) *market {
	return &market{intents: map[portal.Stream]portal.Intent{}, opened: at}
}

var noticeKinds = []events.NoticeKind{
	events.NoticeSubscribed, events.NoticeLicenceUpdated, events.NoticeLicenceUpdated, events.NoticeFailed, events.NoticeUnsubscribing, events.NoticeUnsubscribed,
	events.NoticeDeprovisioned, events.NoticeAgreementEnded, events.NoticeEntitlement, events.NoticeUnknown, events.NoticeActive, events.NoticeInactive,
}

// notice has AWS say something, with a time of its own that may be older than what it said before.
func (w *world) notice() {
	stream := rapid.SampledFrom(licences).Draw(w.T, "licence")
	data := events.MarketplaceNotified{
		Source: fmt.Sprintf("notice-%d", len(w.market.notices)), Kind: rapid.SampledFrom(noticeKinds).Draw(w.T, "notice"),
		At: w.market.opened.Add(time.Duration(rapid.IntRange(0, 9).Draw(w.T, "minute")) * time.Minute),
	}
	msg := events.Event{ID: portal.DeriveID("notice", data.Source), Source: "/test", Subject: stream, Time: w.clock, Data: data}
	w.market.notices = append(w.market.notices, msg)
	w.queue = append(w.queue, msg)
}

func claimOf(account portal.AccountID) events.MarketplaceConfirmed {
	next := plans[2]
	return events.MarketplaceConfirmed{Account: account, Plan: next.Plan, Name: next.Name, Stages: next.Stages}
}

func (w *world) claim() {
	stream := rapid.SampledFrom(licences).Draw(w.T, "licence")
	account := rapid.SampledFrom(people).Draw(w.T, "account")
	w.market.intents[stream]++
	data := claimOf(account)
	data.Purchase = purchaseOf(stream)
	op := portal.OperationID(fmt.Sprintf("claim-%d", len(w.market.claims)))
	msg := events.Event{
		ID: string(op), Source: "/test", Subject: stream, Time: w.clock, Operation: op, Intent: w.market.intents[stream],
		Actor: portal.AccountActor(account), Data: data,
	}
	w.market.claims = append(w.market.claims, msg)
	w.queue = append(w.queue, msg)
	if err := w.journal.Write(context.Background(), journal.PutDue(due.OfOperation(msg.Subject, op, msg.Time))); err != nil {
		w.Fatal(err)
	}
}

// sendNoticesAgain is what AWS, its queue and a reconciliation do about lost notices.
func (w *world) sendNoticesAgain() {
	w.queue = append(w.queue, w.market.notices...)
	w.drain()
	w.handleDueRows()
	w.drain()
}

// saidLast reports whether AWS said last that the licence is active.
func (m *market) saidLast(stream portal.Stream) (active bool) {
	licence := state.Licence{Stream: stream}
	told := slices.Clone(m.notices)
	slices.SortStableFunc(told, func(a, b events.Event) int {
		return a.Data.(events.MarketplaceNotified).At.Compare(b.Data.(events.MarketplaceNotified).At)
	})
	for _, msg := range told {
		notice := msg.Data.(events.MarketplaceNotified)
		if status := licence.After(notice); msg.Subject == stream && status != events.LicenceUnknown {
			licence.Apply(events.Event{Data: events.LicenceNoticed{Notice: notice, Status: status}})
		}
	}
	return licence.Status == events.LicenceActive
}

// checkLicences checks that access equals what AWS said last, for the account that has claimed the
// licence and for no other, and that the views and the operations of claims say so.
func (w *world) checkLicences() {
	ctx := context.Background()
	for _, stream := range licences {
		facts, err := w.journal.Read(ctx, stream, 0)
		if err != nil {
			w.Fatal(err)
		}
		licence, active := state.FoldLicence(stream, facts), w.market.saidLast(stream)
		for _, id := range people {
			w.checkAccess(licence, id, active)
		}
		shown, found, err := w.views.Licence(ctx, stream)
		if err != nil {
			w.Fatal(err)
		}
		if found != (len(facts) > 0) || shown.Account != licence.Claim.Account || (shown.State == projections.LicenceActive) != (active && licence.Claimed()) {
			w.Errorf("%s is shown as %s of %q, is claimed by %q, and AWS says that it is active: %v", stream, shown.State, shown.Account, licence.Claim.Account, active)
		}
		w.checkClaims(licence, active)
	}
}

func (w *world) licence(stream portal.Stream) state.Licence {
	facts, err := w.journal.Read(context.Background(), stream, 0)
	if err != nil {
		w.Fatal(err)
	}
	return state.FoldLicence(stream, facts)
}

func (w *world) checkAccess(licence state.Licence, id portal.AccountID, active bool) {
	facts, err := w.journal.Read(context.Background(), portal.AccountStream(id), 0)
	if err != nil {
		w.Fatal(err)
	}
	account := statetest.FoldAccount(id, facts)
	s := account.Subscriptions[portal.SubscriptionOf(plans[2].Plan, portal.LicenceRing(licence.Stream))]
	want := active && licence.Claim.Account == id
	lost := s.Lost != "" || w.plane.gone[plans[2].Plan]
	if (s.Phase == state.Active) != want && !(want && lost) {
		w.Errorf("%s has %s of %s, which is claimed by %q and active: %v", id, s.Phase, licence.Stream, licence.Claim.Account, active)
	}
	if account.Standing.Leaving() && licence.Claim.Account == id {
		w.Errorf("%s is deleted and still has %s", id, licence.Stream)
	}
}

func (w *world) checkClaims(licence state.Licence, active bool) {
	for _, msg := range w.market.claims {
		if msg.Subject != licence.Stream {
			continue
		}
		p, err := w.views.Progress(context.Background(), msg.Operation)
		if err != nil {
			w.Fatal(err)
		}
		switch {
		case p.Status.Over():
		case p.Status == projections.Waiting && licence.Claim.Waiting && !active:
		case !licence.Claimed():
			// It waited when the account was deleted, and nobody is left to be told.
		default:
			w.Errorf("%s is %s although %s is claimed by %q and active: %v; %+v", msg.Operation, p.Status, licence.Stream, licence.Claim.Account, active, p.Steps)
		}
	}
}
