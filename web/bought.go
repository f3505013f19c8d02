package web

import (
	"cmp"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// boughtLine is a purchase and the subscription that it pays for.
type boughtLine struct {
	// Name is the plan's. ProductID and Product are "" if the reader's catalog does not have it, and Named says
	// that the plan's name contains the product's.
	Name, ProductID, Product string
	Named                    bool
	Buyer                    string
	// Licence is the whole name of the licence, Short the beginning of its id. Element is the id of its card.
	Licence, Short, Element string
	Badge                   badge
	// Text is "" if the badge, or a notice of the same page, says it already.
	Text string
	// Since is when the state began, if that is known.
	Since moment
	// Until says when the purchase ends unless it is renewed, nothing if that is not known.
	Until     phrase
	FreeTrial bool
	// Renewed leads to the card of the licence that renews this one, without a text if there is none.
	Renewed link
	// Next is what to do next, without a text if that is nothing. Others are what else can be done.
	Next    link
	Others  []link
	Metered metered
	// Held is the subscription, nil before AWS has confirmed the payment.
	Held *subscriptionLine
	// Busy says that workers are setting it up. Over says that it is ending or has ended.
	Busy, Over bool
}

// boughtList is a person's purchases: cards for those that they may still do something about, and lines for
// the others.
type boughtList struct {
	Cards, Past []boughtLine
	// Change is where purchases are changed and cancelled, without a text if all have ended.
	Change link
}

// bought joins each purchase with the subscription that it pays for. told are the licences whose state a notice
// of the page tells.
func (s *Web) bought(when times, account projections.Account, held map[portal.Stream]*subscriptionLine, all offers, told map[string]bool) (list boughtList) {
	over, shown := map[portal.ProductCode]bool{}, map[portal.PlanID]bool{}
	for _, l := range account.Purchases() {
		line := s.boughtLine(when, account, l, held[l.Stream], all)
		if told[string(l.Stream)] {
			line.Text = ""
		}
		past := line.Over && (account.Replaced(l) || over[l.Product])
		over[l.Product] = over[l.Product] || line.Over && l.Product != ""
		if past {
			list.Past = append(list.Past, line)
			continue
		}
		if line.Held != nil && shown[l.Plan] {
			once := *line.Held // the card above says the same
			once.Limits, once.Call = nil, firstCall{}
			line.Held = &once
		}
		shown[l.Plan] = shown[l.Plan] || line.Held != nil
		list.Cards = append(list.Cards, line)
		if !line.Over {
			list.Change = s.market.atAWS()
		}
	}
	return list
}

func (s *Web) boughtLine(when times, account projections.Account, l projections.Licence, held *subscriptionLine, all offers) boughtLine {
	line := boughtLine{
		Name: l.Name, Buyer: accountOfAWS(l.Buyer), Licence: string(l.Stream), Short: portal.ShortLicence(l.Stream), Element: purchaseElement(l.Stream), Over: l.Over(),
		Badge: licenceBadge(l), Text: account.TextOf(l), Since: when.moment(l.Since), FreeTrial: l.FreeTrial, Held: held,
	}
	offer, ok := all[l.Plan]
	if ok {
		line.Name, line.ProductID, line.Product = offer.Plan.Name, offer.Product.ID, offer.Product.Name
		line.Named = names(line.Name, line.Product)
	}
	by, renewed := account.Renewal(l)
	if renewed {
		line.Renewed = link{"licence " + portal.ShortLicence(by.Stream), "#" + purchaseElement(by.Stream)}
	}
	if l.State == projections.LicenceActive {
		line.setUp(l, renewed)
		if !l.Cancelled && !l.Until.IsZero() {
			line.Until = phrase{plain("It ends on "), when.at(l.Until), plain(unlessRenewed[renewed])}
		}
	}
	if line.Held != nil && line.Held.State != projections.SubscriptionActive {
		line.Held = nil // there is nothing to use
	}
	line.Next, line.Others = s.nextForBuyer(account, l, line, held, offer)
	return line
}

// unlessRenewed ends the sentence about when a purchase ends, for one that was renewed and for others.
var unlessRenewed = map[bool]string{false: " unless it is renewed.", true: "."}

func purchaseElement(licence portal.Stream) string {
	return "purchase-" + portal.DeriveID(string(licence))[:8]
}

// setUp says how far workers are with a purchase that AWS has confirmed. The views may show the licence before
// the subscription, and the other way round. The text about a renewal stays.
func (line *boughtLine) setUp(l projections.Licence, renewed bool) {
	sub := line.Held
	switch {
	case sub != nil && sub.Waiting != "":
		line.Badge, line.Text, line.Busy = sub.Badge, sub.Waiting, true
	case l.Cancelled:
	case sub != nil && sub.State == projections.SubscriptionActive && !moving(sub.Subscription):
		if !renewed {
			line.Text = "" // the badge says it
		}
	case sub != nil && sub.State == projections.SubscriptionEnded && sub.Subscription.Since.After(l.Since):
		line.Badge = badge{"bad", "cross", "Not working"}
		line.Text = "AWS bills this purchase, but its plan is no longer offered here. Tell the operator of this portal, or cancel it at AWS."
	case sub != nil && sub.Other != "":
		line.Badge, line.Busy = badge{"busy", "clock", "Changing"}, true
		line.Text = "Your keys are moving from " + sub.Other + ". There is nothing you need to do."
	default:
		line.Badge, line.Busy = badge{"busy", "clock", "Being set up"}, true
		line.Text = "AWS Marketplace has confirmed the payment, and your key is being set up. There is nothing you need to do."
	}
}

// nextForBuyer returns what the owner of a purchase does next, and what else they can do.
func (s *Web) nextForBuyer(account projections.Account, l projections.Licence, line boughtLine, held *subscriptionLine, offer offered) (next link, others []link) {
	var follow link
	if l.Operation != "" {
		follow = link{"Follow it step by step", escapedPath("operations", l.Operation)}
	} else if held != nil && held.Follow != "" && line.Busy {
		follow = link{"Follow it step by step", escapedPath("operations", held.Follow)}
	}
	payment := link{"Payment methods at AWS", s.market.paymentsURL()}
	again := link{"Buy it again at AWS", cmp.Or(s.market.listingURL(offer.Plan), s.market.subscriptionsURL())}
	switch {
	case l.Awaited(), line.Busy:
		return follow, nil
	case line.Renewed.Text != "" && line.Held != nil:
		return toRenewal(line), []link{keyOf(account, l.Stream)}
	case line.Renewed.Text != "":
		return toRenewal(line), nil
	case account.Replaced(l) && (l.Cancelled || line.Over):
		return link{}, nil
	case l.NotBegun:
		return payment, []link{again}
	case l.State == projections.LicenceFailed:
		if follow.Href != "" {
			others = []link{follow}
		}
		return payment, others
	case l.State == projections.LicenceActive && !l.Cancelled:
		if line.Held == nil {
			return link{}, nil
		}
		return keyOf(account, l.Stream), nil
	}
	return again, nil
}

func toRenewal(line boughtLine) link { return link{"Go to the new purchase", line.Renewed.Href} }

// keyOf leads to the key of a purchase on the dashboard, or to the keys if it has none that works, or several.
func keyOf(account projections.Account, licence portal.Stream) link {
	next, n := link{"Create a key for it", keysPath}, 0
	for _, key := range account.Keys {
		if key.Ring == portal.LicenceRing(licence) && key.State != projections.KeyEnding && key.State != projections.KeyEnded {
			next, n = link{"Use its key", "#key-" + string(key.ID)}, n+1
		}
	}
	if n > 1 {
		return link{"Use its keys", "#keys"}
	}
	return next
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
