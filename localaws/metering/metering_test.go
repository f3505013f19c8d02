package metering_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/marketplacemetering"
	"github.com/aws/aws-sdk-go-v2/service/marketplacemetering/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
	"github.com/gatehouse-portal/gatehouse/localaws/metering"
)

const (
	product = "prod1234"
	account = "111122223333"
)

// clock is the server's clock. It moves only when a test advances it.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 7, 1, 12, 34, 56, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// local is the seller as a client, and the marketplace.
type local struct {
	t testing.TB
	*clock
	*marketplacemetering.Client
	market *metering.Service
}

func start(t testing.TB) *local {
	t.Helper()
	c := newClock()
	return on(t, localawstest.Start(t, func(o *localaws.Options) { o.Now = c.Now }), c)
}

func on(t testing.TB, srv *localaws.Server, c *clock) *local {
	client := marketplacemetering.NewFromConfig(srv.AWSConfig(), func(o *marketplacemetering.Options) { o.RetryMaxAttempts = 1 })
	return &local{t, c, client, srv.Metering()}
}

// buy subscribes the account and returns its licence.
func (l *local) buy(product, account, customer string) string {
	l.t.Helper()
	return *l.mustResolve(l.issue(product, account, "", customer)).LicenseArn
}

func (l *local) issue(product, account, licence, customer string) string {
	l.t.Helper()
	token, err := l.market.IssueToken(product, account, licence, customer)
	if err != nil {
		l.t.Fatal(err)
	}
	return token
}

func (l *local) resolve(token string) (*marketplacemetering.ResolveCustomerOutput, error) {
	return l.ResolveCustomer(l.t.Context(), &marketplacemetering.ResolveCustomerInput{RegistrationToken: &token})
}

func (l *local) mustResolve(token string) *marketplacemetering.ResolveCustomerOutput {
	l.t.Helper()
	out, err := l.resolve(token)
	if err != nil {
		l.t.Fatal(err)
	}
	return out
}

func (l *local) meter(records ...types.UsageRecord) (*marketplacemetering.BatchMeterUsageOutput, error) {
	return l.BatchMeterUsage(l.t.Context(), &marketplacemetering.BatchMeterUsageInput{UsageRecords: records})
}

func (l *local) statuses(records ...types.UsageRecord) (all []types.UsageRecordResultStatus) {
	l.t.Helper()
	out, err := l.meter(records...)
	if err != nil {
		l.t.Fatal(err)
	}
	for _, r := range out.Results {
		all = append(all, r.Status)
	}
	return all
}

// usage is a record as new integrations send it.
func (l *local) usage(licence string, quantity int32, adjust ...func(*types.UsageRecord)) types.UsageRecord {
	u := types.UsageRecord{
		CustomerAWSAccountId: aws.String(account), LicenseArn: &licence,
		Dimension: aws.String("requests"), Quantity: &quantity, Timestamp: aws.Time(l.Now()),
	}
	for _, f := range adjust {
		f(&u)
	}
	return u
}

func wantCode(t testing.TB, err error, want string) {
	t.Helper()
	got := ""
	var api smithy.APIError
	if errors.As(err, &api) {
		got = api.ErrorCode()
	}
	if got != want {
		t.Errorf("error code is %q (%v), want %q", got, err, want)
	}
}

func TestATokenResolvesToTheSameAnswerForFourHours(t *testing.T) {
	t.Parallel()
	l := start(t)
	token := l.issue(product, account, "l-0123", "")
	first := l.mustResolve(token)
	want := &marketplacemetering.ResolveCustomerOutput{
		CustomerAWSAccountId: aws.String(account), ProductCode: aws.String(product),
		LicenseArn: aws.String("arn:aws:license-manager::000000000000:license:l-0123"),
	}
	ignored := cmpopts.IgnoreFields(marketplacemetering.ResolveCustomerOutput{}, "ResultMetadata")
	unexported := cmpopts.IgnoreUnexported(marketplacemetering.ResolveCustomerOutput{})
	if diff := cmp.Diff(want, first, ignored, unexported); diff != "" {
		t.Errorf("resolved (-want +got):\n%s", diff)
	}
	if err := l.market.EndLicence("l-0123"); err != nil {
		t.Fatal(err)
	}
	l.advance(4*time.Hour - time.Second)
	if diff := cmp.Diff(first, l.mustResolve(token), ignored, unexported); diff != "" {
		t.Errorf("resolved again (-first +now):\n%s", diff)
	}
	l.advance(time.Second)
	_, err := l.resolve(token)
	wantCode(t, err, "ExpiredTokenException")
}

