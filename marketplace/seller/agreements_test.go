package seller

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/marketplaceagreement"
	"github.com/aws/aws-sdk-go-v2/service/marketplaceagreement/types"
	"github.com/aws/smithy-go"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// pages answers each call with its next page.
type pages struct {
	searched []*marketplaceagreement.SearchAgreementsInput
	found    []marketplaceagreement.SearchAgreementsOutput
	granted  []marketplaceagreement.GetAgreementEntitlementsOutput
	terms    []marketplaceagreement.GetAgreementTermsOutput
	err      error
}

func next[P any](list *[]P) *P {
	page := (*list)[0]
	*list = (*list)[1:]
	return &page
}

func (p *pages) SearchAgreements(_ context.Context, in *marketplaceagreement.SearchAgreementsInput, _ ...func(*marketplaceagreement.Options)) (*marketplaceagreement.SearchAgreementsOutput, error) {
	if p.err != nil {
		return nil, p.err
	}
	copied := *in
	p.searched = append(p.searched, &copied)
	return next(&p.found), nil
}

func (p *pages) GetAgreementEntitlements(context.Context, *marketplaceagreement.GetAgreementEntitlementsInput, ...func(*marketplaceagreement.Options)) (*marketplaceagreement.GetAgreementEntitlementsOutput, error) {
	if p.err != nil {
		return nil, p.err
	}
	return next(&p.granted), nil
}

func (p *pages) GetAgreementTerms(context.Context, *marketplaceagreement.GetAgreementTermsInput, ...func(*marketplaceagreement.Options)) (*marketplaceagreement.GetAgreementTermsOutput, error) {
	if p.err != nil {
		return nil, p.err
	}
	return next(&p.terms), nil
}

func TestChangedAgreementsAreReadPageByPage(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 27, 16, 0, 0, 0, time.UTC)
	summary := func(id string) types.AgreementViewSummary {
		return types.AgreementViewSummary{
			AgreementId: &id, Status: types.AgreementStatusActive, Acceptor: &types.Acceptor{AccountId: aws.String("111122223333")}, LastUpdateTime: &at, StartTime: &at,
			Entitlements: []types.Entitlement{{LicenseArn: aws.String("arn:l-1")}, {}}, ProposalSummary: &types.ProposalSummary{OfferId: aws.String("offer-1")},
		}
	}
	asked := &pages{found: []marketplaceagreement.SearchAgreementsOutput{
		{AgreementViewSummaries: []types.AgreementViewSummary{summary("agmt-1")}, NextToken: aws.String("more")},
		{AgreementViewSummaries: []types.AgreementViewSummary{summary("agmt-2"), {AgreementId: aws.String("agmt-3"), Status: types.AgreementStatusExpired}}},
	}}
	var got []Agreement
	err := (&Seller{agreements: asked}).Updated(t.Context(), at.Add(-time.Hour), func(a Agreement) error {
		got = append(got, a)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := Agreement{ID: "agmt-1", Buyer: "111122223333", Offer: "offer-1", Status: "ACTIVE", Start: at, Updated: at, Licences: []string{"arn:l-1"}}
	if len(got) != 3 || !reflect.DeepEqual(got[0], want) || !got[1].Active() || got[2].Active() {
		t.Errorf("it read %+v, want %+v and two more", got, want)
	}
	if len(asked.searched) != 2 || aws.ToString(asked.searched[1].NextToken) != "more" {
		t.Fatalf("it searched %d times", len(asked.searched))
	}
	filters := map[string]string{}
	for _, f := range asked.searched[0].Filters {
		filters[*f.Name] = f.Values[0]
	}
	if filters["PartyType"] != "Proposer" || filters["AgreementType"] != "PurchaseAgreement" || filters["AfterLastUpdateTime"] != "2026-11-27T15:00:00Z" {
		t.Errorf("the filters are %v", filters)
	}
}

func TestAnErrorEndsTheSearch(t *testing.T) {
	t.Parallel()
	enough := errors.New("enough")
	asked := &pages{found: []marketplaceagreement.SearchAgreementsOutput{{AgreementViewSummaries: make([]types.AgreementViewSummary, 2), NextToken: aws.String("more")}}}
	if err := (&Seller{agreements: asked}).Granting(t.Context(), "arn:l-1", func(Agreement) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("the error is %v", err)
	}
	asked = &pages{err: &smithy.GenericAPIError{Code: "ResourceNotFoundException"}}
	if _, err := (&Seller{agreements: asked}).Entitlements(t.Context(), "agmt-1"); !errors.Is(err, ErrRefused) || portal.CodeOf(err) != portal.Unavailable {
		t.Errorf("the error is %v, want ErrRefused", err)
	}
	asked = &pages{err: &smithy.GenericAPIError{Code: "AccessDeniedException"}}
	if _, err := (&Seller{agreements: asked}).Entitlements(t.Context(), "agmt-1"); !errors.Is(err, ErrDenied) || portal.CodeOf(err) != portal.Unavailable {
		t.Errorf("the error is %v, want ErrDenied", err)
	}
}

func TestEntitlementsAndDimensionsAreReadPageByPage(t *testing.T) {
	t.Parallel()
	asked := &pages{
		granted: []marketplaceagreement.GetAgreementEntitlementsOutput{
			{AgreementEntitlements: []types.AgreementEntitlement{{LicenseArn: aws.String("arn:l-1"), Status: types.AgreementEntitlementStatusProvisioned, Resource: &types.Resource{Id: aws.String("prod-1")}}}, NextToken: aws.String("more")},
			{AgreementEntitlements: []types.AgreementEntitlement{{Status: types.AgreementEntitlementStatusScheduled}}},
		},
		terms: []marketplaceagreement.GetAgreementTermsOutput{
			{AcceptedTerms: []types.AcceptedTerm{
				&types.AcceptedTermMemberLegalTerm{},
				&types.AcceptedTermMemberConfigurableUpfrontPricingTerm{Value: types.ConfigurableUpfrontPricingTerm{Configuration: &types.ConfigurableUpfrontPricingTermConfiguration{Dimensions: []types.Dimension{{DimensionKey: aws.String("pro")}}}}},
				&types.AcceptedTermMemberConfigurableUpfrontPricingTerm{},
			}, NextToken: aws.String("more")},
			{AcceptedTerms: []types.AcceptedTerm{&types.AcceptedTermMemberFixedUpfrontPricingTerm{Value: types.FixedUpfrontPricingTerm{Grants: []types.GrantItem{{DimensionKey: aws.String("extra")}, {DimensionKey: aws.String("pro")}, {}}}}}},
		},
	}
	s := &Seller{agreements: asked}
	granted, err := s.Entitlements(t.Context(), "agmt-1")
	if err != nil || len(granted) != 2 || granted[0] != (Entitlement{Licence: "arn:l-1", Product: "prod-1", Status: "PROVISIONED"}) || !granted[0].Provisioned() || granted[1].Provisioned() {
		t.Errorf("the entitlements are %+v, %v", granted, err)
	}
	dimensions, err := s.Dimensions(t.Context(), "agmt-1")
	if err != nil || !slices.Equal(dimensions, []string{"extra", "pro"}) {
		t.Errorf("the dimensions are %v, %v", dimensions, err)
	}
}
