package web

import (
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

type boughtLine struct {
	Name  string
	Buyer string
	// Licence is the whole name of the licence, Short the beginning of its id.
	Licence, Short string
	Badge          badge
	Text           string
	// Since is when the state began, if that is known.
	Since moment
	// Until says when the purchase ends unless it is renewed, nothing if that is not known.
	Until     phrase
	FreeTrial bool
	// Links are what to do next, the most useful first.
	Links   []link
	Metered metered
}

// paymentsOfAWS is where the owner of an AWS account changes how it pays.
const paymentsOfAWS = "https://console.aws.amazon.com/billing/home#/paymentpreferences"

func (when times) bought(licences []projections.Licence, all offers) []boughtLine {
	var lines []boughtLine
	for _, l := range licences {
		line := boughtLine{
			Name: l.Name, Buyer: accountOfAWS(l.Buyer), Licence: string(l.Stream), Short: portal.ShortLicence(l.Stream), Badge: licenceBadge(l), Text: l.Text(),
			Since: when.moment(l.Since), FreeTrial: l.FreeTrial, Links: nextForBuyer(l, all[l.Plan].Plan.Listing),
		}
		if l.State == projections.LicenceActive && !l.Cancelled && !l.Until.IsZero() {
			line.Until = phrase{plain("It ends on "), when.at(l.Until), plain(" unless it is renewed.")}
		}
		lines = append(lines, line)
	}
	return lines
}

// nextForBuyer lists what the owner of a purchase can do. The listing is nil if the plan is no longer sold.
func nextForBuyer(l projections.Licence, listing *catalog.Listing) []link {
	again := link{"Buy it again at AWS", subscriptionsOfAWS}
	if listing != nil && listing.URL != "" {
		again.Href = listing.URL
	}
	var links []link
	if l.Operation != "" {
		links = append(links, link{"Follow it step by step", escapedPath("operations", l.Operation)})
	}
	payment := link{"Payment methods at AWS", paymentsOfAWS}
	switch {
	case l.Awaited():
	case l.NotBegun:
		return append([]link{payment, again}, links...)
	case l.State == projections.LicenceFailed:
		links = append([]link{payment}, links...)
	case l.State == projections.LicenceActive && !l.Cancelled:
		links = append(links, link{"Your keys", "#keys"})
	default:
		return append([]link{again}, links...)
	}
	return append(links, subscriptionsAtAWS)
}

// payer tells apart the purchases that pay for the keys of rings: "licence l-0123456789…, AWS account
// 1111-2222-3333". It is "" for other rings.
func payer(account projections.Account, ring portal.Ring) string {
	stream, ok := ring.Licence()
	if !ok {
		return ""
	}
	text := "licence " + portal.ShortLicence(stream)
	for _, l := range account.Licences {
		if l.Stream == stream && l.Buyer != "" {
			text += ", AWS account " + accountOfAWS(l.Buyer)
		}
	}
	return text
}

func licenceBadge(l projections.Licence) badge {
	switch {
	case l.Awaited():
		return badge{"warn", "pause", "Waiting for AWS"}
	case l.NotBegun, l.State == projections.LicenceFailed:
		return badge{"bad", "cross", "Payment failed"}
	}
	switch l.State {
	case projections.LicenceActive:
		if l.Cancelled {
			return badge{"warn", "clock", "Cancelled"}
		}
		return badge{"ok", "check", "Active"}
	case projections.LicenceEnding:
		return badge{"busy", "clock", "Ending"}
	}
	return badge{"quiet", "minus", "Ended"}
}
