package marketplace

import (
	"context"
	"encoding/base64"
	"maps"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

type getEntitlementsIn struct {
	ProductCode *string
	Filter      map[string][]string
	MaxResults  *int
	NextToken   *string
}

type entitlementValue struct{ IntegerValue int }

type entitlementOut struct {
	ProductCode, Dimension string
	CustomerIdentifier     string `json:",omitempty"`
	CustomerAWSAccountID   string `json:"CustomerAWSAccountId"`
	LicenseARN             string `json:"LicenseArn"`
	Value                  entitlementValue
	ExpirationDate         wire.Epoch `json:",omitzero"`
}

func (e entitlementOut) key() string { return e.LicenseARN + " " + e.Dimension }

type getEntitlementsOut struct {
	Entitlements []entitlementOut
	NextToken    string `json:",omitempty"`
}

const notYours = "The product code is not one of yours."

// maxEntitlements is both the default and the limit of a page.
const maxEntitlements = 25

// getEntitlements lists what was bought in contract dimensions and is provisioned.
func (s *Service) getEntitlements(ctx context.Context, in *getEntitlementsIn) (*getEntitlementsOut, error) {
	if in.ProductCode == nil || *in.ProductCode == "" {
		return nil, badParameter("The product code is required.")
	}
	if !s.sells(ctx) {
		return nil, badParameter(notYours)
	}
	if err := in.checkFilter(); err != nil {
		return nil, err
	}
	limit := maxEntitlements
	if in.MaxResults != nil {
		if limit = *in.MaxResults; limit < 1 || limit > maxEntitlements {
			return nil, badParameter("MaxResults must be from 1 to 25.")
		}
	}
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	all, err := s.entitlements(in)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(e entitlementOut) bool { return e.key() <= after })
	out := &getEntitlementsOut{Entitlements: all}
	if len(all) > limit {
		out.Entitlements = all[:limit]
		out.NextToken = base64.RawURLEncoding.EncodeToString([]byte(all[limit-1].key()))
	}
	return out, nil
}

func badParameter(text string) error { return wire.Errorf("InvalidParameterException", "%s", text) }

var entitlementFilters = []string{"CUSTOMER_IDENTIFIER", "CUSTOMER_AWS_ACCOUNT_ID", "DIMENSION", "LICENSE_ARN"}

func (in *getEntitlementsIn) checkFilter() error {
	for name, values := range in.Filter {
		switch {
		case !slices.Contains(entitlementFilters, name):
			return badParameter("The filter " + name + " does not exist.")
		case len(values) == 0 || slices.Contains(values, ""):
			return badParameter("The filter " + name + " must have values.")
		}
	}
	if in.Filter["CUSTOMER_IDENTIFIER"] != nil && in.Filter["CUSTOMER_AWS_ACCOUNT_ID"] != nil {
		return badParameter("CUSTOMER_IDENTIFIER and CUSTOMER_AWS_ACCOUNT_ID exclude each other.")
	}
	return nil
}

func (in *getEntitlementsIn) after() (string, error) {
	if in.NextToken == nil {
		return "", nil
	}
	key, err := base64.RawURLEncoding.DecodeString(*in.NextToken)
	if err != nil || len(key) == 0 {
		return "", badParameter("The next token is invalid.")
	}
	return string(key), nil
}

// wants reports whether e has one of the values of each filter.
func (in *getEntitlementsIn) wants(e entitlementOut) bool {
	have := map[string]string{
		"CUSTOMER_IDENTIFIER": e.CustomerIdentifier, "CUSTOMER_AWS_ACCOUNT_ID": e.CustomerAWSAccountID,
		"DIMENSION": e.Dimension, "LICENSE_ARN": e.LicenseARN,
	}
	for name, values := range in.Filter {
		if !slices.Contains(values, have[name]) {
			return false
		}
	}
	return true
}

func (s *Service) entitlements(in *getEntitlementsIn) ([]entitlementOut, error) {
	found := []entitlementOut{}
	err := s.env.DB.View(func(tx *store.Tx) error {
		if _, exists, err := store.GetJSON[Product](productsIn(tx), *in.ProductCode); err != nil {
			return err
		} else if !exists {
			return badParameter(notYours)
		}
		all, err := store.AllJSON[Purchase](purchasesIn(tx))
		for _, p := range all {
			if p.Product != *in.ProductCode || !p.provisioned() {
				continue
			}
			for _, dimension := range slices.Sorted(maps.Keys(p.Quantities)) {
				if e := p.entitlement(dimension); in.wants(e) {
					found = append(found, e)
				}
			}
		}
		return err
	})
	slices.SortFunc(found, func(a, b entitlementOut) int { return strings.Compare(a.key(), b.key()) })
	return found, err
}

func (p Purchase) entitlement(dimension string) entitlementOut {
	e := entitlementOut{
		ProductCode: p.Product, Dimension: dimension, CustomerIdentifier: p.Customer, CustomerAWSAccountID: p.Account,
		LicenseARN: p.LicenceARN, Value: entitlementValue{p.Quantities[dimension]},
	}
	if !p.End.IsZero() {
		e.ExpirationDate = wire.Epoch{Time: p.End}
	}
	return e
}
