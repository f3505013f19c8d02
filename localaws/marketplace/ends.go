package marketplace

import (
	"maps"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/metering"
)

// closeMetering sets when metering ends.
func (d *draft) closeMetering(p *Purchase, at time.Time) {
	d.licence(p.Licence, func(l *metering.Licence) { l.Ended = at })
}

// Cancel is the buyer's: Purchase Agreement Ended with the status CANCELLED, or
// unsubscribe-pending.
func (s *Service) Cancel(agreement string) (Purchase, error) {
	return s.step(agreement, func(d *draft, product Product, p *Purchase) error {
		if p.Status != Active || p.Cancelling {
			return conflict("agreement %s has ended or is being cancelled", agreement)
		}
		if product.Kind == EventBridge {
			return d.end(p, Cancelled)
		}
		d.pend(product, p)
		d.put(*p)
		return nil
	})
}

// pend opens the window for the last usage of an old listing.
func (d *draft) pend(product Product, p *Purchase) {
	p.Cancelling, p.Updated = true, d.now
	d.closeMetering(p, d.now.Add(d.settings.window()))
	d.message(product, *p, UnsubscribePending)
}

var endings = []string{Cancelled, Expired, Terminated, Replaced}

// Ending says how an agreement ends.
type Ending struct {
	// Status is EXPIRED if it is empty.
	Status string `json:"status,omitempty"`
}

// End ends an agreement: Purchase Agreement Ended; or unsubscribe-success, with
// unsubscribe-pending before it unless that was sent, and entitlement-updated for a
// contract.
func (s *Service) End(agreement string, e Ending) (Purchase, error) {
	return s.step(agreement, func(d *draft, product Product, p *Purchase) error {
		if e.Status == "" {
			e.Status = Expired
			if p.Cancelling {
				e.Status = Cancelled
			}
		}
		if !slices.Contains(endings, e.Status) {
			return badRequest("an agreement ends with one of the statuses %v", endings)
		}
		if p.Status != Active {
			return conflict("agreement %s is %s", agreement, p.Status)
		}
		if product.Kind == EventBridge {
			return d.end(p, e.Status)
		}
		d.unsubscribe(product, p, e.Status)
		return nil
	})
}

// end ends an agreement of a new listing. Its licence lives on until it is deprovisioned.
func (d *draft) end(p *Purchase, status string) error {
	p.Status, p.Updated = status, d.now
	if !p.provisioned() {
		p.Entitlement = Failed
	}
	d.put(*p)
	return d.tellEnd(p)
}

// tellEnd also opens the window for the last usage, if the settings say so.
func (d *draft) tellEnd(p *Purchase) error {
	if d.settings.WindowOpenedBy == ByEnded {
		d.closeMetering(p, d.now.Add(d.settings.window()))
	}
	return d.agreementEvent(*p, AgreementEnded, "")
}

func (d *draft) unsubscribe(product Product, p *Purchase, status string) {
	if !p.Cancelling && p.provisioned() {
		d.pend(product, p)
	}
	p.Status, p.Cancelling, p.Updated = status, false, d.now
	if p.provisioned() {
		p.Entitlement = Deprovisioned
	} else {
		p.Entitlement = Failed
	}
	d.closeMetering(p, d.now)
	d.put(*p)
	d.message(product, *p, UnsubscribeSuccess)
	d.tellContract(product, *p)
}

// Deprovision takes the licence of an ended agreement away: License Deprovisioned. Only new
// listings have this notice.
func (s *Service) Deprovision(agreement string) (Purchase, error) {
	return s.step(agreement, func(d *draft, product Product, p *Purchase) error {
		switch {
		case product.Kind == SNS:
			return conflict("licences of old listings are not deprovisioned; end the agreement")
		case p.Status == Active:
			return conflict("agreement %s is active; end it first", agreement)
		case !p.provisioned():
			return conflict("the entitlement of agreement %s is %s", agreement, p.Entitlement)
		}
		p.Entitlement = Deprovisioned
		d.touchedByEntitlement(p)
		if d.settings.WindowOpenedBy == ByEnded {
			d.closeMetering(p, d.now)
		} else {
			d.closeMetering(p, d.now.Add(d.settings.window()))
		}
		d.put(*p)
		return d.licenceEvent(product, *p, LicenceDeprovisioned)
	})
}

