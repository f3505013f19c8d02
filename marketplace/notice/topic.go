package notice

import (
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/marketplace"
	"github.com/gatehouse-portal/gatehouse/portal"
)

type snsEnvelope struct {
	id, topic, message string
	at                 time.Time
	// confirmation: SNS asks the queue to confirm a subscription.
	confirmation bool
}

// readEnvelope: ok is false if the object is no SNS envelope (Amazon SNS Developer Guide, "Amazon
// SNS message and JSON formats").
func readEnvelope(o object) (envelope snsEnvelope, ok bool, err error) {
	kind := o.text("type")
	if o.text("topicarn") == "" || kind != "Notification" && kind != "SubscriptionConfirmation" && kind != "UnsubscribeConfirmation" {
		return snsEnvelope{}, false, nil
	}
	envelope = snsEnvelope{id: o.text("messageid"), topic: o.text("topicarn"), message: o.text("message"), confirmation: kind != "Notification"}
	if err := marketplace.CheckName(envelope.id); err != nil {
		return envelope, true, unreadable("MessageId", "%v", err)
	}
	if envelope.confirmation {
		envelope.message += " " + o.text("subscribeurl")
	}
	envelope.at, err = readTime("Timestamp", o.text("timestamp"))
	return envelope, true, err
}

// A listing's topics are named by its product code (Marketplace Seller Guide, "Amazon SNS
// notifications for SaaS products").
var topicNames = []string{"aws-mp-subscription-notification-", "aws-mp-entitlement-notification-"}

// TopicsOf returns the ARNs of a listing's topics, which AWS has in us-east-1.
func TopicsOf(partition string, account portal.AWSAccount, product portal.ProductCode) []string {
	var all []string
	for _, begins := range topicNames {
		all = append(all, "arn:"+partition+":sns:us-east-1:"+string(account)+":"+begins+string(product))
	}
	return all
}

// ProductOf returns the product of an AWS Marketplace topic, "" for other topics.
func ProductOf(topic string) portal.ProductCode {
	name := topic[strings.LastIndex(topic, ":")+1:]
	for _, begins := range topicNames {
		if code, ok := strings.CutPrefix(name, begins); ok {
			return portal.ProductCode(code)
		}
	}
	return ""
}

func (e snsEnvelope) unknown() Notice {
	product := ProductOf(e.topic)
	return Notice{
		Subject: portal.MarketplaceStream, Origin: Origin{Topic: e.topic, Product: product},
		Data: events.MarketplaceNotified{
			Source: e.id, Kind: events.NoticeUnknown, At: e.at.UTC(), Text: keptText(e.message),
			Purchase: events.Purchase{Product: product},
		},
	}
}

var actions = map[string]events.NoticeKind{
	"subscribe-success":    events.NoticeSubscribed,
	"subscribe-fail":       events.NoticeFailed,
	"unsubscribe-pending":  events.NoticeUnsubscribing,
	"unsubscribe-success":  events.NoticeUnsubscribed,
	"unsubscribe-complete": events.NoticeUnsubscribed,
	"entitlement-updated":  events.NoticeEntitlement,
}

func readAction(o object, envelope snsEnvelope) (Notice, error) {
	if err := marketplace.CheckName(envelope.id); err != nil {
		return Notice{}, unreadable("message id", "%v", err)
	}
	bought := events.Purchase{
		Product: portal.ProductCode(o.text("productcode")), Customer: o.text("customeridentifier"),
		Buyer: portal.AWSAccount(o.text("customerawsaccountid")), ARN: o.text("licensearn"), FreeTrial: o.truth("isfreetrialtermpresent"),
	}
	if bought.Product == "" {
		bought.Product = ProductOf(envelope.topic)
	}
	n := Notice{
		Origin: Origin{Topic: envelope.topic, Product: bought.Product},
		Data: events.MarketplaceNotified{
			Source: envelope.id, At: envelope.at.UTC(), Purchase: bought, Offer: o.text("offeridentifier"),
			Kind: actions[strings.ToLower(o.text("action"))],
		},
	}
	if strings.EqualFold(o.text("action"), TestAction) {
		return n.test(envelope.message), nil
	}
	if (bought.Product == "" || bought.Customer == "") && bought.ARN == "" || n.Data.Kind == "" {
		n.Data.Kind, n.Data.Text = events.NoticeUnknown, keptText(envelope.message)
	}
	return n.about(named{"product-code", "customer-identifier", "customer-aws-account-id", "license-arn", "", "offer-identifier"})
}
