package notice_test

import (
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/marketplace/notice"
)

const entitlementTopic = "arn:aws:sns:us-east-1:287250355862:aws-mp-entitlement-notification-n0123EXAMPLE"

func TestANoticeThatIsSentAgainKeepsIDAndTime(t *testing.T) {
	t.Parallel()
	allowed := notice.Allowed{Topics: []string{subscriptionTopic, entitlementTopic}}
	late := notice.Delivery{ID: "dead-letter", At: delivery.At.Add(3 * time.Hour).Truncate(time.Millisecond)}
	for name, c := range map[string]struct {
		body, topic string
		raw         bool
	}{
		"a message of a topic":         {enveloped(subscriptionTopic, subscribed), subscriptionTopic, false},
		"an event":                     {licenceEvent, "", false},
		"an event through a topic":     {enveloped(subscriptionTopic, licenceEvent), subscriptionTopic, false},
		"a raw message":                {subscribed, subscriptionTopic, true},
		"a raw message on a contract":  {updated, entitlementTopic, true},
		"a message nobody understands": {enveloped(subscriptionTopic, "Hello"), subscriptionTopic, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			read, body, err := notice.Again([]byte(c.body), late, allowed)
			if err != nil {
				t.Fatal(err)
			}
			if read.Origin.Topic != c.topic || (string(body) != c.body) != c.raw {
				t.Errorf("from %q it sends %s", read.Origin.Topic, body)
			}
			arrived, err := notice.Parse(body, notice.Delivery{ID: "arrived", At: late.At.Add(time.Hour)})
			if err != nil || arrived.ID() != read.ID() || !arrived.Data.At.Equal(read.Data.At) {
				t.Errorf("it arrives as %+v, %v; want %+v", arrived, err, read)
			}
			if c.raw && !read.Data.At.Equal(late.At) {
				t.Errorf("its time is %s, want %s", read.Data.At, late.At)
			}
		})
	}
}

func TestARawMessageOfNoListedProductStaysAsItIs(t *testing.T) {
	t.Parallel()
	read, body, err := notice.Again([]byte(subscribed), delivery, notice.Allowed{})
	if err != nil || string(body) != subscribed || (notice.Allowed{}).Refusal(read.Origin) == "" {
		t.Errorf("it sends %s, %v", body, err)
	}
}
