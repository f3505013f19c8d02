package metering

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// licence is what a buyer holds of a product.
type licence struct {
	ARN, Product, Account string
	// Customer is the customer identifier, which new integrations no longer get.
	Customer string `json:",omitempty"`
	Started  time.Time
	// Ended is zero while the licence is active.
	Ended time.Time `json:",omitzero"`
}

func (l licence) active() bool { return l.Ended.IsZero() }

// licenceID tells licences apart: what follows the last colon of an ARN. AWS does
// not write the rest of it the same everywhere.
func licenceID(arn string) string { return arn[strings.LastIndex(arn, ":")+1:] }

// licenceARN is the ARN under which AWS knows the licence: as given, or formed of
// an id. Without either it follows from the product and the account, so that a
// buyer who comes back holds the same licence.
func (s *Service) licenceARN(given, product, account string) string {
	if strings.HasPrefix(given, "arn:") {
		return given
	}
	if given == "" {
		sum := sha256.Sum256([]byte(product + " " + account))
		given = "l-" + hex.EncodeToString(sum[:16])
	}
	return "arn:aws:license-manager::" + s.env.Account + ":license:" + given
}

// DefineProduct says which dimensions a product has. Usage in any other is refused
// then; a product that was never defined has whatever is metered.
func (s *Service) DefineProduct(code string, dimensions ...string) error {
	err := s.env.DB.Update(func(tx *store.Tx) error { return store.PutJSON(productsIn(tx), code, dimensions) })
	if err != nil {
		return fmt.Errorf("defining product %s: %w", code, err)
	}
	return nil
}

// EndLicence ends the licence of that ARN or id: usage metered from now on is
// answered CustomerNotSubscribed. The hour that AWS leaves for the last usage is
// the caller's to wait. Ending again changes nothing, an unknown licence is an error.
func (s *Service) EndLicence(licenceARN string) error {
	err := s.env.DB.Update(func(tx *store.Tx) error {
		l, found, err := store.GetJSON[licence](licencesIn(tx), licenceID(licenceARN))
		switch {
		case err != nil:
			return err
		case !found:
			return fmt.Errorf("there is no such licence")
		case !l.active():
			return nil
		}
		l.Ended = s.env.Now()
		return store.PutJSON(licencesIn(tx), licenceID(l.ARN), l)
	})
	if err != nil {
		return fmt.Errorf("ending licence %s: %w", licenceARN, err)
	}
	return nil
}

// market is what a batch is judged by: all licences, and the dimensions of the
// products that were defined.
type market struct {
	licences   map[string]licence
	dimensions map[string][]string
}

func readMarket(tx *store.Tx) (market, error) {
	m := market{map[string]licence{}, map[string][]string{}}
	all, err := store.AllJSON[licence](licencesIn(tx))
	if err != nil {
		return m, err
	}
	for _, l := range all {
		m.licences[licenceID(l.ARN)] = l
		if m.dimensions[l.Product] != nil {
			continue
		}
		if m.dimensions[l.Product], _, err = store.GetJSON[[]string](productsIn(tx), l.Product); err != nil {
			return m, err
		}
	}
	return m, nil
}

// knows reports whether anybody bought the product.
func (m market) knows(product string) bool {
	for _, l := range m.licences {
		if l.Product == product {
			return true
		}
	}
	return false
}

// held is the licence of the product that the account or customer holds, an active
// one before one that has ended.
func (m market) held(product, account, customer string) (held licence, ok bool) {
	for _, l := range m.licences {
		if l.Product != product || (account != "" && l.Account != account) || (customer != "" && l.Customer != customer) {
			continue
		}
		if !ok || !held.active() && l.active() {
			held, ok = l, true
		}
	}
	return held, ok
}

// has reports whether the product has the dimension.
func (m market) has(product, dimension string) bool {
	dimensions := m.dimensions[product]
	return dimensions == nil || slices.Contains(dimensions, dimension)
}
