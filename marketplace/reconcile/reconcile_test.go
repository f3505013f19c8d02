package reconcile_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/handlers"
	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/journal/journaltest"
	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/buyers"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
	"github.com/gatehouse-portal/gatehouse/marketplace/intake"
	"github.com/gatehouse-portal/gatehouse/marketplace/notice"
	"github.com/gatehouse-portal/gatehouse/marketplace/reconcile"
	"github.com/gatehouse-portal/gatehouse/marketplace/seller"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
	"github.com/gatehouse-portal/gatehouse/state"
	"github.com/gatehouse-portal/gatehouse/transport"
)

// fixture is the job with the workers' parts around it, on a local AWS, with a clock that runs ahead.
type fixture struct {
	reconcile.Reconciler
	t       *testing.T
	buyers  *buyers.Client
	facts   *journal.Journal
	scratch *jobs.Scratch
	intake  intake.Intake
	decide  *handlers.Decider
	log     *bytes.Buffer
	ctx     context.Context
	ahead   time.Duration
	tables  journaltest.Tables
	// passed is how many of AWS's notices have been passed on.
	passed int
	// sent are the messages of the job, also those that are held back.
	sent []events.Event
	// checked are the streams about which AWS is to be asked, and renewals the other messages of the job.
	checked  []portal.Stream
	renewals []events.LicenceRenewalRequested
	held     bool
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	cfg := localawstest.Start(t).AWSConfig()
	tables := journaltest.On(t, cfg)
	d := &fixture{t: t, tables: tables, buyers: buyers.New(aws.ToString(cfg.BaseEndpoint)), facts: tables.Open(), log: &bytes.Buffer{}}
	d.ctx = zerolog.New(d.log).WithContext(t.Context())
	clock := func() time.Time { return time.Now().Add(d.ahead) }
	reader := accounts.NewReader(d.facts, tables.Client, tables.Records, clock)
	d.decide = handlers.New(handlers.Config{Journal: accounts.Writer{Journal: d.facts, Reader: reader}, Accounts: reader, Sender: drawer{}, Now: clock})
	d.intake = intake.Intake{Allowed: notice.Allowed{Accounts: []portal.AWSAccount{localaws.Account}}, Sender: deciding{d}, Now: clock}
	d.scratch = jobs.NewScratch(tables.Client, tables.Records, clock)
	d.Reconciler = reconcile.Reconciler{Seller: seller.New(cfg, seller.Options{}), Journal: d.facts, Sender: d, Rows: d.facts, Scratch: d.scratch, Now: clock, ByEvent: true,
		Claimed: func(context.Context) ([]portal.Stream, error) { return nil, nil },
	}
	_, err := d.buyers.PutProduct(t.Context(), marketplace.Product{Code: "code", ID: "prod-1", Kind: marketplace.EventBridge, Dimensions: []string{"requests"}})
	d.ok(err)
	return d
}

type drawer struct{}

func (drawer) Send(context.Context, ...events.Event) error      { return nil }
func (drawer) SendAgain(context.Context, ...events.Event) error { return nil }

// deciding handles messages as a worker does.
type deciding struct{ d *fixture }

func (s deciding) Send(ctx context.Context, messages ...events.Event) error {
	for _, msg := range messages {
		if err := s.d.decide.Handlers()[msg.Type()](ctx, msg); err != nil {
			return err
		}
	}
	return nil
}

func (d *fixture) Send(ctx context.Context, messages ...events.Event) error {
	for _, msg := range messages {
		switch data := msg.Data.(type) {
		case events.EntitlementCheckRequested:
			d.checked = append(d.checked, msg.Subject)
		case events.LicenceRenewalRequested:
			d.renewals = append(d.renewals, data)
		default:
			d.sent = append(d.sent, msg)
		}
	}
	if d.held {
		return nil
	}
	return deciding{d}.Send(ctx, messages...)
}

func (d *fixture) ok(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *fixture) lose(n int) { d.t.Helper(); d.ok(d.buyers.LoseNext(d.ctx, n)) }

// done is a step of a buyer. Then the workers handle what AWS has sent, and not lost.
func (d *fixture) done(p marketplace.Purchase, err error) marketplace.Purchase {
	d.t.Helper()
	d.ok(err)
	all, err := d.buyers.Notices(d.ctx)
	d.ok(err)
	for _, n := range all[d.passed:] {
		if n.Sent > 0 {
			d.ok(d.intake.Handle(d.ctx, transport.RawMessage{ID: n.MessageID, Body: []byte(n.Body), SentAt: n.At}))
		}
	}
	d.passed = len(all)
	return p
}

