package pubsub

import (
	"fmt"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"go.uber.org/goleak"

	"github.com/gatehouse-portal/gatehouse/transport/sqstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = sqstest.Patience

type cloud struct {
	*sqstest.Cloud
	queues *Queues
}

func startCloud(t testing.TB) *cloud {
	t.Helper()
	c := sqstest.Start(t)
	return &cloud{Cloud: c, queues: NewQueues(c.Hooked)}
}

func (c *cloud) publisher(cfg PublisherConfig) Publisher {
	p := NewPublisher(c.Hooked, c.queues, cfg)
	c.T.Cleanup(func() { _ = p.Close() })
	return p
}

// soon is a CloseTimeout that leaves little time to handlers and much to handing back.
const soon = patience + 50*time.Millisecond

// The subscriber closes quickly when the test ends.
func (c *cloud) subscriber(cfg SubscriberConfig) *Subscriber {
	if cfg.CloseTimeout == 0 {
		cfg.CloseTimeout, cfg.HandBackTime = soon, patience
	}
	s := NewSubscriber(c.Hooked, c.queues, cfg)
	c.T.Cleanup(func() { _ = s.Close() })
	return s
}

func (c *cloud) subscribe(s *Subscriber, queue string) <-chan *message.Message {
	c.T.Helper()
	msgs, err := s.Subscribe(c.T.Context(), queue)
	if err != nil {
		c.T.Fatal(err)
	}
	return msgs
}

// text makes a message, with a group unless that is "".
func text(group, body string) *message.Message {
	msg := message.NewMessage(watermill.NewUUID(), []byte(body))
	if group != "" {
		msg.Metadata.Set(GroupID, group)
		msg.Metadata.Set(DeduplicationID, msg.UUID)
	}
	return msg
}

// texts makes n messages of a group with the bodies prefix0, prefix1, ...
func texts(group, prefix string, n int) []*message.Message {
	msgs := make([]*message.Message, n)
	for i := range msgs {
		msgs[i] = text(group, fmt.Sprint(prefix, i))
	}
	return msgs
}

func publish(t testing.TB, p message.Publisher, topic string, msgs ...*message.Message) {
	t.Helper()
	if err := p.Publish(topic, msgs...); err != nil {
		t.Fatal(err)
	}
}
