package marketplace_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
)

const (
	created       = marketplace.AgreementCreated
	amended       = marketplace.AgreementAmended
	ended         = marketplace.AgreementEnded
	updated       = marketplace.LicenceUpdated
	deprovisioned = marketplace.LicenceDeprovisioned

	success  = marketplace.SubscribeSuccess
	fail     = marketplace.SubscribeFail
	pending  = marketplace.UnsubscribePending
	gone     = marketplace.UnsubscribeSuccess
	contract = marketplace.EntitlementUpdated
)

func TestANewListingSendsEventsInTheShapeOfAWS(t *testing.T) {
	t.Parallel()
	l := start(t)
	product := l.list(marketplace.EventBridge)
	p := l.step(l.Subscribe(l.ctx, marketplace.Order{Product: product.Code, Account: buyer, Offer: "offer-1"}))
	l.advance(time.Minute)
	l.step(l.Pay(l.ctx, p.Agreement))
	l.step(l.Cancel(l.ctx, p.Agreement))
	notices, err := l.Notices(l.ctx)
	l.must(err)
	got := l.received()
	if len(got) != 3 || len(notices) != 3 {
		t.Fatalf("received %q, want three events", got)
	}
	envelope := func(i int, detailType, seconds, detail string) string {
		request := strings.Split(strings.SplitAfter(got[i], `"requestId":"`)[1], `"`)[0]
		return fmt.Sprintf(`{"version":"0","id":%q,"detail-type":%q,"source":"aws.agreement-marketplace","account":"000000000000",`+
			`"time":"2026-08-20T14:%sZ","region":"us-east-1","resources":["arn:aws:aws-marketplace::aws:agreement:%s"],"detail":{"requestId":%q,`+
			`"catalog":"AWSMarketplace",%s}}`, notices[i].MessageID, detailType, seconds, p.Agreement, request, detail)
	}
	parties := `"acceptor":{"accountId":"845735284135"},"proposer":{"accountId":"000000000000"}`
	agreement := fmt.Sprintf(`"agreement":{"id":%q`, p.Agreement)
	want := []string{
		envelope(0, created, "23:11", agreement+`,"intent":"NEW","status":"ACTIVE","acceptanceTime":"2026-08-20T14:23:11.013Z",`+
			`"startTime":"2026-08-20T14:23:11.013Z","endTime":"9999-01-01T00:00:00Z"},"resaleAuthorization":{"id":null},`+parties+`,"offer":{"id":"offer-1"}`),
		envelope(1, updated, "24:11", agreement+`},"product":{"code":"code-eventbridge","id":"prod-eventbridge"},`+
			`"license":{"arn":"aws:license-manager:us-east-1:000000000000:`+p.Licence+`"},`+parties+`,"offer":{"id":"offer-1"}`),
		envelope(2, ended, "24:11", agreement+`,"status":"CANCELLED"},"resaleAuthorization":{"id":null},`+parties),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestAnOldListingSendsMessagesWithAWSsOddities(t *testing.T) {
	t.Parallel()
	l := start(t)
	product := l.list(marketplace.SNS, "team")
	p := l.step(l.Subscribe(l.ctx, marketplace.Order{Product: product.Code, Account: buyer, Offer: "offer-1", FreeTrial: true, Quantities: map[string]int{"team": 3}}))
	if len(p.Customer) != 11 {
		t.Errorf("the customer identifier is %q, want 11 characters", p.Customer)
	}
	l.wantNotices()
	l.step(l.Pay(l.ctx, p.Agreement))
	l.step(l.Cancel(l.ctx, p.Agreement))
	want := []string{
		"{\n\"action\": \"subscribe-success\",\n\"customer-identifier\": \" " + p.Customer + "\",\n\"product-code\": \"code-sns\",\n" +
			"\"offer-identifier\": \"offer-1\",\n\"isFreeTrialTermPresent\":\"true\"\n}",
		"{\n\"action\": \"entitlement-updated\",\n\"customer-identifier\": \" " + p.Customer + "\",\n\"product-code\": \"code-sns\",\n}",
		"{\n\"action\": \"unsubscribe-pending\",\n\"customer-identifier\": \" " + p.Customer + "\",\n\"product-code\": \"code-sns\",\n" +
			"\"isFreeTrialTermPresent\":\"true\"\n}",
	}
	if diff := cmp.Diff(want, l.received()); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

func TestARegistrationTokenResolvesBeforeAndAfterThePayment(t *testing.T) {
	t.Parallel()
	for kind, customer := range map[marketplace.Kind]bool{marketplace.SNS: true, marketplace.EventBridge: false} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			l := start(t)
			product := l.list(kind)
			p := l.step(l.Subscribe(l.ctx, marketplace.Order{Product: product.Code, Account: buyer}))
			first := l.resolve(p.Token)
			if *first.CustomerAWSAccountId != buyer || *first.ProductCode != product.Code || *first.LicenseArn != p.LicenceARN ||
				(first.CustomerIdentifier != nil) != customer || customer && *first.CustomerIdentifier != p.Customer {
				t.Errorf("resolved to %+v, of %+v", first, p)
			}
			paid := l.step(l.Pay(l.ctx, p.Agreement))
			again := l.step(l.IssueToken(l.ctx, p.Agreement))
			if paid.Token != "" || again.Token == p.Token || *l.resolve(again.Token).LicenseArn != p.LicenceARN {
				t.Errorf("a new visit gives the token %q after %q", again.Token, p.Token)
			}
			stored := l.step(l.Purchase(l.ctx, p.Agreement))
			if stored.Token != "" {
				t.Error("the purchase is stored with its token")
			}
		})
	}
}

