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
	"github.com/gatehouse-portal/gatehouse/handlers"
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
	// grants is what AWS answers now about each licence, and renewals what has to be carried over.
	grants   map[portal.Stream]handlers.Entitlement
	renewals []events.Event
}

func newMarket(at time.Time) *market {
	m := &market{intents: map[portal.Stream]portal.Intent{}, opened: at, grants: map[portal.Stream]handlers.Entitlement{}}
	for _, stream := range licences {
		m.grants[stream] = grantOf(plans[2])
	}
	return m
}

func grantOf(plan events.SubscribeRequested) handlers.Entitlement {
	return handlers.Entitlement{Dimensions: []string{string(plan.Plan)}, Plan: plan.Plan, Name: plan.Name, Stages: plan.Stages}
}

// entitled answers a worker that asks AWS. AWS may not answer, and may change its mind at once.
func (w *world) entitled(_ context.Context, licence state.Licence) (is handlers.Entitlement, ok bool, err error) {
	if !w.calm && w.oneIn(6, "AWS Marketplace does not answer") {
		return is, false, &portal.Postponed{After: time.Minute, Reason: "AWS Marketplace does not answer"}
	}
	is = w.market.grants[licence.Stream]
	if !w.calm && w.oneIn(6, "AWS changes what was bought") {
		w.entitle()
	}
	return is, true, nil
}

// entitle has AWS change what a buyer is entitled to, and say so or lose the notice.
func (w *world) entitle() {
	stream := rapid.SampledFrom(licences).Draw(w.T, "licence")
	grants := []handlers.Entitlement{grantOf(plans[0]), grantOf(plans[1]), grantOf(plans[2]), {Dimensions: []string{"gold"}}, {Lapsed: true}}
	w.market.grants[stream] = rapid.SampledFrom(grants).Draw(w.T, "grant")
	if w.oneIn(3, "nobody is told") {
		return
	}
	w.say(stream, events.NoticeEntitlement)
}

// renew has the job marketplace find that one licence renews another.
func (w *world) renew() {
	from, to := licences[0], licences[1]
	facts, err := w.journal.Read(context.Background(), from, 0)
	if err != nil {
		w.Fatal(err)
	}
	claim := state.FoldLicence(from, facts).Claim
	if claim.Account == "" {
		return
	}
	msg := events.Event{
		ID: portal.DeriveID("renewed", string(to)), Source: "/test", Subject: to, Time: w.clock,
		Data: events.LicenceRenewalRequested{Renews: events.Renews{Licence: from}, Account: claim.Account, Plan: claim.Plan, Name: claim.Name, Stages: claim.Stages, Purchase: purchaseOf(to)},
	}
	w.market.renewals = append(w.market.renewals, msg)
	w.queue = append(w.queue, msg)
}

var noticeKinds = []events.NoticeKind{
	events.NoticeSubscribed, events.NoticeLicenceUpdated, events.NoticeLicenceUpdated, events.NoticeFailed, events.NoticeUnsubscribing, events.NoticeUnsubscribed,
	events.NoticeDeprovisioned, events.NoticeAgreementEnded, events.NoticeEntitlement, events.NoticeUnknown, events.NoticeActive, events.NoticeInactive,
}

// notice has AWS say something, with a time of its own that may be older than what it said before.
func (w *world) notice() {
	w.say(rapid.SampledFrom(licences).Draw(w.T, "licence"), rapid.SampledFrom(noticeKinds).Draw(w.T, "notice"))
}

func (w *world) say(stream portal.Stream, kind events.NoticeKind) {
	data := events.MarketplaceNotified{
		Source: fmt.Sprintf("notice-%d", len(w.market.notices)), Kind: kind,
		At: w.market.opened.Add(time.Duration(rapid.IntRange(0, 9).Draw(w.T, "minute")) * time.Minute),
	}
	msg := events.Event{ID: portal.DeriveID("notice", data.Source), Source: "/test", Subject: stream, Time: w.clock, Data: data}
	w.market.notices = append(w.market.notices, msg)
	w.queue = append(w.queue, msg)
}

func claimOf(account portal.AccountID, plan events.SubscribeRequested) events.MarketplaceConfirmed {
	return events.MarketplaceConfirmed{Account: account, Plan: plan.Plan, Name: plan.Name, Stages: plan.Stages}
}

