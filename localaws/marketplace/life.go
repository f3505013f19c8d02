package marketplace

import (
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/metering"
	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

const catalogName = "AWSMarketplace"

// Subscribe makes an agreement and a licence, and returns them with a registration token. A
// new listing sends Purchase Agreement Created; an old one sends nothing before the payment.
func (s *Service) Subscribe(o Order) (p Purchase, err error) {
	if o.Account == "" {
		o.Account = newAccount()
	}
	err = s.change(func(d *draft) error {
		product, found, err := store.GetJSON[Product](productsIn(d.tx), o.Product)
		if err != nil {
			return err
		}
		if !found {
			return notFound("there is no product %s", o.Product)
		}
		if err := o.check(product, d.now); err != nil {
			return err
		}
		p = d.purchase(product, o)
		d.issue(&p)
		if product.Kind == EventBridge {
			if err := d.agreementEvent(p, AgreementCreated, "NEW"); err != nil {
				return err
			}
		}
		if o.Paid {
			return d.provision(product, &p)
		}
		d.put(p)
		return nil
	})
	return p, err
}

// purchase also writes the new licence, which is not active yet.
func (d *draft) purchase(product Product, o Order) Purchase {
	p := Purchase{
		Agreement: "agmt-" + newCode(25), Product: product.Code, Account: o.Account, Offer: o.Offer,
		Licence: "l-" + wire.NewID(32), FreeTrial: o.FreeTrial, Status: Active, Entitlement: Pending,
		Accepted: d.now, Start: o.startAt(d.now).UTC(), End: o.End, Updated: d.now, Quantities: o.Quantities,
	}
	p.Initial, p.LicenceARN = p.Agreement, d.Meters.LicenceARN(p.Licence)
	if p.Offer == "" {
		p.Offer = "offer-" + newCode(13)
	}
	if product.Kind == SNS {
		p.Customer = customerOf(p.Product, p.Account)
	}
	if len(p.Quantities) > 0 && p.End.IsZero() {
		p.End = p.Start.AddDate(1, 0, 0)
	}
	if p.Start.After(d.now) {
		p.Entitlement = Scheduled
	}
	d.write(func(tx *store.Tx) error { return metering.Put(tx, p.metered()) })
	return p
}

func (p Purchase) metered() metering.Licence {
	return metering.Licence{ARN: p.LicenceARN, Product: p.Product, Account: p.Account, Customer: p.Customer}
}

// issue puts a new registration token into the purchase.
func (d *draft) issue(p *Purchase) {
	licence := p.metered()
	d.write(func(tx *store.Tx) (err error) {
		p.Token, err = metering.Issue(tx, licence, d.now)
		return err
	})
}

// provision makes the licence active and tells the seller.
func (d *draft) provision(product Product, p *Purchase) error {
	p.Entitlement = Provisioned
	d.touchedByEntitlement(p)
	now := d.now
	d.licence(p.Licence, func(l *metering.Licence) { l.Started, l.Ended = now, time.Time{} })
	d.put(*p)
	if product.Kind == EventBridge {
		return d.licenceEvent(product, *p, LicenceUpdated)
	}
	d.message(product, *p, SubscribeSuccess)
	d.tellContract(product, *p)
	return nil
}

// tellContract sends entitlement-updated for a product with contracts.
func (d *draft) tellContract(product Product, p Purchase) {
	if len(product.ContractDimensions) > 0 {
		d.message(product, p, EntitlementUpdated)
	}
}

// touchedByEntitlement updates the agreement's time, unless the settings keep it.
func (d *draft) touchedByEntitlement(p *Purchase) {
	if !d.settings.QuietEntitlements {
		p.Updated = d.now
	}
}

func (s *Service) step(agreement string, fn func(*draft, Product, *Purchase) error) (p Purchase, err error) {
	err = s.change(func(d *draft) error {
		if p, err = purchaseIn(d.tx, agreement); err != nil {
			return err
		}
		product, _, err := store.GetJSON[Product](productsIn(d.tx), p.Product)
		if err != nil {
			return err
		}
		return fn(d, product, &p)
	})
	return p, err
}

// IssueToken returns the purchase with another registration token, as when the buyer follows
// the link to the seller again.
func (s *Service) IssueToken(agreement string) (Purchase, error) {
	return s.step(agreement, func(d *draft, _ Product, p *Purchase) error {
		d.issue(p)
		return nil
	})
}

// Start makes a future-dated agreement start now.
func (s *Service) Start(agreement string) (Purchase, error) {
	return s.step(agreement, func(d *draft, _ Product, p *Purchase) error {
		if p.Entitlement != Scheduled {
			return conflict("agreement %s has started", agreement)
		}
		p.Start, p.Entitlement = d.now, Pending
		d.touchedByEntitlement(p)
		d.put(*p)
		return nil
	})
}

// awaitsPayment refuses a purchase that AWS would not charge for now.
func (d *draft) awaitsPayment(p *Purchase) error {
	switch {
	case p.Status != Active:
		return conflict("agreement %s is %s", p.Agreement, p.Status)
	case p.Entitlement == Scheduled && p.Start.After(d.now):
		return conflict("agreement %s starts at %s; start it first", p.Agreement, stamp(p.Start))
	case p.Entitlement != Pending && p.Entitlement != Scheduled:
		return conflict("the entitlement of agreement %s is %s", p.Agreement, p.Entitlement)
	}
	return nil
}

// Pay makes the payment succeed: License Updated, or subscribe-success.
func (s *Service) Pay(agreement string) (Purchase, error) {
	return s.step(agreement, func(d *draft, product Product, p *Purchase) error {
		if err := d.awaitsPayment(p); err != nil {
			return err
		}
		return d.provision(product, p)
	})
}

// FailPayment makes the payment fail: Purchase Agreement Ended with the status TERMINATED, or
// subscribe-fail.
func (s *Service) FailPayment(agreement string) (Purchase, error) {
	return s.step(agreement, func(d *draft, product Product, p *Purchase) error {
		if err := d.awaitsPayment(p); err != nil {
			return err
		}
		p.Status, p.Entitlement, p.Updated = Terminated, Failed, d.now
		d.put(*p)
		if product.Kind == EventBridge {
			return d.agreementEvent(*p, AgreementEnded, "")
		}
		d.message(product, *p, SubscribeFail)
		return nil
	})
}

// Amendment is a change of an agreement.
type Amendment struct {
	// Quantities replace those of the agreement, unless they are nil.
	Quantities map[string]int `json:"quantities,omitempty"`
	// Offer is a new offer that the buyer has accepted, or empty.
	Offer string    `json:"offer,omitempty"`
	End   time.Time `json:"end,omitzero"`
}

// Amend changes an agreement: Purchase Agreement Amended, and License Updated if the licence
// is active; or entitlement-updated for a contract, and subscribe-success for a new offer.
func (s *Service) Amend(agreement string, a Amendment) (Purchase, error) {
	return s.step(agreement, func(d *draft, product Product, p *Purchase) error {
		if p.Status != Active {
			return conflict("agreement %s is %s", agreement, p.Status)
		}
		if err := checkQuantities(product, a.Quantities); err != nil {
			return err
		}
		if !a.End.IsZero() && !a.End.After(d.now) {
			return badRequest("an agreement must end later than now")
		}
		p.amend(a)
		p.Updated = d.now
		d.put(*p)
		if product.Kind == EventBridge {
			if err := d.agreementEvent(*p, AgreementAmended, "AMEND"); err != nil || !p.provisioned() {
				return err
			}
			return d.licenceEvent(product, *p, LicenceUpdated)
		}
		if p.provisioned() && a.Offer != "" {
			d.message(product, *p, SubscribeSuccess)
		}
		if p.provisioned() {
			d.tellContract(product, *p)
		}
		return nil
	})
}

func (p *Purchase) amend(a Amendment) {
	if a.Quantities != nil {
		p.Quantities = a.Quantities
	}
	if a.Offer != "" {
		p.Offer = a.Offer
	}
	if !a.End.IsZero() {
		p.End = a.End
	}
}
