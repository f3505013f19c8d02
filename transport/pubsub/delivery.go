package pubsub

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
	// until is when the lease ends, unless extended; by our clock, and never later than
	// by that of SQS.
	until time.Time
	// cap is when it is no longer extended; zero before the message is handed out.
	cap time.Time

	redelivery Redelivery
}

type deliveryKey struct{}

// Lease says until when the message whose handler has this context is leased: until
// then nobody else is handed it, nor on a FIFO queue the next of its group. The
// lease is extended while the handler runs, so ask again for the time as it is now. It
// counts from when SQS was asked for it, so it is never told longer than it is.
// ok is false if the context is not that of a message.
func Lease(ctx context.Context) (until time.Time, ok bool) {
	d, ok := ctx.Value(deliveryKey{}).(*delivery)
	if !ok {
		return time.Time{}, false
	}
	return d.lease(), true
}

// newDeliveries takes what was received, in its order. The leases count from when it was
// asked for: SQS may have handed it out at once and answered late.
func newDeliveries(wires []types.Message, asked time.Time, cfg SubscriberConfig) []*delivery {
	deliveries := make([]*delivery, len(wires))
	for i := range wires {
		wire := &wires[i]
		deliveries[i] = &delivery{
			id:       aws.ToString(wire.MessageId),
			receipt:  aws.ToString(wire.ReceiptHandle),
			group:    wire.Attributes[string(types.MessageSystemAttributeNameMessageGroupId)],
			received: receiveCount(wire),
			msg:      unmarshal(cfg.Unmarshaler, wire),
			until:    asked.Add(cfg.Visibility),
		}
	}
	return deliveries
}

func (d *delivery) lease() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.until
}

// over says whether the lease has run out, so that the message may be somebody else's.
func (d *delivery) over() bool { return !time.Now().Before(d.lease()) }

// extended notes that SQS has extended the lease. One that had run out by the time of the
// answer stays so: somebody else may have been handed the message in between.
func (d *delivery) extended(until time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if time.Now().Before(d.until) {
		d.until = until
	}
}

// lost notes that the lease has ended before its time.
func (d *delivery) lost() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.until = time.Time{}
}

// capped sets when the lease may no longer be extended.
func (d *delivery) capped(at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cap = at
}

// due says whether the lease has less than half of its time left and may be extended.
// After its end it may not: the receipt would extend somebody else's.
func (d *delivery) due(now time.Time, visibility time.Duration) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	left := d.until.Sub(now)
	return left > 0 && left <= visibility/2 && (d.cap.IsZero() || now.Before(d.cap))
}
