package marketplace

import "github.com/gatehouse-portal/gatehouse/localaws/metering"

// Rename makes AWS write the licence's ARN in another way from now on, and take usage under that ARN only. The
// licence's id stays, and AWS sends no notice. A second call changes nothing.
func (s *Service) Rename(agreement string) (Purchase, error) {
	return s.step(agreement, func(d *draft, _ Product, p *Purchase) error {
		p.LicenceARN = "arn:aws:license-manager:us-east-1:" + d.env.Seller + ":license:" + p.Licence
		p.Updated = d.now
		arn := p.LicenceARN
		d.licence(p.Licence, func(l *metering.Licence) { l.ARN = arn })
		d.put(*p)
		return nil
	})
}
