package handlers

import (
	stdcmp "cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

const licence01 portal.Stream = "licence/l-01"

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func licenceOf(facts ...events.Fact) state.Licence { return streamOf(licence01, facts...) }

// customerOf is the fold of a customer of an older listing.
func customerOf(facts ...events.Fact) state.Licence { return streamOf("legacy/prod/cust", facts...) }

func streamOf(stream portal.Stream, facts ...events.Fact) state.Licence {
	l := state.Licence{Stream: stream}
	for _, fact := range facts {
		l.Apply(events.Event{Subject: stream, Sequence: l.Sequence + 1, Operation: "op-claim", Data: fact})
	}
	return l
}

func noticed(kind events.NoticeKind, at time.Time) events.MarketplaceNotified {
	return events.MarketplaceNotified{Source: string(kind), Kind: kind, At: at}
}

func told(kind events.NoticeKind, at time.Time, status events.LicenceStatus) events.Fact {
	return events.LicenceNoticed{Notice: noticed(kind, at), Status: status}
}

var (
	proStages = []portal.Stage{{API: "a1", Stage: "v1"}}
	byAnn     = events.MarketplaceConfirmed{Account: "ann", Plan: "pro", Name: "Pro", Stages: proStages, Purchase: events.Purchase{Product: "prod"}}
	annClaims = events.LicenceClaimed{
		Decides: events.Decides{Scopes: []portal.Scope{portal.ClaimScope}}, Account: "ann", Plan: "pro", Name: "Pro", Stages: proStages,
		Purchase: events.Purchase{Product: "prod"},
	}
	paid = told(events.NoticeSubscribed, noon, events.LicenceActive)
)

func annGets(wish int64, op portal.OperationID) events.LicenceAccessWanted {
	return events.LicenceAccessWanted{Link: events.Link{Wish: wish}, Operation: op, Account: "ann", Plan: "pro", Name: "Pro", Stages: proStages}
}

func TestClaiming(t *testing.T) {
	t.Parallel()
	decides := events.Decides{Scopes: []portal.Scope{portal.ClaimScope}}
	byBob, forMax := byAnn, byAnn
	byBob.Account, forMax.Plan = "bob", "max"
	for _, c := range []struct {
		name string
		was  state.Licence
		req  events.MarketplaceConfirmed
		want []events.Fact
	}{
		{"a claim before the payment waits", licenceOf(), byAnn, []events.Fact{annClaims}},
		{"a claim after the payment gives access at once", licenceOf(paid), byAnn, []events.Fact{annClaims, annGets(2, "")}},
		{"a claim of a licence that has ended is refused", licenceOf(paid, told(events.NoticeUnsubscribed, noon.Add(1), events.LicenceEnded)), byAnn, reject(decides, portal.Conflict,
			"AWS Marketplace says that this purchase has ended. Buy it again on AWS Marketplace to use it.")},
		{"a second claim changes nothing while the first waits", licenceOf(annClaims), byAnn, []events.Fact{events.RequestUnchanged{Decides: decides}}},
		{"a second claim changes nothing once there was access", licenceOf(annClaims, paid, annGets(1, "op-claim")), byAnn, []events.Fact{events.RequestUnchanged{Decides: decides}}},
		{"a claim of a contract that another account had waits for AWS's answer", customerOf(annClaims, events.LicenceEntitled{Plan: "pro"}, annGets(1, "op-claim"), events.LicenceReleased{Account: "ann"}), byAnn, []events.Fact{annClaims}},
		{"another account is refused", licenceOf(annClaims), byBob, reject(decides, portal.Conflict,
			"Another account of this portal uses this purchase already. Sign in with that account, or ask the operator of this portal.")},
		{"another plan is refused", licenceOf(annClaims), forMax, reject(decides, portal.Conflict,
			"This purchase is used for Pro already. If you have changed what you bought on AWS Marketplace, we change the plan within minutes.")},
		{"a claim of a contract that has lapsed waits for AWS's answer", licenceOf(annClaims, paid, events.LicenceEntitled{Lapsed: true}, events.LicenceReleased{Account: "ann"}), byBob,
			[]events.Fact{events.LicenceClaimed{Decides: decides, Account: "bob", Plan: "pro", Name: "Pro", Stages: proStages, Purchase: byAnn.Purchase}}},
		{"a licence that an account has released is free", licenceOf(annClaims, paid, annGets(1, ""), events.LicenceReleased{Account: "ann"}), byBob,
			[]events.Fact{
				events.LicenceClaimed{Decides: decides, Account: "bob", Plan: "pro", Name: "Pro", Stages: proStages, Purchase: byAnn.Purchase},
				events.LicenceAccessWanted{Link: wish(5), Account: "bob", Plan: "pro", Name: "Pro", Stages: proStages},
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, Claiming(c.was, c.req)); diff != "" {
				t.Errorf("decided (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNoticing(t *testing.T) {
	t.Parallel()
	waiting := licenceOf(annClaims)
	open := licenceOf(annClaims, paid, annGets(1, "op-claim"))
	later, earlier := noon.Add(time.Minute), noon.Add(-time.Minute)
	linked := func(kind events.NoticeKind, at time.Time, status events.LicenceStatus) events.Fact {
		return events.LicenceNoticed{Link: wish(1), Notice: noticed(kind, at), Status: status, Check: kind == events.NoticeSubscribed}
	}
	asking := func(kind events.NoticeKind, at time.Time, status events.LicenceStatus) events.Fact {
		return events.LicenceNoticed{Notice: noticed(kind, at), Status: status, Check: true}
	}
	ending := func(status events.LicenceStatus) events.Fact {
		return events.LicenceAccessEnding{Account: "ann", Plan: "pro", Reason: status}
	}
	for _, c := range []struct {
		name string
		was  state.Licence
		req  events.MarketplaceNotified
		want []events.Fact
	}{
		{"a payment before the claim is recorded", licenceOf(), noticed(events.NoticeSubscribed, noon), []events.Fact{paid}},
		{"a payment after the claim gives access, and ends the claim's wait", waiting, noticed(events.NoticeSubscribed, noon),
			[]events.Fact{linked(events.NoticeSubscribed, noon, events.LicenceActive), annGets(1, "op-claim")}},
		{"a payment that fails tells the person who waits", waiting, noticed(events.NoticeFailed, noon),
			[]events.Fact{linked(events.NoticeFailed, noon, events.LicenceFailed)}},
		{"a second notice of the payment changes no access", open, noticed(events.NoticeSubscribed, later), []events.Fact{asking(events.NoticeSubscribed, later, events.LicenceActive)}},
		{"an entitlement that has changed has AWS asked", open, noticed(events.NoticeEntitlement, later), []events.Fact{asking(events.NoticeEntitlement, later, "")}},
		{"an old notice of a change has AWS asked, too", open, noticed(events.NoticeEntitlement, earlier), []events.Fact{asking(events.NoticeEntitlement, earlier, "")}},
		{"nobody asks about a licence without a claim", licenceOf(), noticed(events.NoticeEntitlement, later), []events.Fact{told(events.NoticeEntitlement, later, "")}},
		{"a contract that has lapsed stays closed until AWS was asked", licenceOf(annClaims, events.LicenceEntitled{Lapsed: true}), noticed(events.NoticeSubscribed, noon),
			[]events.Fact{events.LicenceNoticed{Link: wish(1), Notice: noticed(events.NoticeSubscribed, noon), Status: events.LicenceActive, Check: true, Lapsed: true}}},
		{"a cancellation ends access", open, noticed(events.NoticeUnsubscribing, later),
			[]events.Fact{told(events.NoticeUnsubscribing, later, events.LicenceEnding), ending(events.LicenceEnding)}},
		{"a late duplicate of an older notice changes nothing", open, noticed(events.NoticeUnsubscribed, earlier), []events.Fact{told(events.NoticeUnsubscribed, earlier, "")}},
		{"at equal times the end wins, if it comes last", open, noticed(events.NoticeDeprovisioned, noon),
			[]events.Fact{told(events.NoticeDeprovisioned, noon, events.LicenceEnded), ending(events.LicenceEnded)}},
		{"at equal times the end wins, if it comes first", licenceOf(told(events.NoticeDeprovisioned, noon, events.LicenceEnded)), noticed(events.NoticeLicenceUpdated, noon),
			[]events.Fact{told(events.NoticeLicenceUpdated, noon, "")}},
		{"a quick re-subscription gives access again, with no wish of a claim", licenceOf(annClaims, paid, annGets(1, ""), told(events.NoticeUnsubscribing, noon, events.LicenceEnding), ending(events.LicenceEnding)),
			noticed(events.NoticeSubscribed, later), []events.Fact{asking(events.NoticeSubscribed, later, events.LicenceActive), annGets(0, "")}},
		{"an agreement's notice changes no access", open, noticed(events.NoticeAgreementEnded, later), []events.Fact{told(events.NoticeAgreementEnded, later, "")}},
		{"an unknown notice changes no access", open, noticed(events.NoticeUnknown, later), []events.Fact{told(events.NoticeUnknown, later, "")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, Noticing(c.was, c.req)); diff != "" {
				t.Errorf("decided (-want +got):\n%s", diff)
			}
		})
	}
}

// AWS takes the usage of a licence that ends for a short time only, so a due row is written with the
// fact.
func TestTheEndOfAClaimedLicenceHasItsLastUsageMetered(t *testing.T) {
	t.Parallel()
	open := licenceOf(annClaims, paid, annGets(1, "op-claim"))
	for name, c := range map[string]struct {
		was  state.Licence
		fact events.Fact
		want bool
	}{
		"it is ending":                       {open, told(events.NoticeUnsubscribing, noon, events.LicenceEnding), true},
		"it has ended":                       {open, told(events.NoticeDeprovisioned, noon, events.LicenceEnded), true},
		"it has ended, says the reconciling": {open, told(events.NoticeInactive, noon, events.LicenceEnded), true},
		"its account gives it up":            {open, events.LicenceReleased{Account: "ann"}, true},
		"it goes on":                         {open, told(events.NoticeLicenceUpdated, noon, events.LicenceActive), false},
		"an old notice changes nothing":      {open, told(events.NoticeUnsubscribed, noon, ""), false},
		"nobody has claimed it":              {licenceOf(paid), told(events.NoticeDeprovisioned, noon, events.LicenceEnded), false},
	} {
		fact := events.Event{Subject: licence01, Sequence: c.was.Sequence + 1, Time: noon, Data: c.fact}
		found := false
		for _, row := range licenceRows(events.Event{Subject: licence01}, c.was, []events.Event{fact}) {
			if r, is := row.Value.(due.Row); is && r.Kind == due.Metering {
				found = true
				if diff := cmp.Diff(due.OfMetering(licence01, fact.Sequence, noon), r); diff != "" {
					t.Errorf("%s: (-want +got):\n%s", name, diff)
				}
			}
		}
		if found != c.want {
			t.Errorf("%s: the last usage is metered: %t, want %t", name, found, c.want)
		}
	}
}

func TestLicenceAccess(t *testing.T) {
	t.Parallel()
	ring, payer := portal.LicenceRing(licence01), events.Payer{Licence: licence01}
	key := events.KeyWanted{Key: newID, Ring: ring, Name: "Key for Pro", Scheme: scheme.Scheme, KMSKey: scheme.KMSKey}
	other := events.SubscriptionWanted{Plan: "pro", Name: "Pro", Ring: portal.LicenceRing("licence/l-02"), Stages: proStages}
	get := events.LicenceAccessRequested{Licence: licence01, Sequence: 4, HasAccess: true, Plan: "pro", Name: "Pro", Stages: proStages}
	lose := events.LicenceAccessRequested{Licence: licence01, Sequence: 6, Plan: "pro"}
	wanted := events.SubscriptionWanted{Plan: "pro", Name: "Pro", Ring: ring, Stages: proStages}
	set := func(seq int64, open bool) events.LicenceAccessSet {
		return events.LicenceAccessSet{Licence: licence01, Sequence: seq, HasAccess: open, Plan: "pro"}
	}
	has := []said{registered(), {fact: set(4, true)}, {fact: key}, {fact: wanted}}
	getMax, loseMax, getAgain, renewed := get, lose, get, get
	getMax.Sequence, getMax.Plan, getMax.Name = 8, "max", "Max"
	loseMax.Sequence, loseMax.Plan, getAgain.Sequence = 9, "max", 9
	setMax := events.LicenceAccessSet{Licence: licence01, Sequence: 8, HasAccess: true, Plan: "max"}
	toMax := events.PlanChangeWanted{From: "pro", Plan: "max", Name: "Max", Ring: ring, Stages: proStages}
	maxWanted := events.SubscriptionWanted{Plan: "max", Name: "Max", Ring: ring, Stages: proStages}
	active := append(slices.Clone(has), said{fact: events.SubscriptionActivated{Link: wish(4), Plan: "pro", Payer: payer}})
	renewed.Renews = &events.Renews{Licence: "licence/l-00"}
	claimOfRenewal, setClaimed := lose, set(6, false)
	claimOfRenewal.Claimed, claimOfRenewal.Renews = true, renewed.Renews
	setClaimed.Claimed, setClaimed.Renews = true, renewed.Renews
	setRenewed := set(4, true)
	setRenewed.Renews = renewed.Renews
	check(t, LicenceAccess(scheme), []decision{
		{"access is a subscription with a key of its own", []said{registered()}, get, 0, []events.Fact{set(4, true), key, wanted}},
		{"a second licence for the plan is a second subscription", []said{registered(), {fact: other}}, get, 0, []events.Fact{set(4, true), key, wanted}},
		{"a second delivery changes nothing", has, get, 0, nil},
		{"access that ends is no subscription any more", has, lose, 0, []events.Fact{set(6, false),
			events.RequestSuperseded{Link: wish(4)}, events.SubscriptionEnding{Plan: "pro", Payer: payer}}},
		{"an older request than the last changes nothing", append(slices.Clone(has), said{fact: set(8, true)}), lose, 0, nil},
		{"the end of what never began is recorded", []said{registered()}, lose, 0, []events.Fact{set(6, false)}},
		{"another plan moves the key of an active one", active, getMax, 0, []events.Fact{setMax, toMax}},
		{"a second delivery of another plan changes nothing", append(slices.Clone(active), said{fact: setMax}, said{fact: toMax}), getMax, 0, nil},
		{"another plan while the first keys are on their way ends the first", has, getMax, 0, []events.Fact{setMax,
			events.RequestSuperseded{Link: wish(4)}, events.SubscriptionEnding{Plan: "pro", Payer: payer}, maxWanted}},
		{"the first plan again during the change ends the other", append(slices.Clone(active), said{fact: setMax}, said{fact: toMax}), getAgain, 0, []events.Fact{set(9, true),
			events.RequestSuperseded{Link: wish(7)}, events.SubscriptionEnding{Plan: "max", Payer: payer}, wanted}},
		{"the end of access during a change ends both plans", append(slices.Clone(active), said{fact: setMax}, said{fact: toMax}), loseMax, 0, []events.Fact{
			events.LicenceAccessSet{Licence: licence01, Sequence: 9, Plan: "max"},
			events.RequestSuperseded{Link: wish(7)}, events.SubscriptionEnding{Plan: "max", Payer: payer}, events.SubscriptionEnding{Plan: "pro", Payer: payer}}},
		{"the end of access after a change ends the new plan", append(slices.Clone(active), said{fact: setMax}, said{fact: toMax}, said{fact: events.PlanChanged{Link: wish(7), From: "pro", Plan: "max", Payer: payer}}), loseMax, 0,
			[]events.Fact{events.LicenceAccessSet{Licence: licence01, Sequence: 9, Plan: "max"}, events.SubscriptionEnding{Plan: "max", Payer: payer}}},
		{"another plan leaves that of another licence alone", append([]said{registered(), {fact: other}}, active[1:]...), getMax, 0, []events.Fact{setMax, toMax}},
		{"a renewal is recorded with its claim", []said{registered()}, claimOfRenewal, 0, []events.Fact{setClaimed}},
		{"a renewal is recorded with the plan", []said{registered()}, renewed, 0, []events.Fact{setRenewed, key, wanted}},
		{"a suspended account gets its plan, with keys that are disabled", []said{registered(), suspended()}, get, 0, []events.Fact{set(4, true), key, wanted}},
		{"an account that is not registered releases the licence", nil, get, 0,
			[]events.Fact{events.LicenceAccessSet{Licence: licence01, Sequence: 4, Plan: "pro", Released: true}}},
		{"an account that is being deleted releases the licence", []said{registered(), {fact: events.AccountDeleting{}}}, get, 0,
			[]events.Fact{events.LicenceAccessSet{Licence: licence01, Sequence: 4, Plan: "pro", Released: true}}},
	})
}

func TestLicenceRelease(t *testing.T) {
	t.Parallel()
	byHer := events.LicenceReleaseRequested{Account: "ann"}
	waiting := events.LicenceReleased{Link: wish(1), Account: "ann"}
	for _, c := range []struct {
		name string
		was  state.Licence
		want []events.Fact
	}{
		{"a claim that waits ends with its wish", licenceOf(annClaims), []events.Fact{waiting}},
		{"access ends first, so that the account is told", licenceOf(annClaims, paid, annGets(1, "op-claim")),
			[]events.Fact{events.LicenceAccessEnding{Account: "ann", Plan: "pro"}, events.LicenceReleased{Account: "ann"}}},
		{"a licence that is free stays free", licenceOf(annClaims, waiting), nil},
		{"a licence of another account stays with it", licenceOf(events.LicenceClaimed{Account: "bob", Plan: "pro"}), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, LicenceRelease(c.was, byHer)); diff != "" {
				t.Errorf("decided (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDeletionReleasesLicences(t *testing.T) {
	t.Parallel()
	set := events.LicenceAccessSet{Licence: licence01, Sequence: 4, HasAccess: true, Plan: "pro"}
	check(t, Deletion(true, promotedNow{}), []decision{
		{"an account that is deleted gives up its licences", []said{registered(), {fact: set}}, events.AccountDeletionRequested{}, 2, []events.Fact{
			events.LicenceAccessSet{Licence: licence01, Sequence: 4, Plan: "pro", Released: true},
			events.AccountDeleting{Decides: events.Decides{Scopes: []portal.Scope{portal.AccountScope}}},
		}},
	})
}

func TestEntitling(t *testing.T) {
	t.Parallel()
	year := noon.AddDate(1, 0, 0)
	pro := Entitlement{Dimensions: []string{"pro"}, Until: year, Plan: "pro", Name: "Pro", Stages: proStages}
	max := Entitlement{Dimensions: []string{"max"}, Until: year, Plan: "max", Name: "Max", Stages: proStages}
	unsold := Entitlement{Dimensions: []string{"gold"}}
	isPro := events.LicenceEntitled{Dimensions: []string{"pro"}, Until: &year, Plan: "pro"}
	isMax := events.LicenceEntitled{Dimensions: []string{"max"}, Until: &year, Plan: "max"}
	isUnsold, lapsed := events.LicenceEntitled{Dimensions: []string{"gold"}}, events.LicenceEntitled{Lapsed: true}
	changed := func(open bool) events.LicencePlanChanged {
		return events.LicencePlanChanged{Account: "ann", From: "pro", Plan: "max", Name: "Max", Stages: proStages, HasAccess: open}
	}
	ending := events.LicenceAccessEnding{Account: "ann", Plan: "pro", Reason: events.LicenceEnded}
	getsMax := annGets(1, "op-claim")
	getsMax.Plan, getsMax.Name = "max", "Max"
	open := []events.Fact{annClaims, paid, annGets(1, "op-claim")}
	with := func(facts ...events.Fact) state.Licence { return licenceOf(append(slices.Clone(open), facts...)...) }
	for _, c := range []struct {
		name string
		was  state.Licence
		is   Entitlement
		want []events.Fact
	}{
		{"the first answer is recorded", with(), pro, []events.Fact{isPro}},
		{"the same answer again changes nothing", with(isPro), pro, nil},
		{"another end of the entitlement is recorded", with(isPro), Entitlement{Dimensions: []string{"pro"}, Plan: "pro"}, []events.Fact{events.LicenceEntitled{Dimensions: []string{"pro"}, Plan: "pro"}}},
		{"an upgrade changes the plan", with(isPro), max, []events.Fact{isMax, changed(true)}},
		{"a second answer of the upgrade changes nothing", with(isPro, isMax, changed(true)), max, nil},
		{"an upgrade before the payment changes the plan of the claim", licenceOf(annClaims), max, []events.Fact{isMax, changed(false)}},
		{"dimensions that no plan names change nothing", with(isPro), unsold, []events.Fact{isUnsold}},
		{"the same dimensions once a plan names them change the plan", with(isPro, isUnsold), Entitlement{Dimensions: []string{"gold"}, Plan: "max", Name: "Max", Stages: proStages},
			[]events.Fact{events.LicenceEntitled{Dimensions: []string{"gold"}, Plan: "max"}, changed(true)}},
		{"an entitlement that is gone ends access", with(isPro), Entitlement{Lapsed: true}, []events.Fact{lapsed, ending}},
		{"an entitlement that is gone before the payment ends nothing", licenceOf(annClaims), Entitlement{Lapsed: true}, []events.Fact{lapsed}},
		{"an entitlement that returns gives access again", with(isPro, lapsed, ending), pro, []events.Fact{isPro, annGets(0, "")}},
		{"an entitlement that comes with the payment ends the wait of the claim, with the plan that was bought", licenceOf(annClaims, lapsed, told(events.NoticeSubscribed, noon, events.LicenceActive)), max,
			[]events.Fact{isMax, changed(false), getsMax}},
		{"a licence that has ended gets no access", with(told(events.NoticeUnsubscribed, noon.Add(1), events.LicenceEnded), ending), max, []events.Fact{isMax, changed(false)}},
		{"a contract of an older listing gives access without a notice of a payment", customerOf(annClaims), pro, []events.Fact{isPro, annGets(1, "op-claim")}},
		{"a second answer about it changes nothing", customerOf(annClaims, isPro, annGets(1, "op-claim")), pro, nil},
		{"a contract that is granted after the claim gives access, with the plan that was bought", customerOf(annClaims, lapsed), max, []events.Fact{isMax, changed(false), getsMax}},
		{"a contract of an older listing that has run out ends access", customerOf(annClaims, isPro, annGets(1, "op-claim")), Entitlement{Lapsed: true}, []events.Fact{lapsed, ending}},
		{"a contract whose payment failed gives no access", customerOf(annClaims, told(events.NoticeFailed, noon, events.LicenceFailed)), pro, []events.Fact{isPro}},
		{"an answer from before the claim is not used", customerOf(annClaims, isPro, annGets(1, "op-claim"), events.LicenceReleased{Account: "ann"}, annClaims), pro, []events.Fact{isPro, annGets(5, "op-claim")}},
		{"a licence without a claim has no plan to change", licenceOf(paid), max, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, Entitling(c.was, c.is)); diff != "" {
				t.Errorf("decided (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCorrecting(t *testing.T) {
	t.Parallel()
	const replaced = "arn:aws:license-manager:us-east-1:1:license:l-01"
	arn := events.LicenceCorrectionRequested{Purchase: events.Purchase{ARN: replaced}}
	corrected := events.LicenceCorrected(arn)
	for _, c := range []struct {
		name string
		was  state.Licence
		want []events.Fact
	}{
		{"another ARN is recorded", licenceOf(annClaims, paid), []events.Fact{corrected}},
		{"a second delivery changes nothing", licenceOf(annClaims, paid, corrected), nil},
		{"a notice with the former ARN does not bring it back", licenceOf(annClaims, corrected, events.LicenceNoticed{Notice: events.MarketplaceNotified{Purchase: byAnn.Purchase}}), nil},
		{"a licence that nobody has claimed is corrected, too", licenceOf(paid), []events.Fact{corrected}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, Correcting(c.was, arn)); diff != "" {
				t.Errorf("decided (-want +got):\n%s", diff)
			}
		})
	}
	was := licenceOf(annClaims, paid)
	if is := licenceOf(annClaims, paid, corrected); is.Purchase.ARN != replaced || is.Purchase.Product != was.Purchase.Product || is.Claim.Account != "ann" {
		t.Errorf("the licence is %+v", is)
	}
}

func TestRenewing(t *testing.T) {
	t.Parallel()
	renews := events.Renews{Licence: "licence/l-00", Ends: &noon}
	req := events.LicenceRenewalRequested{Renews: renews, Account: "ann", Plan: "pro", Name: "Pro", Stages: proStages, Purchase: byAnn.Purchase}
	claimed := events.LicenceClaimed{Account: "ann", Plan: "pro", Name: "Pro", Stages: proStages, Purchase: byAnn.Purchase, Renews: &renews}
	wanted := func(w int64) events.LicenceAccessWanted {
		return events.LicenceAccessWanted{Link: wish(w), Account: "ann", Plan: "pro", Name: "Pro", Stages: proStages, Renews: &renews}
	}
	for _, c := range []struct {
		name string
		was  state.Licence
		want []events.Fact
	}{
		{"the account of the old licence gets access", licenceOf(paid), []events.Fact{claimed, wanted(2)}},
		{"a licence that AWS has not announced waits", licenceOf(), []events.Fact{claimed}},
		{"a second delivery changes nothing", licenceOf(paid, claimed, wanted(2)), nil},
		{"a licence that another account has claimed stays with it", licenceOf(paid, events.LicenceClaimed{Account: "bob", Plan: "pro"}), nil},
		{"a licence that the account itself has claimed stays as it is", licenceOf(annClaims), nil},
		{"a licence that an account has given up stays free", licenceOf(annClaims, events.LicenceReleased{Account: "ann"}), nil},
		{"a licence that has ended is not claimed", licenceOf(told(events.NoticeDeprovisioned, noon, events.LicenceEnded)), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, Renewing(c.was, req)); diff != "" {
				t.Errorf("decided (-want +got):\n%s", diff)
			}
		})
	}
	waiting := licenceOf(claimed)
	if got, want := Noticing(waiting, noticed(events.NoticeLicenceUpdated, noon)), wanted(1); !cmp.Equal(got[1], events.Fact(want), cmp.Transformer("op", func(w events.LicenceAccessWanted) events.LicenceAccessWanted {
		w.Operation = ""
		return w
	})) {
		t.Errorf("once AWS says that it is active, the facts are %+v", got)
	}
}

// marketplace is a model of licences and accounts whose messages come late, twice, in any order or
// never, until a due row sends them again.
type marketplace struct {
	*rapid.T
	licences map[portal.Stream][]events.Event
	accounts map[portal.AccountID][]events.Event
	onTheWay []events.Event
	told     map[portal.Stream]events.MarketplaceNotified
	// entitled is what AWS would answer now.
	entitled map[portal.Stream]Entitlement
	ids      int
}

// renewed is renewed by renewal.
const renewed, renewal = licence01, portal.Stream("licence/l-02")

var bought = []Entitlement{
	{Dimensions: []string{"pro"}, Plan: "pro", Name: "Pro"}, {Dimensions: []string{"max"}, Plan: "max", Name: "Max"}, {Dimensions: []string{"gold"}}, {Lapsed: true},
}

var streams = []portal.Stream{renewed, renewal, "legacy/prod/cust"}

func (m *marketplace) licence(stream portal.Stream) state.Licence {
	return state.FoldLicence(stream, m.licences[stream])
}

func (m *marketplace) account(id portal.AccountID) state.Account {
	account := state.NewAccount(id)
	for _, fact := range m.accounts[id] {
		account.Apply(fact)
	}
	return account
}

// handle decides on a message unless it was handled, and puts what follows on its way.
func (m *marketplace) handle(msg events.Event) {
	var facts []events.Fact
	log := m.licences[msg.Subject]
	id, isAccount := msg.Subject.Account()
	if isAccount {
		log = m.accounts[id]
	}
	for _, fact := range log {
		if fact.Causation == msg.ID {
			return
		}
	}
	switch req := msg.Data.(type) {
	case events.MarketplaceConfirmed:
		facts = Claiming(m.licence(msg.Subject), req)
	case events.MarketplaceNotified:
		facts = Noticing(m.licence(msg.Subject), req)
	case events.EntitlementCheckRequested:
		facts = Entitling(m.licence(msg.Subject), m.entitled[msg.Subject])
	case events.LicenceRenewalRequested:
		facts = Renewing(m.licence(msg.Subject), req)
	case events.LicenceReleaseRequested:
		facts = LicenceRelease(m.licence(msg.Subject), req)
	case events.LicenceAccessRequested:
		facts = LicenceAccess(scheme)(m.account(id), req, msg.ID)
	case events.AccountDeletionRequested:
		facts = Deletion(true, promotedNow{})(m.account(id), req, msg.ID)
	}
	for _, fact := range facts {
		seq := int64(len(log) + 1)
		e := events.Event{ID: fmt.Sprint(msg.Subject, seq), Subject: msg.Subject, Sequence: seq, Causation: msg.ID, Operation: msg.Operation, Data: fact}
		log = append(log, e)
		if news, ok := e.LicenceNews(0); ok {
			m.onTheWay = append(m.onTheWay, news)
		}
		if check, ok := e.EntitlementCheck(); ok {
			m.onTheWay = append(m.onTheWay, check)
		}
	}
	if isAccount {
		m.accounts[id] = log
	} else {
		m.licences[msg.Subject] = log
	}
}

func (m *marketplace) send(subject portal.Stream, data events.Request) {
	m.ids++
	m.onTheWay = append(m.onTheWay, events.Event{ID: fmt.Sprint("msg", m.ids), Subject: subject, Data: data})
}

// converge has API Gateway do what one subscription of an account waits for.
func (m *marketplace) converge(id portal.AccountID) (done bool) {
	account := m.account(id)
	for _, sub := range account.SubscriptionIDs() {
		s := account.Subscriptions[sub]
		var fact events.Fact
		link, payer := events.Link{Wish: s.OpenedBy}, events.PaidBy(s.Ring)
		switch {
		case s.Phase == state.Wanted && s.Replaces != "":
			fact = events.PlanChanged{Link: link, From: s.Replaces, Plan: s.Plan, Payer: payer}
		case s.Phase == state.Wanted:
			fact = events.SubscriptionActivated{Link: link, Plan: s.Plan, Payer: payer}
		case s.Phase == state.Ending:
			fact = events.SubscriptionEnded{Link: link, Plan: s.Plan, Payer: payer}
		default:
			continue
		}
		log := m.accounts[id]
		m.accounts[id] = append(log, events.Event{Subject: portal.AccountStream(id), Sequence: int64(len(log) + 1), Data: fact})
		return true
	}
	return false
}

// renew asks for the claim of the renewed licence to be carried over.
func (m *marketplace) renew() {
	if claim := m.licence(renewed).Claim; claim.Account != "" {
		m.send(renewal, events.LicenceRenewalRequested{Renews: events.Renews{Licence: renewed}, Account: claim.Account, Plan: claim.Plan, Name: claim.Name})
	}
}

// sendAgain is what due rows and the job marketplace do: they repeat news until the account has recorded it,
// and ask about licences that AWS has changed.
func (m *marketplace) sendAgain() (sent bool) {
	for _, stream := range streams {
		if licence := m.licence(stream); len(Entitling(licence, m.entitled[stream])) > 0 {
			m.send(stream, events.EntitlementCheckRequested{})
			sent = true
		}
	}
	for id := range m.accounts {
		sent = m.converge(id) || sent
	}
	for stream, facts := range m.licences {
		licence := m.licence(stream)
		for id := range m.accounts {
			account := m.account(id)
			switch {
			case account.Standing.Leaving() && licence.Claim.Account == id:
				m.send(stream, events.LicenceReleaseRequested{Account: id})
				sent = true
			case licence.Claim.Account == id && licence.AccessSequence > account.Licences[stream].Sequence:
				if news, ok := facts[licence.AccessSequence-1].LicenceNews(1); ok && news.Subject == portal.AccountStream(id) {
					m.onTheWay, sent = append(m.onTheWay, news), true
				}
			}
		}
	}
	return sent
}

// Access, and the plan, equal what AWS said last, and no licence serves two accounts, in any order of claims,
// notices, changes of what was bought, renewals, deletions, losses and repeats.
func TestAccessIsWhatAWSSaidLast(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := &marketplace{T: t, licences: map[portal.Stream][]events.Event{}, accounts: map[portal.AccountID][]events.Event{}, told: map[portal.Stream]events.MarketplaceNotified{}, entitled: map[portal.Stream]Entitlement{}}
		for _, stream := range streams {
			m.entitled[stream] = bought[0]
		}
		people := []portal.AccountID{"ann", "bob"}
		for _, id := range people {
			m.accounts[id] = []events.Event{{Subject: portal.AccountStream(id), Sequence: 1, Data: events.UserRegistered{}}}
		}
		kinds := []events.NoticeKind{
			events.NoticeSubscribed, events.NoticeFailed, events.NoticeUnsubscribing, events.NoticeUnsubscribed, events.NoticeLicenceUpdated,
			events.NoticeDeprovisioned, events.NoticeAgreementEnded, events.NoticeEntitlement, events.NoticeUnknown, events.NoticeActive, events.NoticeInactive,
		}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			stream, id := rapid.SampledFrom(streams).Draw(t, "licence"), rapid.SampledFrom(people).Draw(t, "account")
			switch rapid.SampledFrom([]string{"notice", "notice", "notice", "claim", "claim", "deliver", "deliver", "deliver", "twice", "lose", "delete", "converge", "change", "change", "renew"}).Draw(t, "step") {
			case "notice":
				m.notice(stream, rapid.SampledFrom(kinds).Draw(t, "kind"), noon.Add(time.Duration(rapid.IntRange(0, 5).Draw(t, "minute"))*time.Minute))
			case "claim":
				plan := rapid.SampledFrom([]portal.PlanID{"pro", "max"}).Draw(t, "plan")
				m.send(stream, events.MarketplaceConfirmed{Account: id, Plan: plan, Name: string(plan)})
			case "converge":
				m.converge(id)
			case "change":
				m.entitled[stream] = rapid.SampledFrom(bought).Draw(t, "bought")
				if rapid.Bool().Draw(t, "told") {
					m.send(stream, events.MarketplaceNotified{Kind: events.NoticeEntitlement, At: noon})
				}
			case "renew":
				m.renew()
			case "delete":
				if rapid.IntRange(0, 3).Draw(t, "really") == 0 {
					m.send(portal.AccountStream(id), events.AccountDeletionRequested{})
				}
			case "deliver":
				m.deliver(true)
			case "twice":
				m.deliver(false)
			case "lose":
				m.lose()
			}
			m.check(false)
		}
		for rounds := 0; len(m.onTheWay) > 0 || m.sendAgain(); rounds++ {
			for len(m.onTheWay) > 0 {
				m.deliver(true)
				m.check(false)
			}
			if rounds > 60 {
				t.Fatal("the messages never end")
			}
		}
		m.check(true)
	})
}

func (m *marketplace) notice(stream portal.Stream, kind events.NoticeKind, at time.Time) {
	told := events.MarketplaceNotified{Kind: kind, At: at}
	m.send(stream, told)
	status := (state.Licence{}).StatusAfter(told)
	if status == events.LicenceUnknown {
		return
	}
	last, any := m.told[stream]
	if !any || at.After(last.At) || at.Equal(last.At) && ends(kind) >= ends(last.Kind) {
		m.told[stream] = told
	}
}

// ends orders notices of the same time.
func ends(kind events.NoticeKind) int {
	switch kind {
	case events.NoticeFailed:
		return 1
	case events.NoticeUnsubscribing:
		return 2
	case events.NoticeUnsubscribed, events.NoticeDeprovisioned, events.NoticeInactive:
		return 3
	}
	return 0
}

func (m *marketplace) deliver(gone bool) {
	if len(m.onTheWay) == 0 {
		return
	}
	i := rapid.IntRange(0, len(m.onTheWay)-1).Draw(m.T, "message")
	msg := m.onTheWay[i]
	if gone {
		m.onTheWay = slices.Delete(m.onTheWay, i, i+1)
	}
	m.handle(msg)
}

// lose loses news. Requests that are accepted, and notices, are handed in again by other means.
func (m *marketplace) lose() {
	m.onTheWay = slices.DeleteFunc(m.onTheWay, func(msg events.Event) bool {
		switch msg.Data.(type) {
		case events.LicenceAccessRequested, events.LicenceReleaseRequested:
			return true
		}
		return false
	})
}

func (m *marketplace) check(quiet bool) {
	for _, stream := range streams {
		licence, holders := m.licence(stream), 0
		for id := range m.accounts {
			account := m.account(id)
			held := account.Held(portal.LicenceRing(stream))
			if len(held) > 0 {
				holders++
			}
			if !quiet {
				continue
			}
			told, any := m.told[stream]
			active := any && (state.Licence{}).StatusAfter(told) == events.LicenceActive || !any && stream.Kind() == portal.KindLegacy
			active = active && !m.entitled[stream].Lapsed
			var want []portal.PlanID
			if licence.Claim.Account == id && active && !account.Standing.Leaving() {
				// Dimensions that no plan names leave the plan as it is.
				want = []portal.PlanID{portal.PlanID(stdcmp.Or(m.entitled[stream].Plan, licence.Claim.Plan))}
			}
			if !slices.Equal(held, want) {
				m.Fatalf("%s has %v by %s, but the claim is %q's, AWS said %s last and grants %+v", id, held, stream, licence.Claim.Account, told.Kind, m.entitled[stream])
			}
			if licence.Claim.Account == id && account.Standing.Leaving() {
				m.Fatalf("%s is being deleted and still has %s", id, stream)
			}
		}
		if holders > 1 {
			m.Fatalf("%s serves %d accounts", stream, holders)
		}
	}
}
