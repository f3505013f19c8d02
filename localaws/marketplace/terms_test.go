package marketplace_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/marketplaceagreement"
	"github.com/aws/aws-sdk-go-v2/service/marketplaceagreement/types"

	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
)

func TestTheTermsNameWhatWasBought(t *testing.T) {
	t.Parallel()
	l := start(t)
	_, err := l.PutProduct(l.ctx, marketplace.Product{Code: "contract", Kind: marketplace.EventBridge, Dimensions: []string{"requests"}, ContractDimensions: []string{"large", "small"}})
	l.must(err)
	terms := func(p marketplace.Purchase) []types.AcceptedTerm {
		t.Helper()
		out, err := l.agreements.GetAgreementTerms(l.ctx, &marketplaceagreement.GetAgreementTermsInput{AgreementId: &p.Agreement})
		l.must(err)
		return out.AcceptedTerms
	}
	if got := terms(l.step(l.Subscribe(l.ctx, marketplace.Order{Product: "contract", Account: buyer}))); len(got) != 0 {
		t.Errorf("an agreement without dimensions has the terms %+v", got)
	}
	p := l.step(l.Subscribe(l.ctx, marketplace.Order{Product: "contract", Account: buyer, Quantities: map[string]int{"small": 1, "large": 2}}))
	got := terms(p)
	upfront, ok := got[0].(*types.AcceptedTermMemberConfigurableUpfrontPricingTerm)
	if !ok || len(got) != 1 || len(upfront.Value.Configuration.Dimensions) != 2 {
		t.Fatalf("the terms are %+v", got)
	}
	for i, want := range []struct {
		key string
		n   int32
	}{{"large", 2}, {"small", 1}} {
		if d := upfront.Value.Configuration.Dimensions[i]; *d.DimensionKey != want.key || d.DimensionValue != want.n {
			t.Errorf("dimension %d is %s, %d; want %s, %d", i, *d.DimensionKey, d.DimensionValue, want.key, want.n)
		}
	}
	if _, err := l.agreements.GetAgreementTerms(l.ctx, &marketplaceagreement.GetAgreementTermsInput{}); err == nil {
		t.Error("terms of no agreement are answered")
	}
}