// orders is a sequence of a buyer's and AWS's steps. Its notices are those of the two kinds of
// listing.
type orders struct {
	order   marketplace.Order
	steps   []string
	new     []string
	old     []string
	status  string
	granted string
}

func TestEveryStepSendsTheNoticesOfItsKindOfListing(t *testing.T) {
	t.Parallel()
	future := time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)
	cases := map[string]orders{
		"a purchase waits for the payment": {
			new: []string{created}, status: "ACTIVE", granted: "PENDING",
		},
		"a purchase that is paid at once": {
			order: marketplace.Order{Paid: true}, new: []string{created, updated}, old: []string{success}, status: "ACTIVE", granted: "PROVISIONED",
		},
		"a failed payment": {
			steps: []string{"fail"}, new: []string{created, ended}, old: []string{fail}, status: "TERMINATED", granted: "FAILED",
		},
		"a future-dated agreement waits for its start": {
			order: marketplace.Order{Start: future}, new: []string{created}, status: "ACTIVE", granted: "SCHEDULED",
		},
		"a future-dated agreement starts": {
			order: marketplace.Order{Start: future}, steps: []string{"start", "pay"}, new: []string{created, updated}, old: []string{success}, status: "ACTIVE", granted: "PROVISIONED",
		},
		"an amendment": {
			steps: []string{"pay", "amend"}, new: []string{created, updated, amended, updated}, old: []string{success, success}, status: "ACTIVE", granted: "PROVISIONED",
		},
		"an amendment before the payment": {
			steps: []string{"amend"}, new: []string{created, amended}, status: "ACTIVE", granted: "PENDING",
		},
		"a cancellation": {
			steps: []string{"pay", "cancel"}, new: []string{created, updated, ended}, old: []string{success, pending}, status: "CANCELLED", granted: "PROVISIONED",
		},
		"a cancellation before the payment": {
			steps: []string{"cancel"}, new: []string{created, ended}, old: []string{pending}, status: "CANCELLED", granted: "FAILED",
		},
	}
	for name, c := range cases {
		for _, kind := range []marketplace.Kind{marketplace.EventBridge, marketplace.SNS} {
			t.Run(name+", "+string(kind), func(t *testing.T) {
				t.Parallel()
				l := start(t)
				c.order.Product, c.order.Account = l.list(kind).Code, buyer
				p := l.step(l.Subscribe(l.ctx, c.order))
				for _, step := range c.steps {
					l.advance(time.Second)
					l.take(p.Agreement, step)
				}
				if kind == marketplace.EventBridge {
					l.wantNotices(c.new...)
					if p = l.step(l.Purchase(l.ctx, p.Agreement)); p.Status != c.status || p.Entitlement != c.granted {
						t.Errorf("the agreement is %s and its entitlement %s, want %s and %s", p.Status, p.Entitlement, c.status, c.granted)
					}
					return
				}
				l.wantNotices(c.old...)
			})
		}
	}
}