func (d *fixture) buy() marketplace.Purchase {
	d.t.Helper()
	return d.done(d.buyers.Subscribe(d.ctx, marketplace.Order{Product: "code", Account: "111122223333"}))
}

func (d *fixture) claim(p marketplace.Purchase, account portal.AccountID) {
	d.t.Helper()
	d.ok(deciding{d}.Send(d.ctx, events.Event{
		ID: "claim-" + p.Licence, Source: "/test", Subject: streamOf(p), Time: time.Now(), Intent: 1, Data: events.MarketplaceConfirmed{
			Account: account, Plan: "pro", Name: "Pro", Stages: []portal.Stage{{API: "a", Stage: "v1"}},
			Purchase: events.Purchase{Product: "code", Buyer: "111122223333", ARN: p.LicenceARN},
		},
	}))
}

func streamOf(p marketplace.Purchase) portal.Stream {
	return portal.LicenceStream(portal.LicenceID(p.Licence))
}

func (d *fixture) licence(p marketplace.Purchase) state.Licence {
	d.t.Helper()
	history, err := d.facts.Read(d.ctx, streamOf(p), 0)
	d.ok(err)
	return state.FoldLicence(streamOf(p), history)
}

// run runs the job to its end, and returns what it sent and how many steps it took.
func (d *fixture) run() (sent []events.MarketplaceNotified, steps int) {
	d.t.Helper()
	d.sent, d.checked, d.renewals = nil, nil, nil
	for cursor := ""; steps == 0 || cursor != ""; steps++ {
		next, err := d.Step(d.ctx, cursor)
		d.ok(err)
		if cursor = next; steps > 1000 {
			d.t.Fatal("the job does not end")
		}
	}
	for _, msg := range d.sent {
		sent = append(sent, msg.Data.(events.MarketplaceNotified))
	}
	return sent, steps
}

func (d *fixture) sends(want ...events.NoticeKind) []events.MarketplaceNotified {
	d.t.Helper()
	sent, _ := d.run()
	var got []events.NoticeKind
	for _, n := range sent {
		got = append(got, n.Kind)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		d.t.Fatalf("the job sent %v, want %v; its log:\n%s", got, want, d.log)
	}
	return sent
}

func (d *fixture) is(p marketplace.Purchase, status events.LicenceStatus, access bool) {
	d.t.Helper()
	if l := d.licence(p); l.Status != status || l.HasAccess != access {
		d.t.Errorf("the licence is %q, access %t; want %q, %t", l.Status, l.HasAccess, status, access)
	}
}

func TestAClaimWhosePaymentWasLostGetsAccess(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	p := d.buy()
	d.claim(p, "ann")
	d.lose(1)
	paid := d.done(d.buyers.Pay(d.ctx, p.Agreement))
	d.is(p, events.LicenceUnknown, false)

	got := d.sends(events.NoticeActive)[0]
	d.is(p, events.LicenceActive, true)
	if !got.At.Equal(paid.Updated) || got.Source != "agreement/"+p.Agreement+"@"+got.At.Format(time.RFC3339Nano) {
		t.Errorf("the notice is %+v, want the time of the agreement, %v", got, paid.Updated)
	}
	if want := (events.Purchase{Product: "code", Buyer: "111122223333", ARN: p.LicenceARN, Agreement: p.Agreement}); got.Purchase != want {
		t.Errorf("the purchase is %+v, want %+v", got.Purchase, want)
	}
	d.sends()
}

func TestALicenceOfWhichNothingWasHeardIsActiveBeforeItsClaim(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.lose(2)
	p := d.buy()
	d.done(d.buyers.Pay(d.ctx, p.Agreement))
	d.ByTopic = true
	d.sends()
	d.ByTopic, d.ahead = false, 25*time.Hour
	if got := d.sends(events.NoticeActive)[0]; got.Purchase.Product != "" {
		t.Errorf("the product is %q; the Agreement API does not say its code", got.Purchase.Product)
	}
	d.claim(p, "ann")
	d.is(p, events.LicenceActive, true)
	if l := d.licence(p); l.Purchase.Product != "code" {
		t.Errorf("after the claim the purchase is %+v", l.Purchase)
	}
}

