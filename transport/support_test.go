package transport

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/gatehouse-portal/gatehouse/transport/pubsub"
	"github.com/gatehouse-portal/gatehouse/transport/sqstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = sqstest.Patience

type cloud struct {
	*sqstest.Cloud
	queues    *pubsub.Queues
	publisher pubsub.Publisher
}

func startCloud(t testing.TB) *cloud {
	t.Helper()
	c := sqstest.Start(t)
	queues := pubsub.NewQueues(c.Hooked)
	publisher := pubsub.NewPublisher(c.Hooked, queues, pubsub.PublisherConfig{})
	t.Cleanup(func() { _ = publisher.Close() })
	return &cloud{Cloud: c, queues: queues, publisher: publisher}
}

func (c *cloud) sender() *Sender { return NewSender(c.publisher, nil, routes) }
