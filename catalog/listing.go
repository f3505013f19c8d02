package catalog

import (
	"slices"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Listing is how a plan is sold on AWS Marketplace.
type Listing struct {
	Product portal.ProductCode `json:"product"`
	URL     string             `json:"url,omitempty"`
	// Dimensions are the contract dimensions for this plan, if the listing sells several
	// plans.
	Dimensions []string `json:"dimensions,omitempty"`
	Meter      string   `json:"meter"`
	// MeterDimension is for MeterPortal, else "".
	MeterDimension string `json:"meter_dimension,omitempty"`
	// MeterIdle: the portal also meters hours without usage.
	MeterIdle bool `json:"meter_idle,omitempty"`
	// Notices is "sns" or NoticesByEvent, or "" if it follows from what AWS says about a purchase.
	Notices string `json:"notices,omitempty"`
}

// NoticesByEvent are notices of a listing that AWS has made since June 2026.
const NoticesByEvent = "eventbridge"

// Values of Listing.Meter.
const (
	// MeterNone: AWS Marketplace bills contracts only.
	MeterNone = "none"
	// MeterPortal: the portal meters the requests that API Gateway counts.
	MeterPortal = "portal"
	// MeterGateway: API Gateway meters requests, since the usage plan has the product code.
	MeterGateway = "api-gateway"
)

// SoldAs returns the plans that a listing sells, with their products, in the document's order.
func (d Document) SoldAs(code portal.ProductCode) (plans []Plan, products []Product) {
	for _, product := range d.Products {
		for _, plan := range product.Plans {
			if plan.Listing != nil && plan.Listing.Product == code {
				plans, products = append(plans, plan), append(products, product)
			}
		}
	}
	return plans, products
}

// Buys returns the plan that contract dimensions buy: the first plan that names one of them. A listing that
// sells one plan, and names no dimensions, needs none. ok is false if no plan is bought.
func Buys(plans []Plan, dimensions []string) (plan Plan, ok bool) {
	for _, plan := range plans {
		if slices.ContainsFunc(plan.Listing.Dimensions, func(d string) bool { return slices.Contains(dimensions, d) }) {
			return plan, true
		}
	}
	if len(plans) == 1 && len(plans[0].Listing.Dimensions) == 0 {
		return plans[0], true
	}
	return Plan{}, false
}

// ByDimensions reports whether contract dimensions say which of the plans was bought.
func ByDimensions(plans []Plan) bool {
	return slices.ContainsFunc(plans, func(p Plan) bool { return len(p.Listing.Dimensions) > 0 })
}

// listing completes how a plan is sold: by its product folder, else by the usage plan's
// product code. API Gateway meters a plan with a product code, so the portal does not.
func (a *assembler) listing(plan *Plan, code string, c claim) {
	switch from := c.plan.Listing; {
	case from != nil:
		copied := *from
		plan.Listing = &copied
		a.checkListing(*plan, code, c)
		if code != "" && copied.Meter == MeterPortal {
			copied.Meter, copied.MeterDimension, copied.MeterIdle = MeterGateway, "", false
		}
	case code != "":
		plan.Listing = &Listing{Product: portal.ProductCode(code), Meter: MeterGateway}
	}
	plan.Marketplace = plan.Listing != nil
}

func (a *assembler) checkListing(plan Plan, code string, c claim) {
	l := plan.Listing
	switch {
	case code != "" && code != string(l.Product):
		a.warn(c.by, c.line, "The usage plan %s has the product code %q in API Gateway, and marketplace says %q. Correct one of them.", plan.ID, code, l.Product)
	case l.Meter == MeterGateway && code == "":
		a.warn(c.by, c.line, "The usage plan %s has no product code in API Gateway, so API Gateway meters nothing. Set the product code %s there, or choose another meter.", plan.ID, l.Product)
	case l.Meter == MeterPortal && code != "":
		a.warn(c.by, c.line, "The usage plan %s has a product code in API Gateway, which meters it, so Gatehouse does not. Remove the product code there, or write \"meter: api-gateway\".", plan.ID)
	}
}