func TestALostEndOfALicenceEndsTheAccess(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	p := d.buy()
	d.claim(p, "ann")
	d.done(d.buyers.Pay(d.ctx, p.Agreement))
	d.sends()
	d.done(d.buyers.Cancel(d.ctx, p.Agreement))
	d.sends(events.NoticeCancelled) // the licence lives on until AWS takes it away
	d.is(p, events.LicenceActive, true)
	d.lose(1)
	d.done(d.buyers.Deprovision(d.ctx, p.Agreement))
	d.sends(events.NoticeInactive)
	d.is(p, events.LicenceEnded, false)
	d.sends()
}

// Some of AWS's documents say that it takes usage for an hour after the end of the agreement, even if
// the licence lives on.
func TestAnAgreementThatEndsHasTheLastUsageOfItsLicenceMetered(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	p, unclaimed := d.buy(), d.buy()
	d.claim(p, "ann")
	d.done(d.buyers.Pay(d.ctx, p.Agreement))
	d.done(d.buyers.Pay(d.ctx, unclaimed.Agreement))
	d.sends()
	if rows := d.metering(); len(rows) > 0 {
		t.Errorf("before the end there are rows about %v", rows)
	}
	d.done(d.buyers.Cancel(d.ctx, p.Agreement))
	d.done(d.buyers.Cancel(d.ctx, unclaimed.Agreement))
	d.sends(events.NoticeCancelled, events.NoticeCancelled)
	d.sends()
	if rows := d.metering(); len(rows) != 1 || rows[0] != string(streamOf(p)) {
		t.Errorf("after the end there are rows about %v, want one about %s", rows, streamOf(p))
	}
}

// metering lists the licences of the due rows that meter a last usage.
func (d *fixture) metering() (licences []string) {
	for shard := range schema.DueShards {
		for _, row := range d.tables.Rows(d.t, d.tables.Records, schema.DuePartition(shard)) {
			if schema.TextOf(row["kind"]) == string(due.Metering) {
				licences = append(licences, schema.TextOf(row["stream"]))
			}
		}
	}
	return licences
}

func TestACancelledPurchaseSaysSoUntilItEnds(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	p := d.buy()
	d.claim(p, "ann")
	d.done(d.buyers.Pay(d.ctx, p.Agreement))
	cancelled := func(want bool) {
		t.Helper()
		if l := d.licence(p); l.Cancelled != want || l.Status != events.LicenceActive || !l.HasAccess {
			t.Errorf("the licence is %q, access %t, cancelled %t; want it active, with access, and cancelled %t", l.Status, l.HasAccess, l.Cancelled, want)
		}
	}
	d.sends()
	cancelled(false)
	p2 := d.done(d.buyers.Cancel(d.ctx, p.Agreement))
	if got := d.sends(events.NoticeCancelled)[0]; !got.At.Equal(p2.Updated.Truncate(time.Second)) {
		t.Errorf("the notice has the time %v, want the second of the agreement's end, %v", got.At, p2.Updated)
	}
	cancelled(true)
	d.sends()
	d.ahead = 25 * time.Hour // reads all agreements again
	d.sends()
	cancelled(true)
	d.done(d.buyers.Deprovision(d.ctx, p.Agreement))
	d.sends()
	if l := d.licence(p); l.Cancelled || l.Status != events.LicenceEnded || l.HasAccess {
		t.Errorf("after its end the licence is %q, access %t, cancelled %t", l.Status, l.HasAccess, l.Cancelled)
	}
}

func TestAClaimOfWhichThePaymentFailedLearnsOfIt(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	p := d.buy()
	d.claim(p, "ann")
	d.sends() // the payment is under way
	d.done(d.buyers.FailPayment(d.ctx, p.Agreement))
	d.sends(events.NoticeInactive)
	d.is(p, events.LicenceEnded, false)
}

