package arrival_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
	"github.com/gatehouse-portal/gatehouse/marketplace/arrival"
	"github.com/gatehouse-portal/gatehouse/marketplace/seller"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

const arn = "arn:aws:license-manager::123456789012:license:l-1"

// fakeSeller is a seller who knows one purchase.
type fakeSeller struct {
	bought     events.Purchase
	dimensions []string
	err        error
	asked      int
}

func (s *fakeSeller) Resolve(context.Context, string) (events.Purchase, error) {
	s.asked++
	return s.bought, s.err
}

func (s *fakeSeller) Bought(context.Context, events.Purchase) ([]string, error) {
	return s.dimensions, nil
}

func selling(listing *catalog.Listing, ids ...portal.PlanID) []catalog.Plan {
	var plans []catalog.Plan
	for _, id := range ids {
		plans = append(plans, catalog.Plan{ID: id, Name: string(id), Marketplace: listing != nil, Listing: listing})
	}
	return plans
}

func deskOf(s *fakeSeller, products ...catalog.Product) *arrival.Desk {
	return &arrival.Desk{
		Seller: s, Now: time.Now,
		Catalog: func(context.Context) (catalog.Document, error) { return catalog.Document{Products: products}, nil },
	}
}

var (
	single   = catalog.Product{ID: "seamark", Plans: append(selling(nil, "free"), selling(&catalog.Listing{Product: "abc"}, "pro")...)}
	contract = catalog.Product{ID: "charts", Plans: append(
		selling(&catalog.Listing{Product: "con", Dimensions: []string{"team", "team_annual"}}, "team"),
		selling(&catalog.Listing{Product: "con", Dimensions: []string{"fleet"}}, "fleet")...)}
	hidden = catalog.Product{ID: "secret", Visibility: catalog.VisibleHidden, Plans: selling(&catalog.Listing{Product: "hid", Notices: "sns"}, "spy")}
	twice  = catalog.Product{ID: "twice", Plans: selling(&catalog.Listing{Product: "two"}, "one", "two")}
)

func TestAPurchaseBecomesAClaimOfThePlanThatWasBought(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		target     string
		bought     events.Purchase
		dimensions []string
		plan       portal.PlanID
		licence    portal.Stream
	}{
		"at the plan's address":                  {"pro", events.Purchase{Product: "abc", ARN: arn}, nil, "pro", "licence/l-1"},
		"at the product's address":               {"seamark", events.Purchase{Product: "abc", ARN: arn}, nil, "pro", "licence/l-1"},
		"by an older listing":                    {"pro", events.Purchase{Product: "abc", ARN: arn, Customer: "X01"}, nil, "pro", "legacy/abc/X01"},
		"of a hidden product":                    {"spy", events.Purchase{Product: "hid", ARN: arn, Customer: "X01"}, nil, "spy", "legacy/hid/X01"},
		"of a contract":                          {"charts", events.Purchase{Product: "con", ARN: arn}, []string{"fleet"}, "fleet", "licence/l-1"},
		"of a contract for a year":               {"charts", events.Purchase{Product: "con", ARN: arn}, []string{"extra", "team_annual"}, "team", "licence/l-1"},
		"of another plan than the address names": {"team", events.Purchase{Product: "con", ARN: arn}, []string{"fleet"}, "fleet", "licence/l-1"},
		"of one of two plans that share a code":  {"two", events.Purchase{Product: "two", ARN: arn}, nil, "two", "licence/l-1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := deskOf(&fakeSeller{bought: c.bought, dimensions: c.dimensions}, single, contract, hidden, twice)
			got, err := d.Receive(t.Context(), c.target, "token", true)
			if err != nil {
				t.Fatal(err)
			}
			if got.Plan != c.plan || got.Licence != c.licence || !got.FreeTrial || got.Product != c.bought.Product || time.Until(got.Expires) < arrival.Kept-time.Minute {
				t.Errorf("the claim is %+v, want one of %s for %s", got, c.plan, c.licence)
			}
			again, err := d.Receive(t.Context(), c.target, "token", true)
			if err != nil || again.ID != got.ID || got.ID == "" {
				t.Errorf("the second time it is %q, %v; the first time it was %q", again.ID, err, got.ID)
			}
		})
	}
}

func TestAPurchaseOfAnotherProductIsForeign(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		target string
		code   portal.ProductCode
	}{{"pro", "con"}, {"seamark", "con"}, {"free", "abc"}, {"no-such-plan", "abc"}, {"spy", "abc"}, {"secret", "abc"}, {"", "abc"}, {"pro", "unknown"}} {
		_, err := deskOf(&fakeSeller{bought: events.Purchase{Product: c.code, ARN: arn}}, single, contract, hidden).Receive(t.Context(), c.target, "token", false)
		if !errors.Is(err, arrival.ErrForeign) || portal.CodeOf(err) != portal.Invalid {
			t.Errorf("%s at %q: %v, want ErrForeign", c.code, c.target, err)
		}
	}
}