func (l *local) take(agreement, step string) {
	l.t.Helper()
	switch step {
	case "pay":
		l.step(l.Pay(l.ctx, agreement))
	case "fail":
		l.step(l.FailPayment(l.ctx, agreement))
	case "start":
		l.step(l.Start(l.ctx, agreement))
	case "amend":
		l.step(l.Amend(l.ctx, agreement, marketplace.Amendment{Offer: "offer-2"}))
	case "cancel":
		l.step(l.Cancel(l.ctx, agreement))
	default:
		l.t.Fatalf("there is no step %s", step)
	}
}

func TestALicenceIsDeprovisionedAfterItsAgreementEnded(t *testing.T) {
	t.Parallel()
	l := start(t)
	p := l.step(l.Subscribe(l.ctx, marketplace.Order{Product: l.list(marketplace.EventBridge).Code, Paid: true}))
	_, err := l.Deprovision(l.ctx, p.Agreement)
	l.wantRefused(err, 409, "end it first")
	l.step(l.End(l.ctx, p.Agreement, marketplace.Ending{}))
	p = l.step(l.Deprovision(l.ctx, p.Agreement))
	if p.Status != "EXPIRED" || p.Entitlement != "DEPROVISIONED" {
		t.Errorf("the agreement is %s and its entitlement %s", p.Status, p.Entitlement)
	}
	l.wantNotices(created, updated, ended, deprovisioned)
}

func TestAnOldListingEndsWithPendingFirst(t *testing.T) {
	t.Parallel()
	l := start(t)
	product := l.list(marketplace.SNS, "team")
	order := marketplace.Order{Product: product.Code, Account: buyer, Paid: true, Quantities: map[string]int{"team": 1}}
	p := l.step(l.Subscribe(l.ctx, order))
	l.step(l.Cancel(l.ctx, p.Agreement))
	p = l.step(l.End(l.ctx, p.Agreement, marketplace.Ending{}))
	if p.Status != "CANCELLED" {
		t.Errorf("the agreement is %s, want CANCELLED", p.Status)
	}
	l.wantNotices(success, contract, pending, gone, contract)
	p = l.step(l.Subscribe(l.ctx, order))
	p = l.step(l.End(l.ctx, p.Agreement, marketplace.Ending{}))
	if p.Status != "EXPIRED" {
		t.Errorf("the agreement is %s, want EXPIRED", p.Status)
	}
	l.wantNotices(success, contract, pending, gone, contract)
	_, err := l.Deprovision(l.ctx, p.Agreement)
	l.wantRefused(err, 409, "end the agreement")
}

func TestAQuickReturnReplacesTheEndOfAnOldListing(t *testing.T) {
	t.Parallel()
	l := start(t)
	p := l.step(l.Subscribe(l.ctx, marketplace.Order{Product: l.list(marketplace.SNS).Code, Account: buyer, Paid: true}))
	l.step(l.Cancel(l.ctx, p.Agreement))
	again := l.step(l.Resubscribe(l.ctx, p.Agreement))
	l.wantNotices(success, pending, success)
	if again.Customer != p.Customer || again.Agreement == p.Agreement || again.Token == "" {
		t.Errorf("the buyer returned as %+v", again)
	}
	if got := l.meterOld(again, 1); got != "Success" {
		t.Errorf("metering the buyer who returned is %s", got)
	}
	_, err := l.End(l.ctx, p.Agreement, marketplace.Ending{})
	l.wantRefused(err, 409, "is CANCELLED")
}