func TestNothingIsSentIfAllAgree(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	unpaid, paid, ended := d.buy(), d.buy(), d.buy()
	d.done(d.buyers.Pay(d.ctx, paid.Agreement))
	d.done(d.buyers.Pay(d.ctx, ended.Agreement))
	d.done(d.buyers.Cancel(d.ctx, ended.Agreement))
	d.done(d.buyers.Deprovision(d.ctx, ended.Agreement))
	d.done(d.buyers.FailPayment(d.ctx, unpaid.Agreement)) // nobody has claimed it
	d.sends()
	_, err := d.buyers.PutProduct(t.Context(), marketplace.Product{Code: "old", Kind: marketplace.SNS, Dimensions: []string{"requests"}})
	d.ok(err)
	d.ByTopic = true
	_, err = d.buyers.Subscribe(d.ctx, marketplace.Order{Product: "old", Paid: true})
	d.ok(err)
	d.sends()
	if last, found, err := reconcile.Last(d.ctx, d.scratch); err != nil || !found || last.Agreements != 4 || last.Sent != 0 || last.Problem != "" || last.Ended.Before(last.Began) {
		t.Errorf("the last run is %+v, %t, %v", last, found, err)
	}
}

func TestASecondRunSendsTheSameMessageAndItIsHandledOnce(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	p := d.buy()
	d.claim(p, "ann")
	d.lose(1)
	d.done(d.buyers.Pay(d.ctx, p.Agreement))
	d.held = true
	d.sends(events.NoticeActive)
	first := d.sent[0]
	d.sends(events.NoticeActive)
	if again := d.sent[0]; again.ID != first.ID || again.Subject != streamOf(p) {
		t.Errorf("the message of the second run is %+v, want the same as %+v", again, first)
	}
	d.ok(deciding{d}.Send(d.ctx, first, d.sent[0]))
	history, err := d.facts.Read(d.ctx, streamOf(p), 0)
	if d.ok(err); len(history) != 3 {
		t.Errorf("the licence's facts are %+v, want a claim, a notice and access", history)
	}
}

func TestANoticeThatWasOnlyLateChangesNothing(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	p := d.buy()
	d.claim(p, "ann")
	d.lose(1)
	d.done(d.buyers.Pay(d.ctx, p.Agreement))
	d.sends(events.NoticeActive)
	all, err := d.buyers.Notices(d.ctx)
	d.ok(err)
	late := all[len(all)-1]
	d.done(d.buyers.Cancel(d.ctx, p.Agreement))
	d.lose(1)
	d.done(d.buyers.Deprovision(d.ctx, p.Agreement))
	d.sends(events.NoticeInactive)
	d.ok(d.intake.Handle(d.ctx, transport.RawMessage{ID: late.MessageID, Body: []byte(late.Body), SentAt: late.At}))
	d.is(p, events.LicenceEnded, false)
	d.sends()
}

// AWS may change an entitlement without changing its agreement's time.
func TestAnAgreementThatAWSChangedEarlierOverrulesOnlyAnOlderStatus(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	settings, err := d.buyers.Settings(d.ctx)
	d.ok(err)
	settings.QuietEntitlements = true
	_, err = d.buyers.SetSettings(d.ctx, settings)
	d.ok(err)
	p := d.buy()
	d.claim(p, "ann")
	d.done(d.buyers.Pay(d.ctx, p.Agreement))
	ends := func(id string) {
		ended := events.MarketplaceNotified{Source: id, Kind: events.NoticeDeprovisioned, At: d.Now().UTC()}
		d.ok(deciding{d}.Send(d.ctx, events.Event{ID: id, Source: "/test", Subject: streamOf(p), Time: d.Now(), Data: ended}))
		d.is(p, events.LicenceEnded, false)
	}
	ends("first")
	d.sends()
	d.ahead = time.Hour
	got := d.sends(events.NoticeActive)[0]
	d.is(p, events.LicenceActive, true)
	if got.At.Before(time.Now().Add(59 * time.Minute)) {
		t.Errorf("the notice has the time %v, want that of the reading", got.At)
	}
	d.ahead = 3 * time.Hour
	ends("second")
	d.ahead = 4 * time.Hour
	d.sends() // the agreement is not among those that changed lately
	d.ahead = 25 * time.Hour
	d.sends(events.NoticeActive)
	d.is(p, events.LicenceActive, true)
	d.sends()
}

