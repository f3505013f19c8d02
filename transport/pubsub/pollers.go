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

	"github.com/gatehouse-portal/gatehouse/portal"
)

type receiveClient interface {
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
}

type pollers struct {
	cfg        SubscriberConfig
	log        zerolog.Logger
	client     receiveClient
	topic, url string
	// polling ends when no more may be received, receiving when polls under way are cut off,
	// life when the subscription must be closed.
	polling, receiving, life context.Context
	wakeUps                  chan struct{}
	credit                   *credit
	runner                   *groupRunner
	acker                    *acker
	running                  sync.WaitGroup
}

func (p *pollers) start() {
	for i := range p.cfg.Pollers {
		p.running.Go(func() { p.poll(i > 0) })
	}
}

// poll receives until polling ends. Extra pollers rest while there are no messages, so an idle
// queue costs one request at a time.
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
			// If only the answer was lost, SQS answers the same attempt with the same messages.
			failures++
			p.log.Warn().Err(err).Int("failures", failures).Msg("receiving messages failed")
			pause(p.polling, jittered(250*time.Millisecond, 30*time.Second, failures))
		default:
			failures = 0
			attempt = newAttempt(p.topic)
			resting = extra && len(wires) == 0
			if len(wires) > 1 {
				p.wake()
			}
		}
	}
}

func (p *pollers) rest() bool {
	select {
	case <-p.wakeUps:
		return true
	case <-p.polling.Done():
		return false
	}
}

func (p *pollers) wake() {
	for {
		select {
		case p.wakeUps <- struct{}{}:
		default:
			return
		}
	}
}

// The timeout is for a connection that has died silently.
func (p *pollers) receive(ctx context.Context, attempt *string, n int, wait time.Duration) (received []types.Message, err error) {
	defer portal.Recover(&err)
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

func (p *pollers) handOn(wires []types.Message, asked time.Time, credit int) {
	runs := groupRuns(newDeliveries(wires, asked, p.cfg), isFIFO(p.topic))
	p.acker.expect(len(wires))
	for _, run := range runs {
		p.runner.start(run)
	}
	p.credit.reconcile(credit, len(runs))
}

// reclaim hands back what a receive request that was cut off may have leased, so that its groups
// need not wait. FIFO queues answer the same attempt with the same messages (API reference,
// ReceiveMessage, ReceiveRequestAttemptId); on standard queues, nothing waits.
func (p *pollers) reclaim(attempt *string, n int) {
	ctx, cancel := context.WithTimeout(p.life, reclaimTime)
	defer cancel()
	asked := time.Now()
	wires, err := p.receive(ctx, attempt, n, 0)
	if err != nil {
		p.log.Warn().Err(err).Msg("reclaiming a receive that was cut off failed")
		return
	}
	p.acker.expect(len(wires))
	for _, run := range groupRuns(newDeliveries(wires, asked, p.cfg), true) {
		p.acker.handBack(run, 0)
	}
}

const reclaimTime = 3 * time.Second

func newAttempt(topic string) *string {
	if !isFIFO(topic) {
		return nil
	}
	return aws.String(watermill.NewUUID())
}
