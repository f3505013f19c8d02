package marketplace

import (
	"context"
	"maps"
	"slices"
)

type getAgreementTermsIn struct {
	AgreementID *string `json:"agreementId"`
	MaxResults  *int    `json:"maxResults"`
	NextToken   *string `json:"nextToken"`
}

type boughtDimension struct {
	DimensionKey   string `json:"dimensionKey"`
	DimensionValue int    `json:"dimensionValue"`
}

type upfrontConfiguration struct {
	SelectorValue string            `json:"selectorValue"`
	Dimensions    []boughtDimension `json:"dimensions"`
}

type upfrontTerm struct {
	Type          string               `json:"type"`
	Configuration upfrontConfiguration `json:"configuration"`
}

type acceptedTerm struct {
	Upfront *upfrontTerm `json:"configurableUpfrontPricingTerm,omitempty"`
}

type getAgreementTermsOut struct {
	AcceptedTerms []acceptedTerm `json:"acceptedTerms"`
}

// getAgreementTerms has one term, with what was bought in contract dimensions, and none without them.
func (s *Service) getAgreementTerms(ctx context.Context, in *getAgreementTermsIn) (*getAgreementTermsOut, error) {
	p, _, err := s.agreement(ctx, in.AgreementID)
	if err != nil {
		return nil, err
	}
	if err := onlyPage(in.MaxResults, in.NextToken); err != nil {
		return nil, err
	}
	out := &getAgreementTermsOut{AcceptedTerms: []acceptedTerm{}}
	if len(p.Quantities) == 0 {
		return out, nil
	}
	term := &upfrontTerm{Type: "ConfigurableUpfrontPricingTerm", Configuration: upfrontConfiguration{SelectorValue: "P1Y"}}
	for _, dimension := range slices.Sorted(maps.Keys(p.Quantities)) {
		term.Configuration.Dimensions = append(term.Configuration.Dimensions, boughtDimension{dimension, p.Quantities[dimension]})
	}
	out.AcceptedTerms = append(out.AcceptedTerms, acceptedTerm{term})
	return out, nil
}