func TestARenewalThatKeepsItsLicenceDoesNotEndIt(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	p := d.buy()
	d.claim(p, "ann")
	d.done(d.buyers.Pay(d.ctx, p.Agreement))
	renewed := d.done(d.buyers.Renew(d.ctx, p.Agreement, marketplace.Renewal{KeepLicence: true}))
	d.sends()
	d.is(p, events.LicenceActive, true)
	d.done(d.buyers.Cancel(d.ctx, renewed.Agreement))
	d.lose(1)
	d.done(d.buyers.Deprovision(d.ctx, renewed.Agreement))
	if got := d.sends(events.NoticeInactive)[0]; got.Purchase.Agreement != renewed.Agreement {
		t.Errorf("the licence ended with %s, want the renewal %s", got.Purchase.Agreement, renewed.Agreement)
	}
	d.is(p, events.LicenceEnded, false)
	if strings.Contains(d.log.String(), "renewed") {
		t.Errorf("the log says %s", d.log)
	}
}

func TestARenewalWithANewLicenceCarriesTheClaimOverOnce(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	p := d.buy()
	d.claim(p, "ann")
	d.done(d.buyers.Pay(d.ctx, p.Agreement))
	renewed := d.done(d.buyers.Renew(d.ctx, p.Agreement, marketplace.Renewal{End: time.Now().Add(time.Hour)}))
	d.sends()
	if l := d.licence(renewed); l.Claim.Account != "ann" || l.Claim.Plan != "pro" || !l.HasAccess || l.Claim.Renews == nil || l.Claim.Renews.Licence != streamOf(p) {
		t.Errorf("the new licence is %+v", l)
	}
	if old := d.licence(p); old.Claim.Account != "ann" || !old.HasAccess {
		t.Errorf("the old licence is %+v", old)
	}
	d.sends()
	if len(d.renewals) > 0 {
		t.Errorf("the claim is carried over again: %+v", d.renewals)
	}
	d.done(d.buyers.Deprovision(d.ctx, p.Agreement))
	d.sends()
	d.is(p, events.LicenceEnded, false)
	d.is(renewed, events.LicenceActive, true)
}

func TestARenewalWhoseNoticesWereLostIsCarriedOver(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	p := d.buy()
	d.claim(p, "ann")
	d.done(d.buyers.Pay(d.ctx, p.Agreement))
	d.lose(3)
	renewed := d.done(d.buyers.Renew(d.ctx, p.Agreement, marketplace.Renewal{}))
	d.sends(events.NoticeActive)
	d.is(renewed, events.LicenceActive, true)
}

// altered shows the earlier agreements of a chain as no local AWS would.
type altered struct {
	*seller.Seller
	alter   func(*seller.Agreement)
	product string
}

func (a altered) Chain(ctx context.Context, initial string, visit func(seller.Agreement) error) error {
	return a.Seller.Chain(ctx, initial, func(found seller.Agreement) error {
		if found.Initial == found.ID && a.alter != nil {
			a.alter(&found)
		}
		return visit(found)
	})
}

func (a altered) Entitlements(ctx context.Context, agreement string) ([]seller.Entitlement, error) {
	all, err := a.Seller.Entitlements(ctx, agreement)
	for i := range all {
		all[i].Product += a.product
		if a.product != "" {
			all[i].Product += agreement
		}
	}
	return all, err
}

func TestARenewalIsNotCarriedOver(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		altered altered
		first   func(*fixture, marketplace.Purchase)
		owner   portal.AccountID
	}{
		"from another buyer":                            {altered: altered{alter: func(a *seller.Agreement) { a.Buyer = "444455556666" }}},
		"from an unknown buyer":                         {altered: altered{alter: func(a *seller.Agreement) { a.Buyer = "" }}},
		"from another product":                          {altered: altered{product: "x"}},
		"to an account that did not claim it":           {first: func(d *fixture, p marketplace.Purchase) { d.claim(p, "bob") }, owner: "bob"},
		"if the account has claimed the new one itself": {first: func(d *fixture, p marketplace.Purchase) { d.claim(p, "ann") }, owner: "ann"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newFixture(t)
			p := d.buy()
			d.claim(p, "ann")
			d.done(d.buyers.Pay(d.ctx, p.Agreement))
			renewed := d.done(d.buyers.Renew(d.ctx, p.Agreement, marketplace.Renewal{}))
			if c.first != nil {
				c.first(d, renewed)
			}
			c.altered.Seller = d.Seller.(*seller.Seller)
			d.Seller = c.altered
			d.sends()
			if l := d.licence(renewed); l.Claim.Account != c.owner || len(d.renewals) > 0 {
				t.Errorf("the new licence belongs to %q, and the job sent %+v", l.Claim.Account, d.renewals)
			}
			if warned := strings.Contains(d.log.String(), `"level":"warn"`); warned != (c.first == nil) {
				t.Errorf("the log says %s", d.log)
			}
		})
	}
}

