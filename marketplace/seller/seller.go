// Package seller calls AWS Marketplace as the seller of its listings: it resolves registration
// tokens, reads agreements, and meters usage. It decides and keeps nothing.
package seller

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/marketplaceagreement"
	"github.com/aws/aws-sdk-go-v2/service/marketplacemetering"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// DefaultRegion is where AWS Marketplace is called by default.
const DefaultRegion = "us-east-1"

// Options say as whom, and where, AWS Marketplace is called.
type Options struct {
	// Role is the ARN of a role in the seller's AWS account, "" if the portal runs in that
	// account.
	Role string
	// Region is DefaultRegion if "". Never change it once usage is metered: AWS finds duplicates
	// within one Region only.
	Region string
}

type metering interface {
	ResolveCustomer(context.Context, *marketplacemetering.ResolveCustomerInput, ...func(*marketplacemetering.Options)) (*marketplacemetering.ResolveCustomerOutput, error)
	BatchMeterUsage(context.Context, *marketplacemetering.BatchMeterUsageInput, ...func(*marketplacemetering.Options)) (*marketplacemetering.BatchMeterUsageOutput, error)
}

type agreements interface {
	SearchAgreements(context.Context, *marketplaceagreement.SearchAgreementsInput, ...func(*marketplaceagreement.Options)) (*marketplaceagreement.SearchAgreementsOutput, error)
	GetAgreementEntitlements(context.Context, *marketplaceagreement.GetAgreementEntitlementsInput, ...func(*marketplaceagreement.Options)) (*marketplaceagreement.GetAgreementEntitlementsOutput, error)
	GetAgreementTerms(context.Context, *marketplaceagreement.GetAgreementTermsInput, ...func(*marketplaceagreement.Options)) (*marketplaceagreement.GetAgreementTermsOutput, error)
}

// Seller calls AWS Marketplace. It is safe for concurrent use.
type Seller struct {
	metering     metering
	agreements   agreements
	entitlements entitlements
	region       string
}

// New does no I/O: the first call assumes the role.
func New(cfg aws.Config, options Options) *Seller {
	cfg = Config(cfg, options)
	return &Seller{metering: marketplacemetering.NewFromConfig(cfg), agreements: marketplaceagreement.NewFromConfig(cfg), entitlements: newEntitlements(cfg), region: cfg.Region}
}

// Config returns the configuration with which AWS is called as the seller. It does no I/O.
func Config(cfg aws.Config, options Options) aws.Config {
	if options.Role != "" {
		provider := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), options.Role, func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName = "gatehouse"
		})
		cfg.Credentials = aws.NewCredentialsCache(provider)
	}
	if cfg.Region = options.Region; cfg.Region == "" {
		cfg.Region = DefaultRegion
	}
	// Logs of requests would contain the buyers' tokens.
	cfg.ClientLogMode = 0
	return cfg
}

// Region is where AWS Marketplace is called.
func (s *Seller) Region() string { return s.region }
