package seller_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
	"github.com/gatehouse-portal/gatehouse/marketplace/seller"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestWhatABuyerHasPaidForIsReadFromTheLocalAWS(t *testing.T) {
	t.Parallel()
	local := localawstest.Start(t)
	market, s := local.Marketplace(), seller.New(local.AWSConfig(), seller.Options{})
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, kind := range []marketplace.Kind{marketplace.EventBridge, marketplace.SNS} {
		product, err := market.PutProduct(marketplace.Product{Code: "code" + string(kind), Kind: kind, ContractDimensions: []string{"team", "fleet"}})
		must(err)
		before := time.Now().Add(-time.Minute)
		ordered, err := market.Subscribe(marketplace.Order{Product: product.Code, Account: buyer, Quantities: map[string]int{"fleet": 1}})
		must(err)
		bought, err := s.Resolve(ctx, ordered.Token)
		must(err)
		if bought.Product != portal.ProductCode(product.Code) || bought.Buyer != buyer || (bought.Customer != "") != (kind == marketplace.SNS) {
			t.Errorf("%s: resolved to %+v", kind, bought)
		}
		_, err = market.Pay(ordered.Agreement)
		must(err)
		contracts, err := s.Contracts(ctx, bought)
		must(err)
		if len(contracts) != 1 || contracts[0].Dimension != "fleet" || !contracts[0].Until.After(time.Now()) {
			t.Errorf("%s: the contracts are %+v", kind, contracts)
		}
		dimensions, err := s.Bought(ctx, bought)
		must(err)
		if !slices.Equal(dimensions, []string{"fleet"}) {
			t.Errorf("%s: the dimensions are %v", kind, dimensions)
		}
		var changed []seller.Agreement
		must(s.Updated(ctx, before, func(a seller.Agreement) error {
			changed = append(changed, a)
			return nil
		}))
		i := slices.IndexFunc(changed, func(a seller.Agreement) bool { return a.ID == ordered.Agreement })
		if i < 0 || !changed[i].Active() || changed[i].Buyer != buyer || len(changed[i].Licences) != 1 {
			t.Errorf("%s: the changed agreements are %+v", kind, changed)
		}
		granted, err := s.Entitlements(ctx, ordered.Agreement)
		must(err)
		if len(granted) != 1 || !granted[0].Provisioned() || granted[0].Product != product.ID {
			t.Errorf("%s: the entitlements are %+v", kind, granted)
		}
		must(s.Updated(ctx, time.Now().Add(time.Hour), func(a seller.Agreement) error { return errors.New("there is " + a.ID) }))
	}
}

func TestEntitlementsThatCannotBeReadAreErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		is     error
	}{
		"throttling":                {http.StatusBadRequest, `{"__type":"com.amazonaws.x#ThrottlingException","message":"%s"}`, seller.ErrThrottled},
		"a missing permission":      {http.StatusBadRequest, `{"__type":"AccessDeniedException"}`, seller.ErrDenied},
		"a fault of AWS":            {http.StatusInternalServerError, `oops`, seller.ErrDown},
		"an answer that is no JSON": {http.StatusOK, `<html>`, seller.ErrDown},
	} {
		_, err := answering(t, c.status, c.body).Contracts(t.Context(), events.Purchase{Product: "p", ARN: "arn"})
		if !errors.Is(err, c.is) || portal.CodeOf(err) != portal.Unavailable {
			t.Errorf("%s: %v, want %v", name, err, c.is)
		}
	}
}
