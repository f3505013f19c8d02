package metering

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// Record is accepted usage, which AWS would bill.
type Record struct {
	ID                                  string
	Product, Account, Licence, Customer string
	Dimension                           string
	// At is the time stamp as sent. Usage counts once per hour.
	At          time.Time
	Quantity    int64
	Allocations []Allocation
	// ByLicence means that the record named the licence, not the product code. AWS bills
	// usage twice if it is metered in both ways.
	ByLicence bool
}

// Metered lists the accepted usage by licence, dimension and hour.
func (s *Service) Metered() ([]Record, error) {
	var all []Record
	err := s.env.DB.View(func(tx *store.Tx) (err error) {
		all, err = MeteredIn(tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading what was metered: %w", err)
	}
	return all, nil
}

// MeteredIn is Metered within the caller's transaction.
func MeteredIn(tx *store.Tx) ([]Record, error) { return store.AllJSON[Record](recordsIn(tx)) }

func hourOf(t time.Time) time.Time { return t.UTC().Truncate(time.Hour) }

func (r Record) slot() string {
	way := "product"
	if r.ByLicence {
		way = "licence"
	}
	return strings.Join([]string{LicenceID(r.Licence), r.Dimension, hourOf(r.At).Format("2006-01-02T15"), way}, " ")
}

// meter stores the record. A record that is stored already succeeds with its id. Another
// quantity for the slot is a duplicate, and the first one stays.
func meter(tx *store.Tx, byLicence bool, l Licence, u usageRecord) (status, id string, err error) {
	r := Record{
		ID: wire.NewUUID(), Product: l.Product, Account: l.Account, Licence: l.ARN, Customer: l.Customer,
		Dimension: *u.Dimension, At: u.at(), Quantity: u.quantity(), Allocations: u.UsageAllocations,
		ByLicence: byLicence,
	}
	before, found, err := store.GetJSON[Record](recordsIn(tx), r.slot())
	switch {
	case err != nil:
		return "", "", err
	case found && before.Quantity == r.Quantity && sameAllocations(before.Allocations, r.Allocations):
		return success, before.ID, nil
	case found:
		return duplicate, "", nil
	}
	b := recordsIn(tx)
	return success, r.ID, store.PutJSON(b, r.slot(), r)
}

func sameAllocations(a, b []Allocation) bool {
	return slices.EqualFunc(a, b, func(a, b Allocation) bool {
		return *a.AllocatedUsageQuantity == *b.AllocatedUsageQuantity && slices.Equal(a.Tags, b.Tags)
	})
}
