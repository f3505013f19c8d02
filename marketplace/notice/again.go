package notice

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Again reads a message that SNS or EventBridge could not deliver, and returns the body with which it can be sent
// to the intake queue: the notice then has the id and time that it would have had before. delivery is the
// message's in its dead-letter queue.
//
// An envelope and an event stay as they are. A raw message has neither id nor time of its own, so it gets an
// envelope with those of the dead-letter queue; otherwise each time it is sent would make another, newer notice of
// it. Its topic is the one of the list that such messages come from. Without one it stays as it is, and Refusal
// says why it does not count.
func Again(body []byte, delivery Delivery, allowed Allowed) (Notice, []byte, error) {
	n, err := Parse(body, delivery)
	if err != nil || n.Origin.Topic != "" || n.Origin.Event() {
		return n, body, err
	}
	topic := allowed.topicOf(n.Origin.Product, n.Data.Kind)
	if topic == "" {
		return n, body, nil
	}
	enveloped, err := Enveloped(delivery.ID, topic, string(body), delivery.At)
	if err != nil {
		return n, nil, err
	}
	n, err = Parse(enveloped, delivery)
	return n, enveloped, err
}

// topicOf prefers the topic of entitlements for notices about them.
func (a Allowed) topicOf(product portal.ProductCode, kind events.NoticeKind) (topic string) {
	if product == "" {
		return ""
	}
	for _, one := range a.Topics {
		if ProductOf(one) != product {
			continue
		}
		if strings.Contains(one, "-entitlement-") == (kind == events.NoticeEntitlement) {
			return one
		}
		topic = one
	}
	return topic
}

// Enveloped is a message of a topic as SNS delivers it.
func Enveloped(id, topic, message string, at time.Time) ([]byte, error) {
	return json.Marshal(map[string]string{
		"Type": "Notification", "MessageId": id, "TopicArn": topic, "Message": message, "Timestamp": at.UTC().Format("2006-01-02T15:04:05.000Z"),
	})
}