// Renewal says how an agreement is renewed.
type Renewal struct {
	// End is that of the new agreement; zero means as long as the old one.
	End time.Time `json:"end,omitzero"`
	// KeepLicence means that the new agreement has the licence of the old one. That of an old
	// listing always has.
	KeepLicence bool `json:"keepLicence,omitempty"`
}

// Renew makes a new agreement of an active one, and returns it: Purchase Agreement Created
// with the intent RENEW, License Updated, and Purchase Agreement Ended with the status
// RENEWED for the old one; or entitlement-updated for a contract.
func (s *Service) Renew(agreement string, r Renewal) (renewed Purchase, err error) {
	_, err = s.step(agreement, func(d *draft, product Product, p *Purchase) error {
		if p.Status != Active || !p.provisioned() || p.Cancelling {
			return conflict("agreement %s is not active and paid for", agreement)
		}
		if !r.End.IsZero() && !r.End.After(d.now) {
			return badRequest("an agreement must end later than now")
		}
		renewed = d.renewal(product, *p, r)
		p.Status, p.Updated = Renewed, d.now
		if product.Kind == SNS || r.KeepLicence {
			p.Entitlement = Deprovisioned // it is the new agreement's now
		}
		d.put(*p)
		d.put(renewed)
		if product.Kind == SNS {
			d.tellContract(product, renewed)
			return nil
		}
		if err := d.agreementEvent(renewed, AgreementCreated, "RENEW"); err != nil {
			return err
		}
		if err := d.licenceEvent(product, renewed, LicenceUpdated); err != nil {
			return err
		}
		if r.KeepLicence {
			return d.agreementEvent(*p, AgreementEnded, "")
		}
		return d.tellEnd(p)
	})
	return renewed, err
}

func (d *draft) renewal(product Product, p Purchase, r Renewal) Purchase {
	o := Order{Product: p.Product, Account: p.Account, Offer: p.Offer, Quantities: maps.Clone(p.Quantities), End: r.End}
	if o.End.IsZero() && !p.End.IsZero() {
		o.End = d.now.Add(p.End.Sub(p.Start))
	}
	keep := product.Kind == SNS || r.KeepLicence
	writes := d.writes
	renewed := d.purchase(product, o)
	if keep {
		d.writes = writes // no licence of its own
		renewed.Licence, renewed.LicenceARN = p.Licence, p.LicenceARN
	} else {
		now := d.now
		d.licence(renewed.Licence, func(l *metering.Licence) { l.Started = now })
	}
	renewed.Initial, renewed.Previous, renewed.Entitlement = p.Initial, p.Agreement, Provisioned
	return renewed
}

// Resubscribe makes a cancelled buyer return at once, and returns the new purchase. An old
// listing sends subscribe-success instead of the unsubscribe-success that was due. A new
// listing has another agreement beside the old one.
func (s *Service) Resubscribe(agreement string) (again Purchase, err error) {
	_, err = s.step(agreement, func(d *draft, product Product, p *Purchase) error {
		if !p.Cancelling && p.Status == Active {
			return conflict("agreement %s is active; cancel it first", agreement)
		}
		o := Order{Product: p.Product, Account: p.Account, Offer: p.Offer, Quantities: maps.Clone(p.Quantities)}
		again = d.purchase(product, o)
		d.issue(&again)
		if p.Cancelling {
			p.Status, p.Cancelling, p.Entitlement, p.Updated = Cancelled, false, Deprovisioned, d.now
			d.closeMetering(p, d.now)
			d.put(*p)
		}
		if product.Kind == EventBridge {
			if err := d.agreementEvent(again, AgreementCreated, "NEW"); err != nil {
				return err
			}
		}
		return d.provision(product, &again)
	})
	return again, err
}