func TestBuyersWithAClaimAreAskedAboutWhenTheirAgreementChangesAndEveryDay(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	p, other := d.buy(), d.buy()
	d.claim(p, "ann")
	d.done(d.buyers.Pay(d.ctx, p.Agreement))
	d.done(d.buyers.Pay(d.ctx, other.Agreement))
	asks := func(want ...portal.Stream) {
		t.Helper()
		if d.sends(); fmt.Sprint(d.checked) != fmt.Sprint(want) {
			t.Errorf("the job asks about %v, want %v", d.checked, want)
		}
	}
	asks(streamOf(p))
	d.done(d.buyers.Amend(d.ctx, p.Agreement, marketplace.Amendment{Offer: "offer-2"}))
	d.ahead = time.Hour
	asks(streamOf(p))
	d.ahead = 2 * time.Hour
	asks()
	d.ahead = 26 * time.Hour
	asks(streamOf(p))
}

func TestCustomersOfOlderListingsAreAskedAboutEveryDay(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.ByEvent, d.ByTopic = false, true
	d.Claimed = func(context.Context) ([]portal.Stream, error) { return []portal.Stream{"legacy/prod/cust"}, nil }
	for i, want := range [][]portal.Stream{{"legacy/prod/cust"}, nil, {"legacy/prod/cust"}} {
		d.ahead = time.Duration(i) * 13 * time.Hour
		if d.sends(); fmt.Sprint(d.checked) != fmt.Sprint(want) {
			t.Errorf("run %d asks about %v, want %v", i, d.checked, want)
		}
	}
	d.Claimed = func(context.Context) ([]portal.Stream, error) { return nil, errors.New("no answer") }
	d.ahead = 60 * time.Hour
	var later *portal.Postponed
	if _, err := d.Step(d.ctx, ""); !errors.As(err, &later) {
		t.Errorf("if the views cannot be read, the step returns %v", err)
	}
}

// counting counts how often messages are sent.
type counting struct{ calls, messages int }

func (c *counting) Send(_ context.Context, messages ...events.Event) error {
	c.calls, c.messages = c.calls+1, c.messages+len(messages)
	return nil
}

// Each call takes some milliseconds, and the step ends with the lease of its message.
func TestThousandsOfCustomersAreAskedAboutInAFewCalls(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.ByEvent, d.ByTopic = false, true
	const many = 5001
	d.Claimed = func(context.Context) (all []portal.Stream, err error) {
		for i := range many {
			all = append(all, portal.Stream(fmt.Sprintf("legacy/prod/cust-%d", i)))
		}
		return all, nil
	}
	sends := &counting{}
	d.Sender = sends
	_, err := d.Step(d.ctx, "")
	if d.ok(err); sends.messages != many || sends.calls > many/100 {
		t.Errorf("%d messages were sent in %d calls", sends.messages, sends.calls)
	}
}

// A worker whose clock is ahead stores times that are still to come.
func TestARunAfterOneWhoseClockWasAheadReadsAllAgreements(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.ahead = 5 * time.Hour
	d.sends()
	d.ahead = 0
	d.lose(2)
	d.buy()
	d.sends()
	last, _, err := reconcile.Last(d.ctx, d.scratch)
	if d.ok(err); !last.Since.IsZero() || last.Agreements != 1 {
		t.Errorf("the run read %+v; want all agreements", last)
	}
	d.ahead = time.Minute
	d.sends()
	if last, _, err = reconcile.Last(d.ctx, d.scratch); err != nil || last.Since.IsZero() {
		t.Errorf("the next run read %+v, %v; want what changed since", last, err)
	}
}

func TestManyAgreementsAreReadInSteps(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	const many = 300
	d.lose(2 * many)
	for range many {
		_, err := d.buyers.Subscribe(d.ctx, marketplace.Order{Product: "code", Paid: true})
		d.ok(err)
	}
	sent, steps := d.run()
	of := map[string]bool{}
	for _, n := range sent {
		of[n.Purchase.Agreement] = true
	}
	if len(sent) != many || len(of) != many || steps < many/50 || steps > many/50+2 {
		t.Errorf("the job sent %d notices about %d agreements in %d steps", len(sent), len(of), steps)
	}
	if last, _, err := reconcile.Last(d.ctx, d.scratch); err != nil || last.Agreements != many || last.Sent != many {
		t.Errorf("the last run is %+v, %v", last, err)
	}
	d.ahead = 2 * time.Hour
	d.sends()
	d.ahead = 4 * time.Hour
	d.sends()
	if last, _, err := reconcile.Last(d.ctx, d.scratch); err != nil || last.Agreements != 0 || last.Since.IsZero() {
		t.Errorf("hours later the run read %+v, %v; want what changed since", last, err)
	}
}

