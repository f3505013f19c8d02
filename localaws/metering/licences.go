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

// Licence is a customer's right to use a product, and the seller's to meter it.
type Licence struct {
	ARN, Product, Account string
	// Customer is the customer identifier; new integrations do not get one.
	Customer string `json:",omitempty"`
	// Started is zero until the licence is active, and Ended until it has an end. Usage can be
	// metered in between.
	Started time.Time `json:",omitzero"`
	Ended   time.Time `json:",omitzero"`
}

func (l Licence) active(now time.Time) bool {
	return !l.Started.IsZero() && (l.Ended.IsZero() || now.Before(l.Ended))
}

// LicenceID is the part of an ARN after the last colon. AWS does not write the rest in the
// same way everywhere.
func LicenceID(arn string) string { return arn[strings.LastIndex(arn, ":")+1:] }

// LicenceARN returns the ARN of a licence id, as ResolveCustomer returns it.
func (s *Service) LicenceARN(id string) string {
	return "arn:aws:license-manager::" + s.env.Seller + ":license:" + id
}

// licenceARN takes an ARN or an id. If given is empty, the ARN follows from product and
// account, so that a returning buyer gets the same licence.
func (s *Service) licenceARN(given, product, account string) string {
	if strings.HasPrefix(given, "arn:") {
		return given
	}
	if given == "" {
		sum := sha256.Sum256([]byte(product + " " + account))
		given = "l-" + hex.EncodeToString(sum[:16])
	}
	return s.LicenceARN(given)
}

// Put stores a licence, within the caller's transaction.
func Put(tx *store.Tx, l Licence) error {
	b := licencesIn(tx)
	return store.PutJSON(b, LicenceID(l.ARN), l)
}

// Get returns a licence by ARN or id.
func Get(tx *store.Tx, licence string) (l Licence, found bool, err error) {
	return store.GetJSON[Licence](licencesIn(tx), LicenceID(licence))
}

// Define sets the dimensions of a product, within the caller's transaction.
func Define(tx *store.Tx, code string, dimensions []string) error {
	b := productsIn(tx)
	return store.PutJSON(b, code, dimensions)
}

// DefineProduct sets the dimensions of a product; usage in others is refused. A product
// that was never defined accepts all.
func (s *Service) DefineProduct(code string, dimensions ...string) error {
	err := s.env.DB.Update(func(tx *store.Tx) error { return Define(tx, code, dimensions) })
	if err != nil {
		return fmt.Errorf("defining product %s: %w", code, err)
	}
	return nil
}

// EndLicence ends a licence, given by ARN or id: usage metered from now on gets
// CustomerNotSubscribed. AWS allows one more hour for the last usage; the caller must wait
// for that. Ending it again changes nothing. An unknown licence is an error.
func (s *Service) EndLicence(licenceARN string) error {
	err := s.env.DB.Update(func(tx *store.Tx) error {
		l, found, err := Get(tx, licenceARN)
		switch {
		case err != nil:
			return err
		case !found:
			return fmt.Errorf("there is no such licence")
		case !l.active(s.env.Now()):
			return nil
		}
		l.Ended = s.env.Now()
		return Put(tx, l)
	})
	if err != nil {
		return fmt.Errorf("ending licence %s: %w", licenceARN, err)
	}
	return nil
}

// market reads products and licences for one batch.
type market struct {
	tx  *store.Tx
	now time.Time
}

// knows reports whether the product was defined or has a customer.
func (m market) knows(product string) (bool, error) {
	if _, defined, err := store.GetJSON[[]string](productsIn(m.tx), product); defined || err != nil {
		return defined, err
	}
	all, err := store.AllJSON[Licence](licencesIn(m.tx))
	return slices.ContainsFunc(all, func(l Licence) bool { return l.Product == product }), err
}

// held returns the customer's licence of the product, an active one if there is one, or nil.
func (m market) held(product, account, customer string) (held *Licence, err error) {
	all, err := store.AllJSON[Licence](licencesIn(m.tx))
	for _, l := range all {
		if l.Product != product || (account != "" && l.Account != account) || (customer != "" && l.Customer != customer) {
			continue
		}
		if held == nil || !held.active(m.now) && l.active(m.now) {
			held = &l
		}
	}
	return held, err
}

func (m market) has(product, dimension string) (bool, error) {
	dimensions, defined, err := store.GetJSON[[]string](productsIn(m.tx), product)
	return !defined || dimensions == nil || slices.Contains(dimensions, dimension), err
}
