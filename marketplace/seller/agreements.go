package seller

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/marketplaceagreement"
	"github.com/aws/aws-sdk-go-v2/service/marketplaceagreement/types"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Agreement is an agreement between a buyer and the seller.
type Agreement struct {
	ID    string
	Buyer portal.AWSAccount
	Offer string
	// Initial is the first agreement of the chain of renewals; ID itself if this agreement renews
	// none.
	Initial string
	// Status is AWS's: ACTIVE, CANCELLED, EXPIRED, RENEWED, REPLACED, TERMINATED and so on.
	Status string
	// End is zero if there is none. Updated is when AWS last changed anything.
	Start, End, Updated time.Time
	// Licences are the ARNs of the granted licences, as AWS writes them.
	Licences []string
}

// Active reports whether the agreement is in force.
func (a Agreement) Active() bool { return a.Status == string(types.AgreementStatusActive) }

// Over reports whether the agreement was cancelled, terminated, or has run out. One that was renewed,
// replaced or amended is not over.
func (a Agreement) Over() bool {
	switch types.AgreementStatus(a.Status) {
	case types.AgreementStatusCancelled, types.AgreementStatusTerminated, types.AgreementStatusExpired:
		return true
	}
	return false
}

// Entitlement is what an agreement grants.
type Entitlement struct {
	// Licence is the ARN as AWS writes it, "" until there is one.
	Licence string
	// Product is AWS's id of the product, "prod-…", not the product code.
	Product string
	// Status is AWS's: PROVISIONED, SCHEDULED, PENDING, FAILED or DEPROVISIONED.
	Status string
}

// Provisioned reports whether the buyer may use the product now.
func (e Entitlement) Provisioned() bool {
	return e.Status == string(types.AgreementEntitlementStatusProvisioned)
}

// Gone reports whether the buyer may no longer use the product, or never could. An Entitlement
// without a status is gone.
func (e Entitlement) Gone() bool {
	return e.Status == "" || e.Status == string(types.AgreementEntitlementStatusFailed) || e.Status == string(types.AgreementEntitlementStatusDeprovisioned)
}

// Updated visits, in the order of their changes, all agreements that AWS changed after the time.
// An error of visit ends it.
func (s *Seller) Updated(ctx context.Context, after time.Time, visit func(Agreement) error) error {
	return s.search(ctx, visit, filter("AfterLastUpdateTime", after.UTC().Format(time.RFC3339)))
}

// Granting visits, in the order of their changes, the agreements that grant the licence with the
// ARN, written as AWS does.
func (s *Seller) Granting(ctx context.Context, licence string, visit func(Agreement) error) error {
	return s.search(ctx, visit, filter("LicenseArn", licence))
}

// Chain visits, in the order of their changes, the agreements of the chain of renewals that
// Agreement.Initial names.
func (s *Seller) Chain(ctx context.Context, initial string, visit func(Agreement) error) error {
	return s.search(ctx, visit, filter("InitialAgreementId", initial))
}

func filter(name string, values ...string) types.Filter {
	return types.Filter{Name: &name, Values: values}
}

func (s *Seller) search(ctx context.Context, visit func(Agreement) error, more ...types.Filter) error {
	in := &marketplaceagreement.SearchAgreementsInput{
		Catalog: aws.String("AWSMarketplace"),
		Filters: append([]types.Filter{filter("PartyType", "Proposer"), filter("AgreementType", "PurchaseAgreement")}, more...),
		Sort:    &types.Sort{SortBy: aws.String("LastUpdateTime"), SortOrder: types.SortOrderAscending},
	}
	for {
		out, err := s.agreements.SearchAgreements(ctx, in)
		if err != nil {
			return failure("searching agreements", err)
		}
		for _, found := range out.AgreementViewSummaries {
			if err := visit(agreement(found)); err != nil {
				return err
			}
		}
		if in.NextToken = out.NextToken; aws.ToString(in.NextToken) == "" {
			return nil
		}
	}
}

func agreement(from types.AgreementViewSummary) Agreement {
	a := Agreement{
		ID: aws.ToString(from.AgreementId), Initial: aws.ToString(from.InitialAgreementId), Status: string(from.Status),
		Start: aws.ToTime(from.StartTime), End: aws.ToTime(from.EndTime), Updated: aws.ToTime(from.LastUpdateTime),
	}
	if from.Acceptor != nil {
		a.Buyer = portal.AWSAccount(aws.ToString(from.Acceptor.AccountId))
	}
	if from.ProposalSummary != nil {
		a.Offer = aws.ToString(from.ProposalSummary.OfferId)
	}
	for _, e := range from.Entitlements {
		if licence := aws.ToString(e.LicenseArn); licence != "" {
			a.Licences = append(a.Licences, licence)
		}
	}
	return a
}

// Entitlements lists what an agreement grants.
func (s *Seller) Entitlements(ctx context.Context, agreement string) ([]Entitlement, error) {
	in := &marketplaceagreement.GetAgreementEntitlementsInput{AgreementId: &agreement}
	var all []Entitlement
	for {
		out, err := s.agreements.GetAgreementEntitlements(ctx, in)
		if err != nil {
			return nil, failure("reading the entitlements of agreement "+agreement, err)
		}
		for _, e := range out.AgreementEntitlements {
			one := Entitlement{Licence: aws.ToString(e.LicenseArn), Status: string(e.Status)}
			if e.Resource != nil {
				one.Product = aws.ToString(e.Resource.Id)
			}
			all = append(all, one)
		}
		if in.NextToken = out.NextToken; aws.ToString(in.NextToken) == "" {
			return all, nil
		}
	}
}

// Dimensions lists the contract dimensions that an agreement's buyer has paid for, sorted; none
// for a listing without contracts.
func (s *Seller) Dimensions(ctx context.Context, agreement string) ([]string, error) {
	in := &marketplaceagreement.GetAgreementTermsInput{AgreementId: &agreement}
	var all []string
	for {
		out, err := s.agreements.GetAgreementTerms(ctx, in)
		if err != nil {
			return nil, failure("reading the terms of agreement "+agreement, err)
		}
		for _, term := range out.AcceptedTerms {
			all = append(all, dimensionsOf(term)...)
		}
		if in.NextToken = out.NextToken; aws.ToString(in.NextToken) == "" {
			slices.SortFunc(all, strings.Compare)
			return slices.Compact(all), nil
		}
	}
}

func dimensionsOf(term types.AcceptedTerm) []string {
	var keys []string
	switch term := term.(type) {
	case *types.AcceptedTermMemberConfigurableUpfrontPricingTerm:
		if term.Value.Configuration != nil {
			for _, d := range term.Value.Configuration.Dimensions {
				keys = append(keys, aws.ToString(d.DimensionKey))
			}
		}
	case *types.AcceptedTermMemberFixedUpfrontPricingTerm:
		for _, grant := range term.Value.Grants {
			keys = append(keys, aws.ToString(grant.DimensionKey))
		}
	}
	return slices.DeleteFunc(keys, func(key string) bool { return key == "" })
}
