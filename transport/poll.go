package transport

import (
	"context"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// poll receives until polling ends. One poller waits for messages; the extra ones
// rest while there is nothing for them, so that an idle queue costs one request at a
// time.
func (s *subscription) poll(extra bool) {
	failures := 0
	attempt := newAttempt(s.topic)
	resting := extra
	for {
		if resting && !s.rest() {
			return
		}
		n := s.credit.take(s.polling)
		if n == 0 {
			return
		}
		asked := time.Now()
		wires, err := s.receive(s.receiving, attempt, n, s.cfg.WaitTime)
		s.start(wires, asked, n)
		switch {
		case s.polling.Err() != nil:
			if err != nil && attempt != nil {
				s.reclaim(attempt, n)
			}
			return
		case err != nil:
			// The attempt is kept: if SQS did lease messages and only its answer got
			// lost, the next request is given the same ones.
			failures++
			s.leases.log.Warn().Err(err).Int("failures", failures).Msg("receiving messages failed")
			pause(s.polling, jittered(250*time.Millisecond, 30*time.Second, failures))
		default:
			failures = 0
			attempt = newAttempt(s.topic)
			resting = extra && len(wires) == 0
			if len(wires) > 1 {
				s.rouse()
			}
		}
	}
}

// rest waits to be roused; false if polling ended.
func (s *subscription) rest() bool {
	select {
	case <-s.roused:
		return true
	case <-s.polling.Done():
		return false
	}
}

// rouse has the extra pollers look for more.
func (s *subscription) rouse() {
	for {
		select {
		case s.roused <- struct{}{}:
		default:
			return
		}
	}
}

// receive asks for at most n messages. The timeout is for a connection that has died
// without a word.
func (s *subscription) receive(ctx context.Context, attempt *string, n int, wait time.Duration) (wires []types.Message, err error) {
	defer portal.Recover(&err)
	ctx, cancel := context.WithTimeout(ctx, wait+10*time.Second)
	defer cancel()
	out, err := s.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl:                aws.String(s.url),
		MaxNumberOfMessages:     int32(n),
		WaitTimeSeconds:         seconds(wait),
		VisibilityTimeout:       seconds(s.cfg.Visibility),
		ReceiveRequestAttemptId: attempt,
		MessageAttributeNames:   []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{
			types.MessageSystemAttributeNameApproximateReceiveCount,
			types.MessageSystemAttributeNameMessageGroupId,
			types.MessageSystemAttributeNameMessageDeduplicationId,
			types.MessageSystemAttributeNameSentTimestamp,
		},
	})
	if err != nil {
		return nil, err
	}
	return out.Messages, nil
}

// start runs the lanes of what was received and squares it with the credit taken.
func (s *subscription) start(wires []types.Message, asked time.Time, credit int) {
	lanes := lanes(newDeliveries(wires, asked, s.cfg), isFIFO(s.topic))
	s.settle.expect(len(wires))
	for _, lane := range lanes {
		s.leases.hold(lane)
		s.lanes.Go(func() { s.runLane(lane) })
	}
	s.credit.square(credit, len(lanes))
}

// reclaim asks once more for what a request that was cut off may have leased, so
// that those groups need not wait until the lease runs out. SQS answers the same
// attempt with the same messages, on FIFO queues only (API reference, ReceiveMessage,
// ReceiveRequestAttemptId). On standard ones there is no way to have them back sooner;
// nobody waits behind them there.
func (s *subscription) reclaim(attempt *string, n int) {
	ctx, cancel := context.WithTimeout(s.leases.life, reclaimTime)
	defer cancel()
	asked := time.Now()
	wires, err := s.receive(ctx, attempt, n, 0)
	if err != nil {
		s.leases.log.Warn().Err(err).Msg("reclaiming a receive that was cut off failed")
		return
	}
	s.settle.expect(len(wires))
	for _, lane := range lanes(newDeliveries(wires, asked, s.cfg), true) {
		s.settle.release(lane, 0)
	}
}

// reclaimTime leaves some of the CloseTimeout for what reclaiming brings to go back.
const reclaimTime = 3 * time.Second

func newAttempt(topic string) *string {
	if !isFIFO(topic) {
		return nil
	}
	return aws.String(watermill.NewUUID())
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