// fakeMarketplace is an AWS Marketplace of some agreements, with errors.
type fakeMarketplace struct {
	listed     []seller.Agreement
	granted    map[string][]seller.Entitlement
	searchErr  error
	refused    string
	failsAfter int
	asked      int
	err        error
}

func (s *fakeMarketplace) Updated(_ context.Context, after time.Time, visit func(seller.Agreement) error) error {
	for _, a := range s.listed {
		if a.Updated.IsZero() || a.Updated.After(after) {
			if err := visit(a); err != nil {
				return err
			}
		}
	}
	return s.searchErr
}

func (s *fakeMarketplace) Granting(context.Context, string, func(seller.Agreement) error) error {
	return nil
}
func (s *fakeMarketplace) Chain(context.Context, string, func(seller.Agreement) error) error {
	return nil
}

func (s *fakeMarketplace) Entitlements(_ context.Context, agreement string) ([]seller.Entitlement, error) {
	if s.asked++; s.err != nil && s.asked > s.failsAfter {
		return nil, s.err
	}
	if agreement == s.refused {
		return nil, seller.ErrRefused
	}
	return s.granted[agreement], nil
}

func TestAWSThatThrottlesOrDoesNotAnswerPostponesTheStep(t *testing.T) {
	t.Parallel()
	at := time.Now().Add(-time.Hour)
	for _, cause := range []error{seller.ErrThrottled, seller.ErrDown} {
		d := newFixture(t)
		s := &fakeMarketplace{
			listed: []seller.Agreement{{ID: "a1", Status: "ACTIVE", Updated: at}, {ID: "a2", Status: "ACTIVE", Updated: at}},
			granted: map[string][]seller.Entitlement{
				"a1": {{Licence: "arn:l-1", Status: "PROVISIONED"}}, "a2": {{Licence: "arn:l-2", Status: "PROVISIONED"}},
			},
			failsAfter: 1, err: fmt.Errorf("calling: %w", cause),
		}
		d.Seller = s
		cursor, err := d.Step(d.ctx, "")
		if d.ok(err); cursor == "" {
			t.Fatalf("%v: the run is over", cause)
		}
		var later *portal.Postponed
		if _, err := d.Step(d.ctx, cursor); !errors.As(err, &later) || !errors.Is(err, cause) {
			t.Errorf("%v: the step ends with %v, want Postponed", cause, err)
		}
		s.err = nil
		next, err := d.Step(d.ctx, cursor)
		if d.ok(err); next != "" || len(d.sent) != 2 {
			t.Errorf("%v: the job goes on at %q, and sent %+v", cause, next, d.sent)
		}
	}
}

func TestARoleThatMayNotReadAgreementsIsSaidOnceARun(t *testing.T) {
	t.Parallel()
	for _, cause := range []error{seller.ErrDenied, seller.ErrDisabled, seller.ErrRefused} {
		d := newFixture(t)
		d.Seller = &fakeMarketplace{searchErr: fmt.Errorf("searching: %w", cause)}
		d.sends()
		if n := strings.Count(d.log.String(), `"level":"error"`); n != 1 {
			t.Errorf("%v: the log has %d errors: %s", cause, n, d.log)
		}
		if last, _, err := reconcile.Last(d.ctx, d.scratch); err != nil || last.Problem == "" || last.Ended.IsZero() {
			t.Errorf("%v: the last run is %+v, %v", cause, last, err)
		}
		d.Seller = &fakeMarketplace{}
		d.sends()
		if last, _, err := reconcile.Last(d.ctx, d.scratch); err != nil || last.Problem != "" || !last.Since.IsZero() {
			t.Errorf("%v: once it may, the run is %+v, %v; want all agreements read", cause, last, err)
		}
	}
}