func (w *world) claim() {
	stream := rapid.SampledFrom(licences).Draw(w.T, "licence")
	account := rapid.SampledFrom(people).Draw(w.T, "account")
	w.market.intents[stream]++
	data := claimOf(account, rapid.SampledFrom(plans).Draw(w.T, "plan"))
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
	w.queue = append(append(w.queue, w.market.notices...), w.market.renewals...)
	for i, stream := range licences {
		id := portal.DeriveID("checked", fmt.Sprint(i))
		w.queue = append(w.queue, events.Event{ID: id, Source: "/test", Subject: stream, Time: w.clock, Data: events.EntitlementCheckRequested{}})
	}
	w.drain()
	w.handleDueRows()
	w.drain()
}

// saidLast reports whether AWS said last that the licence is active. It says nothing about a customer who has a
// contract only.
func (m *market) saidLast(stream portal.Stream) (active bool) {
	licence := state.Licence{Stream: stream}
	told := slices.Clone(m.notices)
	slices.SortStableFunc(told, func(a, b events.Event) int {
		return a.Data.(events.MarketplaceNotified).At.Compare(b.Data.(events.MarketplaceNotified).At)
	})
	for _, msg := range told {
		notice := msg.Data.(events.MarketplaceNotified)
		if status := licence.StatusAfter(notice); msg.Subject == stream && status != events.LicenceUnknown {
			licence.Apply(events.Event{Data: events.LicenceNoticed{Notice: notice, Status: status}})
		}
	}
	return licence.Status == events.LicenceActive || licence.WithoutSubscriptionNotice()
}

// checkLicences checks that access, and the plan, equal what AWS said last, for the account that has claimed
// the licence and for no other, and that the views and the operations of claims say so.
func (w *world) checkLicences() {
	ctx := context.Background()
	for _, stream := range licences {
		facts, err := w.journal.Read(ctx, stream, 0)
		if err != nil {
			w.Fatal(err)
		}
		licence, grant := state.FoldLicence(stream, facts), w.market.grants[stream]
		active := w.market.saidLast(stream) && !(licence.Claimed() && grant.Lapsed)
		if licence.Claimed() && grant.Plan != "" && licence.Claim.Plan != grant.Plan {
			w.Errorf("%s is claimed for %s, and AWS grants %s", stream, licence.Claim.Plan, grant.Plan)
		}
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

// checkCustomers checks that no worker has attached a key of an older listing without its customer, and
// that none has set a customer for another key.
func (w *world) checkCustomers() {
	rings := map[string]portal.Ring{}
	for _, id := range people {
		facts, err := w.journal.Read(context.Background(), portal.AccountStream(id), 0)
		if err != nil {
			w.Fatal(err)
		}
		for _, fact := range facts {
			if wanted, ok := fact.Data.(events.KeyWanted); ok {
				rings[string(id)+"/"+string(wanted.Key)] = wanted.Ring
			}
		}
	}
	for _, made := range w.plane.joined {
		if want := rings[made.name].Customer(); made.customer != want && !made.excused {
			w.Errorf("the key %s was attached with the customer %q, want %q", made.name, made.customer, want)
		}
	}
}

func (w *world) checkAccess(licence state.Licence, id portal.AccountID, active bool) {
	facts, err := w.journal.Read(context.Background(), portal.AccountStream(id), 0)
	if err != nil {
		w.Fatal(err)
	}
	account := statetest.FoldAccount(id, facts)
	for _, plan := range plans {
		s := account.Subscriptions[portal.SubscriptionOf(plan.Plan, portal.LicenceRing(licence.Stream))]
		want := active && licence.Claim.Account == id && licence.Claim.Plan == plan.Plan
		lost := s.Lost != "" || w.plane.gone[plan.Plan] || w.plane.gone[licence.Claim.Plan]
		if (s.Phase == state.Active) != want && !lost {
			w.Errorf("%s has %s %s of %s, which is claimed by %q for %s and active: %v", id, plan.Plan, s.Phase, licence.Stream, licence.Claim.Account, licence.Claim.Plan, active)
		}
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