func TestACustomerIdentifierComesOnlyWithOlderSubscriptions(t *testing.T) {
	t.Parallel()
	l := start(t)
	if got := l.mustResolve(l.issue(product, account, "", "cust-1")).CustomerIdentifier; aws.ToString(got) != "cust-1" {
		t.Errorf("the identifier is %v, want cust-1", got)
	}
	if got := l.mustResolve(l.issue(product, "444455556666", "", "")).CustomerIdentifier; got != nil {
		t.Errorf("the identifier is %s, want none", *got)
	}
}

func TestATokenThatWasNeverIssuedIsInvalid(t *testing.T) {
	t.Parallel()
	l := start(t)
	for _, token := range []string{"", "never-issued", "with spaces"} {
		_, err := l.resolve(token)
		wantCode(t, err, "InvalidTokenException")
	}
}

func TestNoTokenIsIssuedForInvalidArguments(t *testing.T) {
	t.Parallel()
	l := start(t)
	l.issue(product, account, "l-1", "")
	for name, args := range map[string][3]string{
		"an invalid account":           {product, "12", ""},
		"no product":                   {"", account, ""},
		"another account's licence":    {product, "444455556666", "l-1"},
		"a licence of another product": {"other", account, "l-1"},
	} {
		if _, err := l.market.IssueToken(args[0], args[1], args[2], ""); err == nil {
			t.Errorf("%s: a token was issued", name)
		}
	}
	if err := l.market.EndLicence("l-unknown"); err == nil {
		t.Error("a licence that nobody holds was ended")
	}
}

func TestUsageOfOneHourCountsOnce(t *testing.T) {
	t.Parallel()
	l := start(t)
	licence := l.buy(product, account, "")
	anotherMinute := func(u *types.UsageRecord) { u.Timestamp = aws.Time(l.Now().Add(-30 * time.Minute)) }
	anotherHour := func(u *types.UsageRecord) { u.Timestamp = aws.Time(l.Now()) }
	first, err := l.meter(l.usage(licence, 7))
	if err != nil {
		t.Fatal(err)
	}
	again, err := l.meter(l.usage(licence, 7))
	if err != nil {
		t.Fatal(err)
	}
	if a, b := first.Results[0], again.Results[0]; aws.ToString(a.MeteringRecordId) == "" || *a.MeteringRecordId != *b.MeteringRecordId {
		t.Errorf("the same record was metered as %v and as %v", a.MeteringRecordId, b.MeteringRecordId)
	}
	for _, c := range []struct {
		name   string
		record types.UsageRecord
		want   types.UsageRecordResultStatus
	}{
		{"the same record with another minute", l.usage(licence, 7, anotherMinute), "Success"},
		{"another quantity", l.usage(licence, 8), "DuplicateRecord"},
		{"no quantity, which means zero", l.usage(licence, 0, func(u *types.UsageRecord) { u.Quantity = nil }), "DuplicateRecord"},
		{"another dimension", l.usage(licence, 8, func(u *types.UsageRecord) { u.Dimension = aws.String("bytes") }), "Success"},
	} {
		if got := l.statuses(c.record); got[0] != c.want {
			t.Errorf("%s: %s, want %s", c.name, got[0], c.want)
		}
	}
	l.advance(time.Hour)
	if got := l.statuses(l.usage(licence, 9, anotherHour), l.usage(licence, 10, anotherHour)); got[0] != "Success" || got[1] != "DuplicateRecord" {
		t.Errorf("two quantities for a new hour are %v, want the first alone to count", got)
	}
	l.wantMetered("requests 12 7", "requests 13 9", "bytes 12 8")
}

// wantMetered wants exactly these records, as dimension, hour and quantity, in any order.
func (l *local) wantMetered(want ...string) {
	l.t.Helper()
	all, err := l.market.Metered()
	if err != nil {
		l.t.Fatal(err)
	}
	var got []string
	for _, r := range all {
		got = append(got, fmt.Sprintf("%s %d %d", r.Dimension, r.At.Hour(), r.Quantity))
	}
	if diff := cmp.Diff(want, got, cmpopts.SortSlices(strings.Compare)); diff != "" {
		l.t.Errorf("metered (-want +got):\n%s", diff)
	}
}

