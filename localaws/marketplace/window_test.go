package marketplace_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/marketplacemetering"
	metertypes "github.com/aws/aws-sdk-go-v2/service/marketplacemetering/types"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
)

func TestUsageIsAcceptedBetweenThePaymentAndTheEndOfTheWindow(t *testing.T) {
	t.Parallel()
	l := start(t)
	p := l.step(l.Subscribe(l.ctx, marketplace.Order{Product: l.list(marketplace.EventBridge).Code, Account: buyer}))
	want := func(when, status string) {
		t.Helper()
		if got := l.meter(p, 1); got != status {
			t.Errorf("metering %s is %s, want %s", when, got, status)
		}
	}
	want("before the payment", "InvalidLicenseException")
	l.step(l.Pay(l.ctx, p.Agreement))
	want("after the payment", "Success")
	l.step(l.Cancel(l.ctx, p.Agreement))
	l.advance(2 * time.Hour)
	want("after the agreement ended", "Success")
	l.step(l.Deprovision(l.ctx, p.Agreement))
	l.advance(time.Hour - time.Second)
	want("at the end of the window", "Success")
	l.advance(time.Second)
	want("after the window", "CustomerNotSubscribed")
}

func TestTheEndOfTheAgreementOpensTheWindowIfSetSo(t *testing.T) {
	t.Parallel()
	l := start(t)
	_, err := l.SetSettings(l.ctx, marketplace.Settings{WindowOpenedBy: marketplace.ByEnded, FinalUsageWindow: "10m"})
	l.must(err)
	product := l.list(marketplace.EventBridge)
	order := marketplace.Order{Product: product.Code, Account: buyer, Paid: true}
	waits, taken := l.step(l.Subscribe(l.ctx, order)), l.step(l.Subscribe(l.ctx, order))
	l.step(l.Cancel(l.ctx, waits.Agreement))
	l.step(l.Cancel(l.ctx, taken.Agreement))
	l.advance(9 * time.Minute)
	l.step(l.Deprovision(l.ctx, taken.Agreement))
	if a, b := l.meter(waits, 1), l.meter(taken, 1); a != "Success" || b != "CustomerNotSubscribed" {
		t.Errorf("in the window metering is %s, after it was closed %s", a, b)
	}
	l.advance(time.Minute)
	if got := l.meter(waits, 2); got != "CustomerNotSubscribed" {
		t.Errorf("metering after the window is %s", got)
	}
	l.step(l.Deprovision(l.ctx, waits.Agreement))
	if got := l.meter(waits, 2); got != "CustomerNotSubscribed" {
		t.Errorf("taking the licence away opened the window again: %s", got)
	}
}

func TestAnOldListingIsMeteredForAnHourAfterTheCancellation(t *testing.T) {
	t.Parallel()
	l := start(t)
	product := l.list(marketplace.SNS)
	p := l.step(l.Subscribe(l.ctx, marketplace.Order{Product: product.Code, Account: buyer, Paid: true}))
	l.step(l.Cancel(l.ctx, p.Agreement))
	l.advance(time.Hour - time.Second)
	if got := l.meterOld(p, 1); got != "Success" {
		t.Errorf("metering in the window is %s", got)
	}
	l.advance(time.Second)
	if got := l.meterOld(p, 1); got != "CustomerNotSubscribed" {
		t.Errorf("metering after the window is %s", got)
	}
	other := l.step(l.Subscribe(l.ctx, marketplace.Order{Product: product.Code, Paid: true}))
	l.step(l.End(l.ctx, other.Agreement, marketplace.Ending{}))
	if got := l.meterOld(other, 1); got != "CustomerNotSubscribed" {
		t.Errorf("metering after unsubscribe-success is %s", got)
	}
}

func TestUsageMeteredInBothWaysIsBilledTwice(t *testing.T) {
	t.Parallel()
	l := start(t)
	p := l.step(l.Subscribe(l.ctx, marketplace.Order{Product: l.list(marketplace.SNS).Code, Account: buyer, Paid: true}))
	if a, b := l.meter(p, 7), l.meterOld(p, 7); a != "Success" || b != "Success" {
		t.Fatalf("metering is %s and %s", a, b)
	}
	l.advance(time.Hour)
	if a, b := l.meter(p, 0), l.meter(p, 5); a != "Success" || b != "DuplicateRecord" {
		t.Fatalf("metering is %s and %s, want the first quantity to win", a, b)
	}
	bills, err := l.Billed(l.ctx)
	l.must(err)
	for i := range bills {
		if bills[i].ID == "" {
			t.Error("a bill has no id")
		}
		bills[i].ID = ""
	}
	hour := time.Date(2026, 8, 20, 14, 0, 0, 0, time.UTC)
	bill := func(at time.Time, quantity int64, byLicence, double bool) marketplace.Bill {
		return marketplace.Bill{
			Product: p.Product, Account: p.Account, Customer: p.Customer, Licence: p.Licence, Dimension: "requests",
			Hour: at, Quantity: quantity, ByLicence: byLicence, Double: double,
		}
	}
	want := []marketplace.Bill{bill(hour, 7, true, true), bill(hour, 7, false, true), bill(hour.Add(time.Hour), 0, true, false)}
	if diff := cmp.Diff(want, bills); diff != "" {
		t.Errorf("billed (-want +got):\n%s", diff)
	}
}

func TestAProductIsKnownBeforeItsFirstBuyer(t *testing.T) {
	t.Parallel()
	l := start(t)
	product := l.list(marketplace.SNS)
	stranger := metertypes.UsageRecord{CustomerIdentifier: aws.String("X01EXAMPLEX"), Dimension: aws.String("requests"), Quantity: aws.Int32(1), Timestamp: aws.Time(l.Now())}
	if got := l.send(product.Code, stranger); got != "CustomerNotSubscribed" {
		t.Errorf("metering a stranger is %s", got)
	}
	if got := l.send("other", stranger); got != "InvalidProductCodeException" {
		t.Errorf("metering an unknown product is %s", got)
	}
	stranger.Dimension = aws.String("bytes")
	if got := l.send(product.Code, stranger); got != "InvalidUsageDimensionException" {
		t.Errorf("metering an unknown dimension is %s", got)
	}
}

func TestTheMeteringServiceCanBeDisabled(t *testing.T) {
	t.Parallel()
	l := start(t)
	p := l.step(l.Subscribe(l.ctx, marketplace.Order{Product: l.list(marketplace.EventBridge).Code, Account: buyer, Paid: true}))
	_, err := l.SetSettings(l.ctx, marketplace.Settings{MeteringDisabled: true})
	l.must(err)
	_, err = l.meters.ResolveCustomer(l.ctx, &marketplacemetering.ResolveCustomerInput{RegistrationToken: &p.Token})
	if a, b := codeOf(err), l.meter(p, 1); a != "DisabledApiException" || b != "DisabledApiException" {
		t.Errorf("disabled, the calls answer %s and %s", a, b)
	}
	_, err = l.SetSettings(l.ctx, marketplace.Settings{})
	l.must(err)
	if got := l.meter(p, 1); got != "Success" || *l.resolve(p.Token).LicenseArn != p.LicenceARN {
		t.Errorf("enabled again, metering is %s", got)
	}
}
