package marketplace

import (
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/metering"
	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// Bill is one metered record that AWS would charge the buyer for.
type Bill struct {
	// ID is the metering record's id, as BatchMeterUsage returned it.
	ID          string    `json:"id"`
	Product     string    `json:"product"`
	Account     string    `json:"account"`
	Customer    string    `json:"customer,omitempty"`
	Licence     string    `json:"licence"` // its id
	Dimension   string    `json:"dimension"`
	Hour        time.Time `json:"hour"`
	Quantity    int64     `json:"quantity"`
	Allocations int       `json:"allocations,omitempty"` // how many
	// ByLicence means that the record named the licence, and not the product code.
	ByLicence bool `json:"byLicence"`
	// Double means that the same hour was metered in both ways, which AWS charges twice.
	Double bool `json:"double"`
}

// Billed lists what AWS would charge for, by licence, dimension and hour.
func (s *Service) Billed() ([]Bill, error) {
	var records []metering.Record
	err := s.env.DB.View(func(tx *store.Tx) (err error) {
		records, err = metering.MeteredIn(tx)
		return err
	})
	bills := make([]Bill, len(records))
	ways := map[Bill]int{}
	for i, r := range records {
		bills[i] = Bill{
			ID: r.ID, Product: r.Product, Account: r.Account, Customer: r.Customer, Licence: metering.LicenceID(r.Licence),
			Dimension: r.Dimension, Hour: r.At.UTC().Truncate(time.Hour), Quantity: r.Quantity,
			Allocations: len(r.Allocations), ByLicence: r.ByLicence,
		}
		ways[bills[i].slot()]++
	}
	for i := range bills {
		bills[i].Double = ways[bills[i].slot()] > 1
	}
	return bills, err
}

// slot is what AWS charges once.
func (b Bill) slot() Bill { return Bill{Licence: b.Licence, Dimension: b.Dimension, Hour: b.Hour} }