func TestAnAgreementThatCannotBeReadDoesNotStopTheOthers(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	at := time.Now().Add(-time.Hour)
	d.Seller = &fakeMarketplace{
		listed: []seller.Agreement{
			{ID: "timeless", Status: "ACTIVE"},
			{ID: "gone", Status: "ACTIVE", Updated: at},
			{ID: "odd", Status: "ACTIVE", Updated: at, Licences: []string{"arn:../../etc", "arn:l-", strings.Repeat("x", 5000)}},
			{ID: "fine", Status: "ACTIVE", Updated: at},
		},
		granted: map[string][]seller.Entitlement{
			"timeless": {{Licence: "arn:l-8", Status: "PROVISIONED"}},
			"odd":      {{Licence: "arn:l-\x00", Status: "PROVISIONED"}, {Status: "PROVISIONED"}},
			"fine":     {{Licence: "arn:aws:license-manager::1:license:l-9", Status: "FAILED"}, {Licence: "aws:license-manager:us-east-1:1:l-9", Status: "PROVISIONED"}},
		},
		refused: "gone",
	}
	if got := d.sends(events.NoticeActive, events.NoticeActive); got[0].Purchase.Agreement != "timeless" || got[0].At.Before(at) || got[1].Purchase.Agreement != "fine" {
		t.Errorf("the notice is %+v", got)
	}
}

func TestAnAgreementThatAWSListsLateIsReadByTheNextRun(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	s := &fakeMarketplace{granted: map[string][]seller.Entitlement{
		"late": {{Licence: "arn:l-1", Status: "PROVISIONED"}}, "too late": {{Licence: "arn:l-2", Status: "PROVISIONED"}},
	}}
	d.Seller = s
	d.sends()
	now := time.Now()
	s.listed = []seller.Agreement{{ID: "too late", Status: "ACTIVE", Updated: now.Add(-11 * time.Minute)}, {ID: "late", Status: "ACTIVE", Updated: now.Add(-9 * time.Minute)}}
	if got := d.sends(events.NoticeActive)[0]; got.Purchase.Agreement != "late" {
		t.Errorf("the notice is %+v", got)
	}
	d.ahead = 25 * time.Hour
	d.sends(events.NoticeActive) // that day all agreements are read
}

// torn is a journal with a stream that cannot be read, for now or for ever.
type torn struct {
	*journal.Journal
	err error
}

func (j torn) Read(ctx context.Context, stream portal.Stream, after int64) ([]events.Event, error) {
	if stream == "licence/l-1" {
		return nil, j.err
	}
	return j.Journal.Read(ctx, stream, after)
}

func TestALicenceThatCannotBeReadDoesNotStopTheOthers(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	at := time.Now().Add(-time.Hour)
	d.Seller = &fakeMarketplace{
		listed: []seller.Agreement{{ID: "a1", Status: "ACTIVE", Updated: at}, {ID: "a2", Status: "ACTIVE", Updated: at}},
		granted: map[string][]seller.Entitlement{
			"a1": {{Licence: "arn:l-1", Status: "PROVISIONED"}}, "a2": {{Licence: "arn:l-2", Status: "PROVISIONED"}},
		},
	}
	d.Journal = torn{d.facts, &portal.Postponed{Reason: "the journal does not answer"}}
	var later *portal.Postponed
	if _, err := d.Step(d.ctx, ""); !errors.As(err, &later) {
		t.Errorf("without the journal the step ends with %v, want Postponed", err)
	}
	d.Journal = torn{d.facts, &journal.PermanentError{Err: errors.New("a fact is not JSON")}}
	if got := d.sends(events.NoticeActive)[0]; got.Purchase.Agreement != "a2" {
		t.Errorf("the notice is %+v", got)
	}
}

func TestACursorOfAnotherVersionStartsTheRunOver(t *testing.T) {
	t.Parallel()
	old, err := json.Marshal(map[string]any{"format": 99, "last": time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	for _, cursor := range []string{"nonsense", string(old)} {
		d := newFixture(t)
		d.Seller = &fakeMarketplace{listed: []seller.Agreement{{ID: "a1", Updated: time.Now().Add(-time.Hour)}}}
		next, err := d.Step(d.ctx, cursor)
		d.ok(err)
		if last, _, err := reconcile.Last(d.ctx, d.scratch); err != nil || next != "" || last.Agreements != 1 {
			t.Errorf("from %s the run is %+v, %v", cursor, last, err)
		}
	}
}
