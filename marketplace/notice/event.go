package notice

import (
	"strings"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/marketplace"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// EventSource is the source of AWS Marketplace's events. Only AWS can send events whose source
// begins with "aws." (EventBridge API Reference, PutEvents).
const EventSource = "aws.agreement-marketplace"

// TestSource is the source of test events, which the seller's account puts on its event bus itself.
// TestType is their detail-type.
const (
	TestSource = "gatehouse.marketplace-test"
	TestType   = "Gatehouse Test Notice"
)

// TestAction is the action of a test in the form of a topic's message.
const TestAction = "gatehouse-test"

// TypesOfEvents lists the detail-types of events that Parse understands, as AWS writes them.
func TypesOfEvents() []string {
	var all []string
	for _, what := range []string{"Purchase Agreement Created", "Purchase Agreement Amended", "Purchase Agreement Ended"} {
		all = append(all, what+" - Proposer", what+" - Manufacturer")
	}
	return append(all, "License Updated - Manufacturer", "License Deprovisioned - Manufacturer")
}

func (o object) isEvent() bool {
	_, detail := o["detail"]
	return detail && o.text("detailtype") != "" && o.text("source") != ""
}

// detailTypes are the beginnings of detail-types. They end with the seller's part, " - Proposer" or
// " - Manufacturer" (Marketplace Seller Guide, "Amazon EventBridge notifications").
var detailTypes = map[string]events.NoticeKind{
	"purchase agreement created": events.NoticeAgreementCreated,
	"purchase agreement amended": events.NoticeAgreementAmended,
	"purchase agreement ended":   events.NoticeAgreementEnded,
	"license updated":            events.NoticeLicenceUpdated,
	"license deprovisioned":      events.NoticeDeprovisioned,
}

func aboutLicence(kind events.NoticeKind) bool {
	return kind == events.NoticeLicenceUpdated || kind == events.NoticeDeprovisioned
}

// isAgreement: AWS names no licence in notices about agreements.
func isAgreement(kind events.NoticeKind) bool {
	return kind == events.NoticeAgreementCreated || kind == events.NoticeAgreementAmended || kind == events.NoticeAgreementEnded
}

// readEvent reads an event. topic is the ARN of the SNS topic that passed it on, if any.
func readEvent(o object, topic, text string) (Notice, error) {
	id := o.text("id")
	if err := marketplace.CheckName(id); err != nil {
		return Notice{}, unreadable("id", "%v", err)
	}
	at, err := readTime("time", o.text("time"))
	if err != nil {
		return Notice{}, err
	}
	detail := o.object("detail")
	bought := events.Purchase{
		Product: portal.ProductCode(detail.object("product").text("code")), Buyer: portal.AWSAccount(detail.object("acceptor").text("accountid")),
		ARN: detail.object("license").text("arn"), Agreement: detail.object("agreement").text("id"),
	}
	what, _, _ := strings.Cut(o.text("detailtype"), " - ")
	n := Notice{
		Origin: Origin{
			Topic: topic, Source: o.text("source"), Account: portal.AWSAccount(o.text("account")), Region: o.text("region"), Product: bought.Product,
		},
		Data: events.MarketplaceNotified{
			Source: id, At: at, Purchase: bought, Offer: detail.object("offer").text("id"), Kind: detailTypes[strings.ToLower(strings.TrimSpace(what))],
		},
	}
	if n.Origin.Source == TestSource {
		return n.test(text), nil
	}
	if n.Data.Kind == "" || aboutLicence(n.Data.Kind) && bought.ARN == "" {
		n.Data.Kind, n.Data.Text = events.NoticeUnknown, keptText(text)
	}
	n, err = n.about(named{"product.code", "", "acceptor.accountId", "license.arn", "agreement.id", "offer.id"})
	if err == nil && isAgreement(n.Data.Kind) {
		n.Subject = portal.MarketplaceStream
	}
	return n, err
}
