package marketplace

import (
	"fmt"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// textFilters compare one attribute with the filter's value.
var textFilters = map[string]func(searched) string{
	"ResourceIdentifier": func(a searched) string { return a.product.ID },
	"ResourceType":       func(searched) string { return "SaaSProduct" },
	"AcceptorAccountId":  func(a searched) string { return a.Account },
	"OfferId":            func(a searched) string { return a.Offer },
	"Status":             func(a searched) string { return a.Status },
	"InitialAgreementId": func(a searched) string { return a.Initial },
	"LicenseArn":         func(a searched) string { return a.LicenceARN },
}

// timeFilters are preceded by Before or After. An agreement without an end has no EndTime and
// passes neither.
var timeFilters = map[string]func(searched) time.Time{
	"EndTime":        func(a searched) time.Time { return a.End },
	"StartTime":      func(a searched) time.Time { return a.Start },
	"LastUpdateTime": func(a searched) time.Time { return a.Updated },
}

// otherFilters are AWS's, and not implemented.
var otherFilters = []string{"OfferSetId", "EndTimeBehaviorType", "EndTimeBehaviorReasonCode"}

// parseFilters wants the filters AgreementType and PartyType. The party must be the proposer.
func parseFilters(in []searchFilter) ([]func(searched) bool, error) {
	var all []func(searched) bool
	given := map[string]bool{}
	for _, f := range in {
		switch {
		case f.Name == "":
			return nil, invalid("MISSING_FILTER_NAME", "filters", "A filter must have a name.")
		case given[f.Name]:
			return nil, invalid("INVALID_FILTERS", "filters", fmt.Sprintf("The filter %s is given twice.", f.Name))
		case len(f.Values) == 0:
			return nil, invalid("MISSING_FILTER_VALUES", "filters", fmt.Sprintf("The filter %s must have a value.", f.Name))
		case len(f.Values) > 1 || f.Values[0] == "":
			return nil, invalid("INVALID_FILTER_VALUES", "filters", fmt.Sprintf("The filter %s must have one value.", f.Name))
		}
		given[f.Name] = true
		passes, err := parseFilter(f.Name, f.Values[0])
		if err != nil {
			return nil, err
		}
		if passes != nil {
			all = append(all, passes)
		}
	}
	switch {
	case !given["AgreementType"]:
		return nil, invalid("UNSUPPORTED_FILTERS", "filters", "The filter AgreementType is required.")
	case !given["PartyType"]:
		return nil, invalid("MISSING_PARTY_TYPE", "filters", "The filter PartyType is required.")
	}
	return all, nil
}

func parseFilter(name, value string) (func(searched) bool, error) {
	switch name {
	case "AgreementType":
		if value != purchaseAgreement {
			return nil, invalid("INVALID_FILTER_VALUES", "filters", "The AgreementType must be PurchaseAgreement.")
		}
		return nil, nil
	case "PartyType":
		if value == "Acceptor" {
			return nil, wire.NotImplemented("A search as the acceptor")
		}
		if value != "Proposer" {
			return nil, invalid("INVALID_PARTY_TYPE", "filters", "The PartyType must be Proposer or Acceptor.")
		}
		return nil, nil
	}
	if attribute := textFilters[name]; attribute != nil {
		return func(a searched) bool { return attribute(a) == value }, nil
	}
	for _, other := range otherFilters {
		if name == other {
			return nil, wire.NotImplemented("The filter " + name)
		}
	}
	return parseTimeFilter(name, value)
}

func parseTimeFilter(name, value string) (func(searched) bool, error) {
	for attribute, of := range timeFilters {
		if name != "Before"+attribute && name != "After"+attribute {
			continue
		}
		bound, err := time.Parse(time.RFC3339, value)
		if err != nil {
			return nil, invalid("INVALID_FILTER_VALUES", "filters", fmt.Sprintf("The value of %s must be a time such as 2026-08-20T14:23:22Z.", name))
		}
		before := name == "Before"+attribute
		return func(a searched) bool {
			t := of(a)
			return !t.IsZero() && (before && t.Before(bound) || !before && t.After(bound))
		}, nil
	}
	return nil, invalid("INVALID_FILTER_NAME", "filters", fmt.Sprintf("There is no filter %s.", name))
}
