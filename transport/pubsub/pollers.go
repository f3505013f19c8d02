package pubsub

import (
	"context"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/rs/zerolog"
)

// receiveClient is the part of the SQS client that receives.
type receiveClient interface {
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
}

// pollers receive from one queue, as much as there is credit for.
type pollers struct {
	cfg        SubscriberConfig
	log        zerolog.Logger
	client     receiveClient
	topic, url string
	// polling ends when nothing more is to be received, receiving when polls under way are
	// cut off, life when the subscription must be closed.
	polling, receiving, life context.Context
	// roused wakes extra pollers.
	roused  chan struct{}
	credit  *credit
	runner  *groupRunner
	settle  *settler
	running sync.WaitGroup
}

func (p *pollers) start() {
	for i := range p.cfg.Pollers {
		p.running.Go(func() { p.poll(i > 0) })
	}
}

// poll receives until polling ends. One poller waits for messages; the extra ones
// rest while there is nothing for them, so that an idle queue costs one request at a
// time.
func (p *pollers) poll(extra bool) {
	failures := 0
	attempt := newAttempt(p.topic)
	resting := extra
	for {
		if resting && !p.rest() {
			return
		}
		n := p.credit.take(p.polling)
		if n == 0 {
			return
		}
		asked := time.Now()
		wires, err := p.receive(p.receiving, attempt, n, p.cfg.WaitTime)
		p.handOn(wires, asked, n)
		switch {
		case p.polling.Err() != nil:
			if err != nil && attempt != nil {
				p.reclaim(attempt, n)
			}
			return
		case err != nil:
			// The attempt is kept: if SQS did lease messages and only its answer got
			// lost, the next request is given the same ones.
			failures++
			p.log.Warn().Err(err).Int("failures", failures).Msg("receiving messages failed")
			pause(p.polling, jittered(250*time.Millisecond, 30*time.Second, failures))
		default:
			failures = 0
			attempt = newAttempt(p.topic)
			resting = extra && len(wires) == 0
			if len(wires) > 1 {
				p.rouse()
			}
		}
	}
}

// rest waits to be roused; false if polling ended.
func (p *pollers) rest() bool {
	select {
	case <-p.roused:
		return true
	case <-p.polling.Done():
		return false
	}
}

// rouse has the extra pollers look for more.
func (p *pollers) rouse() {
	for {
		select {
		case p.roused <- struct{}{}:
		default:
			return
		}
	}
}

// receive asks for at most n messages. The timeout is for a connection that has died
// without a word.
func (p *pollers) receive(ctx context.Context, attempt *string, n int, wait time.Duration) ([]types.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, wait+10*time.Second)
	defer cancel()
	out, err := p.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl:                aws.String(p.url),
		MaxNumberOfMessages:     int32(n),
		WaitTimeSeconds:         seconds(wait),
		VisibilityTimeout:       seconds(p.cfg.Visibility),
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

// handOn starts the group runs of what was received and squares it with the credit taken.
func (p *pollers) handOn(wires []types.Message, asked time.Time, credit int) {
	runs := groupRuns(newDeliveries(wires, asked, p.cfg), isFIFO(p.topic))
	p.settle.expect(len(wires))
	for _, run := range runs {
		p.runner.start(run)
	}
	p.credit.square(credit, len(runs))
}

// reclaim asks once more for what a request that was cut off may have leased, so
// that those groups need not wait until the lease runs out. SQS answers the same
// attempt with the same messages, on FIFO queues only (API reference, ReceiveMessage,
// ReceiveRequestAttemptId). On standard ones there is no way to have them back sooner;
// nobody waits behind them there.
func (p *pollers) reclaim(attempt *string, n int) {
	ctx, cancel := context.WithTimeout(p.life, reclaimTime)
	defer cancel()
	asked := time.Now()
	wires, err := p.receive(ctx, attempt, n, 0)
	if err != nil {
		p.log.Warn().Err(err).Msg("reclaiming a receive that was cut off failed")
		return
	}
	p.settle.expect(len(wires))
	for _, run := range groupRuns(newDeliveries(wires, asked, p.cfg), true) {
		p.settle.release(run, 0)
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
