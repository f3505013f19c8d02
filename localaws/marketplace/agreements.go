package marketplace

import (
	"context"
	"regexp"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

const purchaseAgreement = "PurchaseAgreement"

type resource struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

type proposalSummary struct {
	OfferID   string     `json:"offerId"`
	Resources []resource `json:"resources"`
}

// agreementOut has the members that DescribeAgreement and SearchAgreements share.
type agreementOut struct {
	AgreementID        string          `json:"agreementId"`
	AgreementType      string          `json:"agreementType"`
	InitialAgreementID string          `json:"initialAgreementId"`
	Status             string          `json:"status"`
	AcceptanceTime     wire.Epoch      `json:"acceptanceTime"`
	StartTime          wire.Epoch      `json:"startTime"`
	EndTime            wire.Epoch      `json:"endTime,omitzero"`
	Acceptor           party           `json:"acceptor"`
	Proposer           party           `json:"proposer"`
	ProposalSummary    proposalSummary `json:"proposalSummary"`

	// DescribeAgreement:
	EndTimeBehavior *endTimeBehavior `json:"endTimeBehavior,omitempty"`

	// SearchAgreements:
	EndTimeBehaviorType       string        `json:"endTimeBehaviorType,omitempty"`
	EndTimeBehaviorReasonCode string        `json:"endTimeBehaviorReasonCode,omitempty"`
	LastUpdateTime            wire.Epoch    `json:"lastUpdateTime,omitzero"`
	Entitlements              []entitlement `json:"entitlements,omitempty"`
}

// endTimeBehavior: agreements here have no renewal term.
type endTimeBehavior struct {
	Type       string `json:"type"`
	ReasonCode string `json:"reasonCode"`
}

const (
	expire        = "EXPIRE"
	noRenewalTerm = "NO_RENEWAL_TERM"
)

type entitlement struct {
	LicenseARN string `json:"licenseArn"`
}

// shown leaves out the estimated charges, since prices are not imitated.
func (s *Service) shown(p Purchase, product Product) agreementOut {
	out := agreementOut{
		AgreementID: p.Agreement, AgreementType: purchaseAgreement, InitialAgreementID: p.Initial, Status: p.Status,
		AcceptanceTime: wire.Epoch{Time: p.Accepted}, StartTime: wire.Epoch{Time: p.Start},
		Acceptor: party{p.Account}, Proposer: party{s.env.Seller},
		ProposalSummary: proposalSummary{OfferID: p.Offer, Resources: []resource{{product.ID, "SaaSProduct"}}},
	}
	if !p.End.IsZero() {
		out.EndTime = wire.Epoch{Time: p.End}
	}
	return out
}

func (p Purchase) expires() bool { return p.Status == Active && !p.End.IsZero() }

type describeAgreementIn struct {
	AgreementID *string `json:"agreementId"`
}

func (s *Service) describeAgreement(ctx context.Context, in *describeAgreementIn) (*agreementOut, error) {
	p, product, err := s.agreement(ctx, in.AgreementID)
	if err != nil {
		return nil, err
	}
	out := s.shown(p, product)
	if p.expires() {
		out.EndTimeBehavior = &endTimeBehavior{expire, noRenewalTerm}
	}
	return &out, nil
}

var agreementForm = regexp.MustCompile(`^[A-Za-z0-9_/-]{1,64}$`)

// agreement returns an agreement of the caller and its product, or AWS's errors.
func (s *Service) agreement(ctx context.Context, id *string) (p Purchase, product Product, err error) {
	switch {
	case id == nil || *id == "":
		return p, product, invalid("MISSING_AGREEMENT_ID", "agreementId", "Agreement ID is required.")
	case !agreementForm.MatchString(*id):
		return p, product, invalid("INVALID_AGREEMENT_ID", "agreementId", "Agreement ID is invalid.")
	}
	err = s.env.DB.View(func(tx *store.Tx) error {
		var found bool
		var err error
		if p, found, err = store.GetJSON[Purchase](purchasesIn(tx), *id); err != nil {
			return err
		}
		if !found || !s.sells(ctx) {
			return &wire.Error{
				Code: "ResourceNotFoundException", Message: "The agreement " + *id + " was not found.",
				Fields: map[string]any{"requestId": wire.NewUUID(), "resourceId": *id, "resourceType": "Agreement"},
			}
		}
		product, _, err = store.GetJSON[Product](productsIn(tx), p.Product)
		return err
	})
	return p, product, err
}

// sells reports whether the caller is the seller. Nobody else finds an agreement or entitlement.
func (s *Service) sells(ctx context.Context) bool { return s.env.Caller(ctx) == s.env.Seller }

type fieldProblem struct {
	Name    string `json:"name"`
	Message string `json:"message"`
}

func invalid(reason, field, message string) *wire.Error {
	return &wire.Error{
		Code: "ValidationException", Message: message,
		Fields: map[string]any{"requestId": wire.NewUUID(), "reason": reason, "fields": []fieldProblem{{field, message}}},
	}
}

type getAgreementEntitlementsIn struct {
	AgreementID *string `json:"agreementId"`
	MaxResults  *int    `json:"maxResults"`
	NextToken   *string `json:"nextToken"`
}

type agreementEntitlement struct {
	LicenseARN       string   `json:"licenseArn"`
	Resource         resource `json:"resource"`
	Status           string   `json:"status"`
	StatusReasonCode string   `json:"statusReasonCode"`
}

type getAgreementEntitlementsOut struct {
	AgreementEntitlements []agreementEntitlement `json:"agreementEntitlements"`
}

// getAgreementEntitlements has no registration token, which only the buyer gets.
func (s *Service) getAgreementEntitlements(ctx context.Context, in *getAgreementEntitlementsIn) (*getAgreementEntitlementsOut, error) {
	p, product, err := s.agreement(ctx, in.AgreementID)
	if err != nil {
		return nil, err
	}
	if err := onlyPage(in.MaxResults, in.NextToken); err != nil {
		return nil, err
	}
	return &getAgreementEntitlementsOut{[]agreementEntitlement{{
		LicenseARN: p.LicenceARN, Resource: resource{product.ID, "SaaSProduct"}, Status: p.Entitlement, StatusReasonCode: p.reason(),
	}}}, nil
}

func (p Purchase) reason() string {
	if p.Entitlement == Failed && p.Status != Terminated {
		return "AGREEMENT_INACTIVE"
	}
	return reasons[p.Entitlement]
}

// maxPage is both the default and the limit.
const maxPage = 50

func checkPage(limit *int) (int, error) {
	if limit == nil {
		return maxPage, nil
	}
	if *limit < 1 || *limit > maxPage {
		return 0, invalid("INVALID_MAX_RESULTS", "maxResults", "maxResults must be from 1 to 50.")
	}
	return *limit, nil
}

// onlyPage checks the paging of an operation whose answer fits one page.
func onlyPage(limit *int, token *string) error {
	if _, err := checkPage(limit); err != nil {
		return err
	}
	if token != nil {
		return invalid("INVALID_NEXT_TOKEN", "nextToken", "The next token is invalid.")
	}
	return nil
}
