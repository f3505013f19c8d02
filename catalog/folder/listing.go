package folder

import (
	"strconv"

	"github.com/gatehouse-portal/gatehouse/catalog"
)

func (p *product) checkListing(plan planSpec, where []string) {
	l := plan.Marketplace
	if l == nil {
		return
	}
	within := child(where, "marketplace")
	switch {
	case l.Meter == catalog.MeterPortal && l.MeterDimension == "":
		p.fail(child(within, "meter"), "\"meter: portal\" needs the dimension in which AWS Marketplace bills requests. Add it, such as \"meter_dimension: requests\".")
	case l.Meter != catalog.MeterPortal && l.MeterDimension != "":
		p.fail(child(within, "meter_dimension"), "meter_dimension is for plans that Gatehouse meters. Write \"meter: portal\", or remove it.")
	case l.Meter != catalog.MeterPortal && l.MeterIdle:
		p.fail(child(within, "meter_idle"), "meter_idle is for plans that Gatehouse meters. Write \"meter: portal\", or remove it.")
	}
	if l.Meter == catalog.MeterGateway && l.Notices == catalog.NoticesByEvent {
		p.fail(child(within, "meter"), "API Gateway cannot meter a listing that announces purchases by events: it bills the customer identifier of a buyer, and buyers of such a listing have none. Write \"meter: portal\".")
	}
	if plan.Approval == catalog.ApprovalManual {
		p.fail(child(where, "approval"), "A plan that is sold on AWS Marketplace cannot wait for approval, since its buyers pay already. Remove approval or marketplace.")
	}
}

// checkListings finds listings that sell several plans without dimensions that tell which.
func checkListings(products []*product) {
	type sold struct {
		product *product
		plan    planSpec
	}
	first := map[string]sold{}
	for _, p := range products {
		if p.broken {
			continue
		}
		for i, plan := range p.spec.Plans {
			l := plan.Marketplace
			if l == nil {
				continue
			}
			at := at("plans", strconv.Itoa(i), "marketplace")
			code := string(l.ProductCode)
			before, several := first[code]
			switch {
			case !several:
				first[code] = sold{p, plan}
			case len(l.Dimensions) == 0 || len(before.plan.Marketplace.Dimensions) == 0:
				p.fail(child(at, "product_code"), "Another plan in %s has this product code, too. Give both plans the dimensions that buy them.", before.product.file)
			}
			for n, dimension := range l.Dimensions {
				key := code + "\x00" + dimension
				if other, taken := first[key]; taken {
					p.fail(child(child(at, "dimensions"), strconv.Itoa(n)), "The dimension %s buys another plan in %s already. Name it for one plan only.", clip(dimension), other.product.file)
				}
				first[key] = sold{p, plan}
			}
		}
	}
}
