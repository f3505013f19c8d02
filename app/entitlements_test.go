package app

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/handlers"
	"github.com/gatehouse-portal/gatehouse/marketplace/seller"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// knownRights is AWS.
type knownRights struct {
	is    seller.Rights
	err   error
	asked *events.Purchase
}

func (k knownRights) Rights(_ context.Context, bought events.Purchase) (seller.Rights, error) {
	*k.asked = bought
	return k.is, k.err
}

func sold(id portal.PlanID, dimensions ...string) catalog.Plan {
	return catalog.Plan{ID: id, Name: "Plan " + string(id), Stages: []portal.Stage{{API: "a", Stage: "v1"}}, Listing: &catalog.Listing{Product: "prod", Dimensions: dimensions}}
}

func TestContractDimensionsAreMappedToPlans(t *testing.T) {
	t.Parallel()
	until := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	stages := []portal.Stage{{API: "a", Stage: "v1"}}
	two := []catalog.Plan{sold("pro", "pro", "pro_yearly"), sold("max", "max")}
	claim := state.Claim{Account: "ann", Plan: "pro"}
	bought := events.Purchase{Product: "prod", Customer: "cust", ARN: "arn:l-1"}
	newer := state.Licence{Stream: "licence/l-1", Purchase: bought, Claim: claim}
	older := state.Licence{Stream: "legacy/prod/cust", Purchase: bought, Claim: claim}
	contract := newer
	contract.Contract = true
	subscribed := older
	subscribed.Status = events.LicenceActive
	for name, c := range map[string]struct {
		plans   []catalog.Plan
		licence state.Licence
		is      seller.Rights
		want    handlers.Entitlement
		ok      bool
		asks    events.Purchase
	}{
		"a dimension of the second plan": {two, newer, seller.Rights{Dimensions: []string{"max"}, Until: until}, handlers.Entitlement{
			Dimensions: []string{"max"}, Until: until, Plan: "max", Name: "Plan max", Stages: stages}, true, bought},
		"dimensions of both plans buy the first": {two, newer, seller.Rights{Dimensions: []string{"max", "pro_yearly"}}, handlers.Entitlement{
			Dimensions: []string{"max", "pro_yearly"}, Plan: "pro", Name: "Plan pro", Stages: stages}, true, bought},
		"a dimension of no plan":                         {two, newer, seller.Rights{Dimensions: []string{"gold"}}, handlers.Entitlement{Dimensions: []string{"gold"}}, true, bought},
		"AWS knows nothing yet":                          {two, newer, seller.Rights{}, handlers.Entitlement{}, false, bought},
		"a customer is asked about without a licence":    {two, older, seller.Rights{Lapsed: true}, handlers.Entitlement{Lapsed: true}, true, events.Purchase{Product: "prod", Customer: "cust"}},
		"a listing without contracts is not asked about": {[]catalog.Plan{sold("pro")}, newer, seller.Rights{Dimensions: []string{"x"}}, handlers.Entitlement{}, false, events.Purchase{}},
		"a customer of whom AWS has said nothing may have a contract": {[]catalog.Plan{sold("pro")}, older, seller.Rights{Dimensions: []string{"x"}, Until: until},
			handlers.Entitlement{Dimensions: []string{"x"}, Until: until, Plan: "pro", Name: "Plan pro", Stages: stages}, true, events.Purchase{Product: "prod", Customer: "cust"}},
		"a customer of whom AWS has said nothing may have a subscription": {[]catalog.Plan{sold("pro")}, older, seller.Rights{Lapsed: true}, handlers.Entitlement{}, false, events.Purchase{Product: "prod", Customer: "cust"}},
		"a customer with a subscription is not asked about":               {[]catalog.Plan{sold("pro")}, subscribed, seller.Rights{Lapsed: true}, handlers.Entitlement{}, false, events.Purchase{}},
		"a plan that is no longer sold is not asked about":                {nil, newer, seller.Rights{Dimensions: []string{"x"}}, handlers.Entitlement{}, false, events.Purchase{}},
		"one plan without dimensions, once AWS has told of a contract": {[]catalog.Plan{sold("pro")}, contract, seller.Rights{Dimensions: []string{"x"}, Until: until},
			handlers.Entitlement{Dimensions: []string{"x"}, Until: until, Plan: "pro", Name: "Plan pro", Stages: stages}, true, bought},
		"several plans without dimensions keep that of the claim": {[]catalog.Plan{sold("max"), sold("pro")}, contract, seller.Rights{Dimensions: []string{"x"}},
			handlers.Entitlement{Dimensions: []string{"x"}, Plan: "pro"}, true, bought},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked events.Purchase
			e := entitlements{knownRights{is: c.is, asked: &asked}, func(context.Context) (catalog.Document, error) {
				return catalog.Document{Products: []catalog.Product{{Plans: c.plans}}}, nil
			}}
			is, ok, err := e.of(t.Context(), c.licence)
			if diff := cmp.Diff(c.want, is); diff != "" || ok != c.ok || err != nil || asked != c.asks {
				t.Errorf("ok: %t, %v, asked %+v (-want +got):\n%s", ok, err, asked, diff)
			}
		})
	}
}

func TestAWorkerAsksAgainWhileAWSDoesNotAnswer(t *testing.T) {
	t.Parallel()
	for cause, postponed := range map[error]bool{seller.ErrThrottled: true, seller.ErrDown: true, seller.ErrDenied: false, seller.ErrRefused: false} {
		e := entitlements{knownRights{err: cause, asked: &events.Purchase{}}, func(context.Context) (catalog.Document, error) {
			return catalog.Document{Products: []catalog.Product{{Plans: []catalog.Plan{sold("pro", "pro")}}}}, nil
		}}
		_, _, err := e.of(t.Context(), state.Licence{Stream: "licence/l-1", Purchase: events.Purchase{Product: "prod"}})
		var later *portal.Postponed
		if errors.As(err, &later) != postponed || !errors.Is(err, cause) {
			t.Errorf("%v: the worker answers %v", cause, err)
		}
	}
}