func TestAQuickReturnToANewListingLeavesTheOldLicence(t *testing.T) {
	t.Parallel()
	l := start(t)
	p := l.step(l.Subscribe(l.ctx, marketplace.Order{Product: l.list(marketplace.EventBridge).Code, Account: buyer, Paid: true}))
	l.step(l.Cancel(l.ctx, p.Agreement))
	again := l.step(l.Resubscribe(l.ctx, p.Agreement))
	l.step(l.Deprovision(l.ctx, p.Agreement))
	l.wantNotices(created, updated, ended, created, updated, deprovisioned)
	if again.Licence == p.Licence || again.Account != p.Account {
		t.Errorf("the buyer returned as %+v", again)
	}
	l.advance(2 * time.Hour)
	if old, now := l.meter(p, 1), l.meter(again, 1); old != "CustomerNotSubscribed" || now != "Success" {
		t.Errorf("metering the old licence is %s, the new one %s", old, now)
	}
}

func TestARenewalIsANewAgreement(t *testing.T) {
	t.Parallel()
	for name, keep := range map[string]bool{"with another licence": false, "with the same licence": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := start(t)
			end := l.Now().Add(30 * 24 * time.Hour)
			p := l.step(l.Subscribe(l.ctx, marketplace.Order{Product: l.list(marketplace.EventBridge).Code, Account: buyer, End: end, Paid: true}))
			l.advance(time.Hour)
			renewed := l.step(l.Renew(l.ctx, p.Agreement, marketplace.Renewal{KeepLicence: keep}))
			all := l.notices()
			var kinds []string
			for _, n := range all {
				kinds = append(kinds, n.kind())
			}
			if diff := cmp.Diff([]string{created, updated, created, updated, ended}, kinds); diff != "" {
				t.Fatalf("notices (-want +got):\n%s", diff)
			}
			if a := all[2].Detail.Agreement; a.Intent != "RENEW" || a.ID != renewed.Agreement || a.PreviousAgreementID != p.Agreement || a.EndTime != "2026-09-19T15:23:11.013Z" {
				t.Errorf("the renewal is told as %+v", a)
			}
			if a := all[4].Detail.Agreement; a.Status != "RENEWED" || a.ID != p.Agreement {
				t.Errorf("the end of the old agreement is told as %+v", a)
			}
			if (renewed.Licence == p.Licence) != keep || renewed.Initial != p.Agreement {
				t.Errorf("the renewal is %+v, of %+v", renewed, p)
			}
			if got := l.meter(renewed, 1); got != "Success" {
				t.Errorf("metering the renewed licence is %s", got)
			}
			_, err := l.Deprovision(l.ctx, p.Agreement)
			if keep != (err != nil) {
				t.Errorf("taking the old licence away: %v", err)
			}
			l.advance(2 * time.Hour)
			if got := l.meter(renewed, 1); got != "Success" {
				t.Errorf("metering the renewed licence later is %s", got)
			}
		})
	}
}

func TestARenewalOfAnOldListingIsToldToContractsOnly(t *testing.T) {
	t.Parallel()
	l := start(t)
	p := l.step(l.Subscribe(l.ctx, marketplace.Order{Product: l.list(marketplace.SNS, "team").Code, Account: buyer, Paid: true, Quantities: map[string]int{"team": 2}}))
	renewed := l.step(l.Renew(l.ctx, p.Agreement, marketplace.Renewal{}))
	l.wantNotices(success, contract, contract)
	if renewed.Customer != p.Customer || renewed.Quantities["team"] != 2 {
		t.Errorf("the renewal is %+v", renewed)
	}
	if got := l.meterOld(renewed, 1); got != "Success" {
		t.Errorf("metering after the renewal is %s", got)
	}
}

