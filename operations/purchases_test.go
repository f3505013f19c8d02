package operations_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/marketplace/arrival"
	"github.com/gatehouse-portal/gatehouse/portal"
)

var bought = events.Purchase{Product: "abc", Buyer: "111122223333", ARN: "arn:aws:license-manager::123456789012:license:l-1"}

func sold(plan catalog.Plan) catalog.Plan {
	plan.Marketplace, plan.Listing = true, &catalog.Listing{Product: "abc", Meter: catalog.MeterNone}
	return plan
}

func (d *fixture) claim() arrival.Claim {
	return arrival.Claim{Licence: "licence/l-1", Plan: "plus", Purchase: bought, Expires: d.now.Add(time.Hour)}
}

func TestAConfirmedPurchaseIsARequestAboutItsLicence(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.happen(portal.AccountStream(ann), "op", events.UserRegistered{})
	d.publish(free, sold(plus))
	op, err := d.ConfirmPurchase(t.Context(), who(ann, "again"), d.claim())
	if err != nil {
		t.Fatal(err)
	}
	sent, _ := d.outbox.empty()
	if len(sent) != 1 || sent[0].Subject != "licence/l-1" || sent[0].Actor != portal.AccountActor(ann) || sent[0].Intent == 0 || op.Plan != "plus" {
		t.Fatalf("sent %+v for %+v", sent, op)
	}
	same(t, "the request", events.MarketplaceConfirmed{Account: ann, Plan: "plus", Name: "Plus", Stages: plus.Stages, Purchase: bought}, sent[0].Data)
	found, err := d.Find(t.Context(), ann, op.ID)
	if err != nil || found.ID != op.ID {
		t.Errorf("the operation is %+v, %v", found, err)
	}
	again, err := d.ConfirmPurchase(t.Context(), who(ann, "again"), d.claim())
	if err != nil || again.ID != op.ID {
		t.Errorf("the same request again is %+v, %v; want %s", again, err, op.ID)
	}
}

func TestAPurchaseThatCannotBeServedIsRefused(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.happen(portal.AccountStream(ann), "op", events.UserRegistered{})
	expired, other, elsewhere, gone := d.claim(), d.claim(), d.claim(), d.claim()
	expired.Expires = d.now
	other.Purchase.Product = "xyz"
	elsewhere.Licence = "licence/l-2"
	gone.Plan = "gone"
	hidden := d.claim()
	hidden.Plan = "free"
	d.publish(free, sold(plus))
	for name, c := range map[string]struct {
		claim arrival.Claim
		code  portal.Code
	}{
		"a claim that has expired":           {expired, portal.NotFound},
		"another product":                    {other, portal.Conflict},
		"a licence that the purchase is not": {elsewhere, portal.Conflict},
		"a plan that is gone":                {gone, portal.Conflict},
		"a plan that costs nothing":          {hidden, portal.Conflict},
	} {
		_, err := d.ConfirmPurchase(t.Context(), who(ann, ""), c.claim)
		if portal.CodeOf(err) != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	if sent, _ := d.outbox.empty(); len(sent) > 0 {
		t.Errorf("sent %v", sent)
	}
}

func TestAPlanThatIsPaidOnAWSMarketplaceIsNotLeftForAnother(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.publish(free, sold(plus))
	_, err := d.ChangePlan(t.Context(), who(ann, ""), "free", "plus")
	refuses(t, err, portal.Conflict)
	if want := "You pay for Plus on AWS Marketplace."; !strings.Contains(err.Error(), want) {
		t.Errorf("it says %v, want %s", err, want)
	}
}

func TestAPurchaseNeedsAnAccountThatIsOpen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string][]events.Fact{
		"nobody has registered":       nil,
		"an admin has yet to approve": {events.RegistrationPending{}},
		"an admin has denied":         {events.RegistrationPending{}, events.RegistrationDenied{Link: events.Link{Wish: 1}, Message: "No."}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newFixture(t)
			d.publish(free, sold(plus))
			if len(c) > 0 {
				d.happen(portal.AccountStream(ann), "op", c...)
			}
			d.outbox.empty()
			if _, err := d.ConfirmPurchase(t.Context(), who(ann, ""), d.claim()); portal.CodeOf(err) != portal.NotRegistered {
				t.Errorf("got %v", err)
			}
			if sent, _ := d.outbox.empty(); len(sent) > 0 {
				t.Errorf("sent %+v", sent)
			}
		})
	}
}