func TestAnEndedLicenceIsNotMeteredUntilTheCustomerReturns(t *testing.T) {
	t.Parallel()
	l := start(t)
	licence, other := l.buy(product, account, ""), l.buy(product, "444455556666", "")
	if err := l.market.EndLicence(licence); err != nil {
		t.Fatal(err)
	}
	others := l.usage(other, 2, func(u *types.UsageRecord) { u.CustomerAWSAccountId = aws.String("444455556666") })
	got := l.statuses(l.usage(licence, 1), others)
	if diff := cmp.Diff([]types.UsageRecordResultStatus{"CustomerNotSubscribed", "Success"}, got); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	if again := l.buy(product, account, ""); again != licence {
		t.Errorf("the returning customer holds %s, want %s", again, licence)
	}
	if got := l.statuses(l.usage(licence, 1)); got[0] != "Success" {
		t.Errorf("metering the returning customer is %s", got[0])
	}
	l.wantMetered("requests 12 2", "requests 12 1")
}

func TestABatchIsRefusedAsAWhole(t *testing.T) {
	t.Parallel()
	l := start(t)
	licence := l.buy(product, account, "")
	if err := l.market.DefineProduct(product, "requests"); err != nil {
		t.Fatal(err)
	}
	another := l.buy("other", account, "")
	allocate := func(quantities ...int32) func(*types.UsageRecord) {
		return func(u *types.UsageRecord) {
			for i, q := range quantities {
				u.UsageAllocations = append(u.UsageAllocations, types.UsageAllocation{
					AllocatedUsageQuantity: &q, Tags: []types.Tag{{Key: aws.String("plan"), Value: aws.String(fmt.Sprint("p", i))}},
				})
			}
		}
	}
	at := func(d time.Duration) func(*types.UsageRecord) {
		return func(u *types.UsageRecord) { u.Timestamp = aws.Time(l.Now().Add(d)) }
	}
	cases := map[string]struct {
		adjust func(*types.UsageRecord)
		want   string
	}{
		"a dimension that the product does not have": {func(u *types.UsageRecord) { u.Dimension = aws.String("bytes") }, "InvalidUsageDimensionException"},
		"usage from before the licence began":        {at(-time.Hour), "InvalidLicenseException"},
		"usage in the future":                        {at(time.Second), "TimestampOutOfBoundsException"},
		"allocations that do not add up":             {allocate(1, 1), "InvalidUsageAllocationsException"},
		"a sixth tag": {func(u *types.UsageRecord) {
			allocate(3)(u)
			for i := range 5 {
				u.UsageAllocations[0].Tags = append(u.UsageAllocations[0].Tags, types.Tag{Key: aws.String(fmt.Sprint(i)), Value: aws.String("v")})
			}
		}, "InvalidTagException"},
		"a negative quantity":                {func(u *types.UsageRecord) { u.Quantity = aws.Int32(-1) }, "ValidationException"},
		"an unknown licence":                 {func(u *types.UsageRecord) { u.LicenseArn = aws.String(licence + "0") }, "InvalidLicenseException"},
		"a licence that is not an ARN":       {func(u *types.UsageRecord) { u.LicenseArn = aws.String("l-1") }, "ValidationException"},
		"another's licence":                  {func(u *types.UsageRecord) { u.CustomerAWSAccountId = aws.String("444455556666") }, "InvalidLicenseException"},
		"no customer":                        {func(u *types.UsageRecord) { u.CustomerAWSAccountId = nil }, "InvalidCustomerIdentifierException"},
		"a customer named in both ways":      {func(u *types.UsageRecord) { u.CustomerIdentifier = aws.String("c") }, "InvalidCustomerIdentifierException"},
		"neither a licence nor a product":    {func(u *types.UsageRecord) { u.LicenseArn = nil }, "InvalidProductCodeException"},
		"a second product in the same batch": {func(u *types.UsageRecord) { u.LicenseArn = &another }, "InvalidProductCodeException"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			good := l.usage(licence, 5)
			_, err := l.meter(good, l.usage(licence, 3, c.adjust))
			wantCode(t, err, c.want)
		})
	}
	l.wantMetered()
	if got := l.statuses(l.usage(licence, 5, allocate(2, 3))); got[0] != "Success" {
		t.Errorf("allocations that add up are %s", got[0])
	}
}