func TestAWSIsNotAskedIfNothingIsSoldThere(t *testing.T) {
	t.Parallel()
	s := &fakeSeller{}
	_, err := deskOf(s, catalog.Product{ID: "seamark", Plans: selling(nil, "free")}).Receive(t.Context(), "free", "token", false)
	if portal.CodeOf(err) != portal.NotFound || s.asked != 0 {
		t.Errorf("after %d calls: %v, want NotFound without a call", s.asked, err)
	}
}

func TestAPlanThatAWSHasNotNamedYetIsUndecided(t *testing.T) {
	t.Parallel()
	_, err := deskOf(&fakeSeller{bought: events.Purchase{Product: "con", ARN: arn}}, contract).Receive(t.Context(), "charts", "token", false)
	if !errors.Is(err, arrival.ErrUndecided) || portal.CodeOf(err) != portal.Unavailable {
		t.Errorf("%v, want ErrUndecided", err)
	}
}

func TestALicenceThatCannotBeRightIsRefused(t *testing.T) {
	t.Parallel()
	for _, p := range []events.Purchase{{Product: "abc", ARN: "arn:l-a/b"}, {Product: "abc", Customer: "a b"}} {
		if got, err := deskOf(&fakeSeller{bought: p}, single).Receive(t.Context(), "pro", "token", false); portal.CodeOf(err) != portal.Unavailable {
			t.Errorf("%+v: %+v, %v", p, got, err)
		}
	}
}

func TestATokenOfTheLocalAWSBecomesAClaim(t *testing.T) {
	t.Parallel()
	local := localawstest.Start(t)
	token, err := local.Metering().IssueToken("abc", "111122223333", "l-7", "")
	if err != nil {
		t.Fatal(err)
	}
	d := deskOf(nil, single)
	d.Seller = seller.New(local.AWSConfig(), seller.Options{})
	got, err := d.Receive(t.Context(), "pro", token, false)
	if err != nil || got.Licence != "licence/l-7" || got.Buyer != "111122223333" {
		t.Errorf("the claim is %+v, %v", got, err)
	}
	if _, err := d.Receive(t.Context(), "pro", token+"x", false); !errors.Is(err, seller.ErrInvalidToken) {
		t.Errorf("the error of another token is %v", err)
	}
}

func TestAClaimIsKeptForTheBrowserThatHasItsSecret(t *testing.T) {
	t.Parallel()
	local := localawstest.Start(t)
	db := dynamodb.NewFromConfig(local.AWSConfig())
	attributes, keys := schema.PrimaryKey()
	if _, err := db.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String("sessions"), AttributeDefinitions: attributes, KeySchema: keys, BillingMode: types.BillingModePayPerRequest,
	}); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	claims := arrival.Claims{DynamoDB: db, Table: "sessions", Now: func() time.Time { return now }}
	claim := arrival.Claim{
		ID: "c", Licence: "licence/l-1", Plan: "pro", Purchase: events.Purchase{Product: "abc", Buyer: "111122223333", ARN: arn, FreeTrial: true},
		Expires: now.Add(arrival.Kept).UTC().Truncate(time.Second),
	}
	secret, err := claims.Keep(t.Context(), claim)
	if err != nil {
		t.Fatal(err)
	}
	if got, ok, err := claims.Find(t.Context(), secret); err != nil || !ok || got != claim {
		t.Errorf("it finds %+v, %t, %v; want %+v", got, ok, err, claim)
	}
	for _, other := range []string{"", "short", strings.Repeat("a", len(secret)), secret + "a"} {
		if _, ok, err := claims.Find(t.Context(), other); ok || err != nil {
			t.Errorf("for the secret %q it finds %t, %v", other, ok, err)
		}
	}
	if err := claims.Confirmed(t.Context(), secret, "ann", "op"); err != nil {
		t.Error(err)
	}
	if err := claims.Confirmed(t.Context(), strings.Repeat("a", len(secret)), "ann", "op"); err != nil {
		t.Errorf("confirming what is gone: %v", err)
	}
	if got, _, _ := claims.Find(t.Context(), secret); got.Operation != "op" || got.Account != "ann" {
		t.Errorf("after the confirmation it finds %+v", got)
	}
	all, err := db.Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String("sessions")})
	if err != nil || len(all.Items) != 1 {
		t.Fatalf("the table has %v, %v; want one row", all, err)
	}
	for name, value := range all.Items[0] {
		if strings.Contains(schema.TextOf(value), secret) {
			t.Errorf("the attribute %s has the secret", name)
		}
	}
	now = claim.Expires
	if _, ok, err := claims.Find(t.Context(), secret); ok || err != nil {
		t.Errorf("after its time it finds %t, %v", ok, err)
	}
	if err := local.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := claims.Find(t.Context(), secret); portal.CodeOf(err) != portal.Unavailable {
		t.Errorf("without a table: %v, want Unavailable", err)
	}
}
