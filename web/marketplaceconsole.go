package web

import (
	"cmp"

	"github.com/gatehouse-portal/gatehouse/catalog"
)

const (
	subscriptionsOfAWS = "https://console.aws.amazon.com/marketplace/home#/subscriptions"
	// paymentsOfAWS is where the owner of an AWS account changes how it pays.
	paymentsOfAWS = "https://console.aws.amazon.com/billing/home#/paymentpreferences"
)

// subscriptionsURL is where buyers manage their purchases.
func (m Marketplace) subscriptionsURL() string { return cmp.Or(m.Simulator, subscriptionsOfAWS) }

func (m Marketplace) atAWS() link { return link{"Your subscriptions at AWS", m.subscriptionsURL()} }

// paymentsURL is where buyers change how they pay.
func (m Marketplace) paymentsURL() string { return cmp.Or(m.Simulator, paymentsOfAWS) }

// listingURL is where people buy a plan, "" if that is not known, or AWS Marketplace does not sell it.
func (m Marketplace) listingURL(plan catalog.Plan) string {
	switch {
	case !plan.Marketplace:
		return ""
	case m.Simulator != "" || plan.Listing == nil:
		return m.Simulator
	}
	return plan.Listing.URL
}