func TestUsageMayBeAlmostSixHoursOld(t *testing.T) {
	t.Parallel()
	l := start(t)
	licence := l.buy(product, account, "")
	began := l.Now()
	l.advance(6*time.Hour - time.Second)
	atTheStart := func(u *types.UsageRecord) { u.Timestamp = &began }
	if got := l.statuses(l.usage(licence, 1, atTheStart)); got[0] != "Success" {
		t.Errorf("usage of almost six hours ago is %s", got[0])
	}
	l.advance(time.Second)
	_, err := l.meter(l.usage(licence, 1, atTheStart))
	wantCode(t, err, "TimestampOutOfBoundsException")
}

func TestABatchHasUpTo25Records(t *testing.T) {
	t.Parallel()
	l := start(t)
	licence := l.buy(product, account, "")
	records := func(n int) (all []types.UsageRecord) {
		for i := range n {
			all = append(all, l.usage(licence, 1, func(u *types.UsageRecord) { u.Dimension = aws.String(fmt.Sprint("d", i)) }))
		}
		return all
	}
	if got := l.statuses(records(25)...); len(got) != 25 {
		t.Errorf("%d of 25 records have a result", len(got))
	}
	_, err := l.meter(records(26)...)
	wantCode(t, err, "ValidationException")
}

func TestOlderIntegrationsMeterByProductCodeAndCustomer(t *testing.T) {
	t.Parallel()
	l := start(t)
	licence := l.buy(product, account, "cust-1")
	byCode := func(code string, adjust func(*types.UsageRecord)) (*marketplacemetering.BatchMeterUsageOutput, error) {
		u := l.usage(licence, 4, func(u *types.UsageRecord) { u.LicenseArn = nil }, adjust)
		return l.BatchMeterUsage(t.Context(), &marketplacemetering.BatchMeterUsageInput{ProductCode: &code, UsageRecords: []types.UsageRecord{u}})
	}
	byIdentifier := func(id string) func(*types.UsageRecord) {
		return func(u *types.UsageRecord) { u.CustomerAWSAccountId, u.CustomerIdentifier = nil, &id }
	}
	for name, c := range map[string]struct {
		adjust func(*types.UsageRecord)
		want   types.UsageRecordResultStatus
	}{
		"by account":            {func(*types.UsageRecord) {}, "Success"},
		"by identifier":         {byIdentifier("cust-1"), "Success"},
		"an unknown identifier": {byIdentifier("cust-2"), "CustomerNotSubscribed"},
		"an unknown account":    {func(u *types.UsageRecord) { u.CustomerAWSAccountId = aws.String("444455556666") }, "CustomerNotSubscribed"},
	} {
		out, err := byCode(product, c.adjust)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := out.Results[0].Status; got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	_, err := byCode("unknown", func(*types.UsageRecord) {})
	wantCode(t, err, "InvalidProductCodeException")
	// AWS does not match the two ways of metering; it bills both.
	if got := l.statuses(l.usage(licence, 5)); got[0] != "Success" {
		t.Errorf("metering the licence as well is %s", got[0])
	}
	l.wantMetered("requests 12 4", "requests 12 5")
}

func TestARestartLosesNothing(t *testing.T) {
	t.Parallel()
	dir, c := t.TempDir(), newClock()
	var token, ended, open string
	for i := range 2 {
		srv, err := localaws.Open(localaws.Options{Dir: dir, Addr: "127.0.0.1:0", NoSync: true, Now: c.Now})
		if err != nil {
			t.Fatal(err)
		}
		l := on(t, srv, c)
		if i == 0 {
			token = l.issue(product, account, "l-open", "")
			open, ended = *l.mustResolve(token).LicenseArn, l.buy(product, account, "")
			if got := l.statuses(l.usage(open, 7)); got[0] != "Success" {
				t.Errorf("metering is %s", got[0])
			}
			if err := l.market.EndLicence(ended); err != nil {
				t.Fatal(err)
			}
			if err := l.market.DefineProduct(product, "requests"); err != nil {
				t.Fatal(err)
			}
		} else {
			if got := *l.mustResolve(token).LicenseArn; got != open {
				t.Errorf("the token resolves to %s, want %s", got, open)
			}
			got := l.statuses(l.usage(open, 7), l.usage(open, 8), l.usage(ended, 1))
			want := []types.UsageRecordResultStatus{"Success", "DuplicateRecord", "CustomerNotSubscribed"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("statuses (-want +got):\n%s", diff)
			}
			_, err := l.meter(l.usage(open, 1, func(u *types.UsageRecord) { u.Dimension = aws.String("bytes") }))
			wantCode(t, err, "InvalidUsageDimensionException")
			l.wantMetered("requests 12 7")
		}
		if err := srv.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
