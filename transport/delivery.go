package transport

import (
	"context"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// delivery is one message that SQS has leased to us.
type delivery struct {
	id       string
	receipt  string
	group    string
	received int
	msg      *message.Message

	mu sync.Mutex
	// until is when the lease ends, unless extended; by our clock.
	until time.Time
	// cap is when it is no longer extended; zero before the message is handed out.
	cap time.Time
	// asked is the delay that the handler wants before the next delivery.
	asked time.Duration
}

type deliveryKey struct{}

// Lease says until when the message whose handler has this context is leased: until
// then nobody else is handed it, nor on a FIFO queue the next of its group. The
// lease is extended while the handler runs, so ask again for the time as it is now.
// ok is false if the context is not that of a message.
func Lease(ctx context.Context) (until time.Time, ok bool) {
	d, ok := ctx.Value(deliveryKey{}).(*delivery)
	if !ok {
		return time.Time{}, false
	}
	return d.lease(), true
}

// askDelay sets the delay before the next delivery, if the message is then refused.
// Zero leaves it to the backoff.
func askDelay(ctx context.Context, delay time.Duration) {
	if d, ok := ctx.Value(deliveryKey{}).(*delivery); ok {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.asked = delay
	}
}

// newDeliveries takes what was received at a time, in its order.
func newDeliveries(wires []types.Message, at time.Time, cfg SubscriberConfig) []*delivery {
	deliveries := make([]*delivery, len(wires))
	for i := range wires {
		wire := &wires[i]
		deliveries[i] = &delivery{
			id:       aws.ToString(wire.MessageId),
			receipt:  aws.ToString(wire.ReceiptHandle),
			group:    wire.Attributes[string(types.MessageSystemAttributeNameMessageGroupId)],
			received: receiveCount(wire),
			msg:      unmarshal(cfg.Unmarshaler, wire),
			until:    at.Add(cfg.Visibility),
		}
	}
	return deliveries
}

func (d *delivery) lease() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.until
}

func (d *delivery) extended(until time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.until = until
}

// capped sets when the lease may no longer be extended.
func (d *delivery) capped(at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cap = at
}

// due says whether the lease has less than half of its time left and may be extended.
func (d *delivery) due(now time.Time, visibility time.Duration) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.until.Sub(now) <= visibility/2 && (d.cap.IsZero() || now.Before(d.cap))
}

// maxDelay stays under the 12 hours after which SQS takes any message back.
const maxDelay = 11 * time.Hour

// delay is how long the refused message stays away.
func (d *delivery) delay(backoff func(int) time.Duration) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.asked > 0 {
		return min(d.asked, maxDelay)
	}
	return backoff(d.received)
}