func TestANoticeIsLostAndSentLater(t *testing.T) {
	t.Parallel()
	for _, kind := range []marketplace.Kind{marketplace.EventBridge, marketplace.SNS} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			l := start(t)
			p := l.step(l.Subscribe(l.ctx, marketplace.Order{Product: l.list(kind).Code, Account: buyer}))
			l.received()
			l.must(l.LoseNext(l.ctx, 1))
			l.step(l.Pay(l.ctx, p.Agreement))
			l.wantNotices()
			l.step(l.Cancel(l.ctx, p.Agreement))
			last := l.received()
			all, err := l.Notices(l.ctx)
			l.must(err)
			lost := all[len(all)-2]
			if lost.Sent != 0 || len(last) != 1 {
				t.Fatalf("%+v was lost and %q sent, want the first of two lost", lost, last)
			}
			l.advance(time.Hour)
			l.must(l.LoseNext(l.ctx, 1)) // only what is new
			for range 2 {
				_, err := l.Resend(l.ctx, lost.ID)
				l.must(err)
			}
			if diff := cmp.Diff([]string{lost.Body, lost.Body}, l.received()); diff != "" {
				t.Errorf("sent again (-want +got):\n%s", diff)
			}
			all, err = l.Notices(l.ctx)
			l.must(err)
			if got := all[len(all)-2]; got.Sent != 2 || got.MessageID != lost.MessageID || len(all) != lost.ID+1 {
				t.Errorf("the notice is now %+v among %d", got, len(all))
			}
		})
	}
}

func TestEventsCanHaveLicenceARNsAsSellersReceivedThem(t *testing.T) {
	t.Parallel()
	l := start(t)
	_, err := l.SetSettings(l.ctx, marketplace.Settings{LicenceARNs: marketplace.Observed})
	l.must(err)
	p := l.step(l.Subscribe(l.ctx, marketplace.Order{Product: l.list(marketplace.EventBridge).Code, Paid: true}))
	if got := l.notices()[1].Detail.License.ARN; got != p.LicenceARN || !strings.HasPrefix(got, "arn:aws:license-manager::000000000000:license:l-") {
		t.Errorf("the ARN is %s, want %s", got, p.LicenceARN)
	}
}

