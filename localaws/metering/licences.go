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

type licence struct {
	ARN, Product, Account string
	// Customer is the customer identifier; new integrations do not get one.
	Customer string `json:",omitempty"`
	Started  time.Time
	// Ended is zero while the licence is active.
	Ended time.Time `json:",omitzero"`
}

func (l licence) active() bool { return l.Ended.IsZero() }

// licenceID is the part of an ARN after the last colon. AWS does not write the rest in the
// same way everywhere.
func licenceID(arn string) string { return arn[strings.LastIndex(arn, ":")+1:] }

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
	return "arn:aws:license-manager::" + s.env.Account + ":license:" + given
}

// DefineProduct sets the dimensions of a product; usage in others is refused. A product
// that was never defined accepts all.
func (s *Service) DefineProduct(code string, dimensions ...string) error {
	err := s.env.DB.Update(func(tx *store.Tx) error { return store.PutJSON(productsIn(tx), code, dimensions) })
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

func (m market) knows(product string) bool {
	for _, l := range m.licences {
		if l.Product == product {
			return true
		}
	}
	return false
}

// held prefers an active licence.
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

func (m market) has(product, dimension string) bool {
	dimensions := m.dimensions[product]
	return dimensions == nil || slices.Contains(dimensions, dimension)
}
