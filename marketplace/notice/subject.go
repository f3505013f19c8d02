package notice

import (
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/marketplace"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// named are field names for error messages.
type named struct{ product, customer, buyer, licence, agreement, offer string }

// about sets the notice's subject. An impossible id is an error, but a notice of unknown kind is
// kept without ids.
func (n Notice) about(fields named) (Notice, error) {
	subject, err := subject(n.Data, fields)
	if err != nil && n.Data.Kind == events.NoticeUnknown {
		n.Data.Purchase, n.Data.Offer, n.Origin.Product = events.Purchase{}, "", ""
		subject, err = portal.MarketplaceStream, nil
	}
	n.Subject = subject
	return n, err
}

// TestStream returns the stream in which a worker records a test, given by the id that SNS or
// EventBridge has for it.
func TestStream(source string) portal.Stream {
	return portal.NoticeStream(Notice{Subject: portal.MarketplaceStream, Data: events.MarketplaceNotified{Source: source}}.ID())
}

// test makes it the test of an operator, with the text by which the operator knows it again. It is about
// no licence, even if it names one.
func (n Notice) test(text string) Notice {
	n.Subject, n.Origin.Product = portal.MarketplaceStream, ""
	n.Data = events.MarketplaceNotified{Source: n.Data.Source, Kind: events.NoticeTest, At: n.Data.At, Text: keptText(text)}
	return n
}

func subject(data events.MarketplaceNotified, fields named) (portal.Stream, error) {
	bought := data.Purchase
	for _, one := range []struct{ field, id string }{
		{fields.product, string(bought.Product)}, {fields.customer, bought.Customer}, {fields.buyer, string(bought.Buyer)},
		{fields.agreement, bought.Agreement}, {fields.offer, data.Offer},
	} {
		if err := marketplace.CheckName(one.id); one.id != "" && err != nil {
			return "", unreadable(one.field, "%v", err)
		}
	}
	if bought.ARN != "" {
		id, err := marketplace.LicenceID(bought.ARN)
		if err != nil {
			return "", unreadable(fields.licence, "%v", err)
		}
		return portal.LicenceStream(id), nil
	}
	if bought.Product != "" && bought.Customer != "" {
		return portal.LegacyStream(bought.Product, bought.Customer), nil
	}
	return portal.MarketplaceStream, nil
}
