package marketplace

import (
	"regexp"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// Statuses of an agreement.
const (
	Active     = "ACTIVE"
	Cancelled  = "CANCELLED"
	Expired    = "EXPIRED"
	Renewed    = "RENEWED"
	Replaced   = "REPLACED"
	Terminated = "TERMINATED"
)

// Statuses of an entitlement.
const (
	Pending       = "PENDING"
	Scheduled     = "SCHEDULED"
	Provisioned   = "PROVISIONED"
	Failed        = "FAILED"
	Deprovisioned = "DEPROVISIONED"
)

// reasons are the codes of those statuses, for a reader of the Agreement API.
var reasons = map[string]string{
	Pending: "PROVISIONING_IN_PROGRESS", Scheduled: "FUTURE_START_DATE", Provisioned: "AGREEMENT_ACTIVE",
	Failed: "INVALID_PAYMENT_INSTRUMENT", Deprovisioned: "AGREEMENT_INACTIVE",
}

// Purchase is an agreement with its licence.
type Purchase struct {
	// Agreement is the agreement's id. Initial is that of the first agreement in the chain of
	// renewals, and Previous that of the one before, if there is one.
	Agreement string `json:"agreement"`
	Initial   string `json:"initial"`
	Previous  string `json:"previous,omitempty"`
	Product   string `json:"product"` // its code
	Account   string `json:"account"` // the buyer's
	// Customer is the customer identifier, only for old listings.
	Customer string `json:"customer,omitempty"`
	Offer    string `json:"offer"`
	// Licence is the licence's id. LicenceARN is as ResolveCustomer answers it.
	Licence    string `json:"licence"`
	LicenceARN string `json:"licenceArn"`
	FreeTrial  bool   `json:"freeTrial,omitempty"`
	// Status is the agreement's, and Entitlement that of its entitlement.
	Status      string `json:"status"`
	Entitlement string `json:"entitlement"`
	// Cancelling means that AWS has sent unsubscribe-pending, and not yet unsubscribe-success.
	Cancelling bool      `json:"cancelling,omitempty"`
	Accepted   time.Time `json:"accepted"`
	Start      time.Time `json:"start"`
	// End is zero for an agreement without an end.
	End     time.Time `json:"end,omitzero"`
	Updated time.Time `json:"updated"`
	// Quantities are what was bought in each contract dimension.
	Quantities map[string]int `json:"quantities,omitempty"`
	// Token is a registration token. It is only in the answers that issue one.
	Token string `json:"token,omitempty"`
}

// provisioned means that AWS says that the buyer may use the product.
func (p Purchase) provisioned() bool { return p.Entitlement == Provisioned }

// Order is what a buyer orders.
type Order struct {
	Product string `json:"product"`
	// Account is the buyer's; empty means a new one.
	Account    string         `json:"account,omitempty"`
	Quantities map[string]int `json:"quantities,omitempty"`
	// Offer is made up if it is empty.
	Offer     string `json:"offer,omitempty"`
	FreeTrial bool   `json:"freeTrial,omitempty"`
	// Start is zero, or later than now for a future-dated agreement.
	Start time.Time `json:"start,omitzero"`
	// End is zero for no end; a contract then ends after a year.
	End time.Time `json:"end,omitzero"`
	// Paid means that the payment succeeds at once.
	Paid bool `json:"paid,omitempty"`
}

var accountForm = regexp.MustCompile(`^[0-9]{12}$`)

func (o Order) check(product Product, now time.Time) error {
	switch {
	case !accountForm.MatchString(o.Account):
		return badRequest("an AWS account id has 12 digits")
	case !o.Start.IsZero() && !o.Start.After(now):
		return badRequest("an agreement must not start in the past; leave the start out to start now")
	case !o.End.IsZero() && !o.End.After(o.startAt(now)):
		return badRequest("an agreement must end after it starts")
	case o.Paid && o.Start.After(now):
		return badRequest("a future-dated agreement is paid for when it starts")
	}
	return checkQuantities(product, o.Quantities)
}

func (o Order) startAt(now time.Time) time.Time {
	if o.Start.IsZero() {
		return now
	}
	return o.Start
}

func checkQuantities(product Product, quantities map[string]int) error {
	for dimension, n := range quantities {
		if !slices.Contains(product.ContractDimensions, dimension) {
			return badRequest("product %s has no contract dimension %s", product.Code, dimension)
		}
		if n < 1 {
			return badRequest("the quantity of %s must be positive", dimension)
		}
	}
	return nil
}

// Find returns the purchase with that agreement.
func (s *Service) Find(agreement string) (p Purchase, err error) {
	err = s.env.DB.View(func(tx *store.Tx) (err error) {
		p, err = purchaseIn(tx, agreement)
		return err
	})
	return p, err
}

func purchaseIn(tx *store.Tx, agreement string) (Purchase, error) {
	p, found, err := store.GetJSON[Purchase](purchasesIn(tx), agreement)
	if err == nil && !found {
		err = notFound("there is no agreement %s", agreement)
	}
	return p, err
}

// Purchases lists purchases by agreement id.
func (s *Service) Purchases() (all []Purchase, err error) {
	err = s.env.DB.View(func(tx *store.Tx) (err error) {
		all, err = store.AllJSON[Purchase](purchasesIn(tx))
		return err
	})
	return all, err
}