func TestImpossibleStepsAreRefused(t *testing.T) {
	t.Parallel()
	l := start(t)
	product := l.list(marketplace.EventBridge, "team")
	order := marketplace.Order{Product: product.Code, Account: buyer}
	waiting := l.step(l.Subscribe(l.ctx, order))
	order.Start = l.Now().Add(time.Hour)
	future := l.step(l.Subscribe(l.ctx, order))
	over := l.step(l.Subscribe(l.ctx, marketplace.Order{Product: product.Code}))
	l.step(l.FailPayment(l.ctx, over.Agreement))
	l.received()
	subscribe := func(adjust func(*marketplace.Order)) error {
		o := marketplace.Order{Product: product.Code, Account: buyer}
		adjust(&o)
		_, err := l.Subscribe(l.ctx, o)
		return err
	}
	of := func(_ any, err error) error { return err }
	for name, c := range map[string]struct {
		err    error
		status int
		text   string
	}{
		"an unknown product":                 {subscribe(func(o *marketplace.Order) { o.Product = "other" }), 404, "no product other"},
		"an account that is none":            {subscribe(func(o *marketplace.Order) { o.Account = "12" }), 400, "12 digits"},
		"a start in the past":                {subscribe(func(o *marketplace.Order) { o.Start = l.Now().Add(-time.Hour) }), 400, "in the past"},
		"an end before the start":            {subscribe(func(o *marketplace.Order) { o.End = l.Now() }), 400, "after it starts"},
		"a future purchase that is paid":     {subscribe(func(o *marketplace.Order) { o.Start, o.Paid = l.Now().Add(time.Hour), true }), 400, "when it starts"},
		"a quantity of something metered":    {subscribe(func(o *marketplace.Order) { o.Quantities = map[string]int{"requests": 1} }), 400, "no contract dimension"},
		"a quantity of nothing":              {subscribe(func(o *marketplace.Order) { o.Quantities = map[string]int{"team": 0} }), 400, "positive"},
		"an unknown agreement":               {of(l.Pay(l.ctx, "agmt-unknown")), 404, "no agreement"},
		"an agreement with a slash":          {of(l.Pay(l.ctx, "a/b")), 404, ""},
		"paying before the start":            {of(l.Pay(l.ctx, future.Agreement)), 409, "start it first"},
		"starting what has started":          {of(l.Start(l.ctx, waiting.Agreement)), 409, "has started"},
		"paying after the payment failed":    {of(l.Pay(l.ctx, over.Agreement)), 409, "TERMINATED"},
		"amending after the end":             {of(l.Amend(l.ctx, over.Agreement, marketplace.Amendment{})), 409, "TERMINATED"},
		"cancelling after the end":           {of(l.Cancel(l.ctx, over.Agreement)), 409, "has ended"},
		"ending with a made-up status":       {of(l.End(l.ctx, waiting.Agreement, marketplace.Ending{Status: "OVER"})), 400, "statuses"},
		"renewing before the payment":        {of(l.Renew(l.ctx, waiting.Agreement, marketplace.Renewal{})), 409, "paid for"},
		"taking away what was never granted": {of(l.Deprovision(l.ctx, over.Agreement)), 409, "FAILED"},
		"returning without leaving":          {of(l.Resubscribe(l.ctx, waiting.Agreement)), 409, "cancel it first"},
		"sending an unknown notice":          {of(l.Resend(l.ctx, 999)), 404, "no notice"},
		"a window that is no duration":       {of(l.SetSettings(l.ctx, marketplace.Settings{FinalUsageWindow: "soon"})), 400, "duration"},
		"a product without a dimension":      {of(l.PutProduct(l.ctx, marketplace.Product{Kind: marketplace.SNS})), 400, "dimension"},
		"a product of no kind":               {of(l.PutProduct(l.ctx, marketplace.Product{Dimensions: []string{"a"}})), 400, "kind"},
		"a product code with a colon":        {of(l.PutProduct(l.ctx, marketplace.Product{Code: "a:b", Kind: marketplace.SNS, Dimensions: []string{"a"}})), 400, "code"},
		"a product that changes its kind":    {of(l.PutProduct(l.ctx, marketplace.Product{Code: product.Code, Kind: marketplace.SNS, Dimensions: []string{"a"}})), 409, "neither can change"},
		"a registration page of no site":     {of(l.PutProduct(l.ctx, marketplace.Product{Kind: marketplace.SNS, Dimensions: []string{"a"}, RegistrationURL: "javascript:alert(1)"})), 400, "absolute"},
	} {
		t.Run(name, func(t *testing.T) { (&local{t: t}).wantRefused(c.err, c.status, c.text) })
	}
	l.wantNotices()
}

func TestARestartKeepsEverything(t *testing.T) {
	t.Parallel()
	dir, c := t.TempDir(), newClock()
	var p marketplace.Purchase
	for i := range 2 {
		srv, err := localaws.Open(localaws.Options{Dir: dir, Addr: "127.0.0.1:0", NoSync: true, Now: c.Now})
		if err != nil {
			t.Fatal(err)
		}
		l := on(t, srv, c)
		if i == 0 {
			product := l.list(marketplace.SNS)
			_, err := l.SetSettings(l.ctx, marketplace.Settings{FinalUsageWindow: "90s"})
			l.must(err)
			p = l.step(l.Subscribe(l.ctx, marketplace.Order{Product: product.Code, Account: buyer, Paid: true}))
		} else {
			settings, err := l.Settings(l.ctx)
			l.must(err)
			if settings.FinalUsageWindow != "90s" {
				t.Errorf("the settings are %+v", settings)
			}
			if got := aws.ToString(l.resolve(p.Token).CustomerIdentifier); got != p.Customer {
				t.Errorf("the token resolves to %s, want %s", got, p.Customer)
			}
			l.step(l.Cancel(l.ctx, p.Agreement))
			l.wantNotices(success, pending)
			all, err := l.Notices(l.ctx)
			l.must(err)
			if len(all) != 2 || all[0].ID != 1 || all[1].ID != 2 {
				t.Errorf("the notices are %+v", all)
			}
		}
		if err := srv.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
