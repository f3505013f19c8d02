package pubsub

import (
	"context"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

type delivery struct {
	id       string
	receipt  string
	group    string
	received int
	msg      *message.Message

	mu sync.Mutex
	// until is when the lease ends by our clock, never later than SQS ends it.
	until       time.Time
	extendUntil time.Time
	fixed       bool // the lease cannot be extended

	redelivery Redelivery
}

type deliveryKey struct{}

// Lease returns when the lease of the context's message ends, never too late. Until then no other
// worker gets the message or, on a FIFO queue, the next of its group. The lease is extended while
// the handler works, so ask again for the current time. ok is false if the context is not a
// message's.
func Lease(ctx context.Context) (until time.Time, ok bool) {
	d, ok := ctx.Value(deliveryKey{}).(*delivery)
	if !ok {
		return time.Time{}, false
	}
	return d.lease(), true
}

type followingKey struct{}

// Following returns the bodies of the messages of the same group that came with the context's message and
// are handed out after it, in order. There may be more of them in the queue.
func Following(ctx context.Context) [][]byte {
	run, _ := ctx.Value(followingKey{}).(groupRun)
	bodies := make([][]byte, len(run))
	for i, d := range run {
		bodies[i] = d.msg.Payload
	}
	return bodies
}

// Leases count from the request: SQS may have leased the messages at once and answered late.
func newDeliveries(wires []types.Message, asked time.Time, cfg SubscriberConfig) []*delivery {
	until := asked.Add(cfg.Visibility)
	if !cfg.LeasesEnd.IsZero() {
		until = cfg.LeasesEnd
	}
	deliveries := make([]*delivery, len(wires))
	for i := range wires {
		wire := &wires[i]
		deliveries[i] = &delivery{
			id:       aws.ToString(wire.MessageId),
			receipt:  aws.ToString(wire.ReceiptHandle),
			group:    wire.Attributes[string(types.MessageSystemAttributeNameMessageGroupId)],
			received: receiveCount(wire),
			msg:      unmarshal(cfg.Unmarshaler, wire),
			until:    until,
			fixed:    !cfg.LeasesEnd.IsZero(),
		}
	}
	return deliveries
}

func (d *delivery) lease() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.until
}

func (d *delivery) expired() bool { return !time.Now().Before(d.lease()) }

// extended does not revive a lease that ran out before the answer came: another worker may have
// the message.
func (d *delivery) extended(until time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if time.Now().Before(d.until) {
		d.until = until
	}
}

func (d *delivery) lost() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.until = time.Time{}
}

func (d *delivery) limitExtensions(at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.extendUntil = at
}

// due reports whether half of the lease is over. After its end it is too late: the receipt
// could extend another worker's lease.
func (d *delivery) due(now time.Time, visibility time.Duration) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	left := d.until.Sub(now)
	return !d.fixed && left > 0 && left <= visibility/2 && (d.extendUntil.IsZero() || now.Before(d.extendUntil))
}
