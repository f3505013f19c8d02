package transport

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/gatehouse-portal/gatehouse/transport/pubsub"
)

// closingTime is how long before its end a batch begins to close. From then on it starts no more messages, and
// tells waiting handlers to stop. When half of closingTime is left, the handlers' contexts end.
const closingTime = 4 * time.Second

// HandleBatch handles messages that AWS Lambda has received from the queue of the configuration's
// one consumer, with the same groups, retries and dead letters as a Worker. It returns before end,
// once all goroutines that it started have ended. A message that fails holds up only its own group.
//
// failed lists the ids of the messages that must be redelivered. HandleBatch hands these back with the
// delay that a Worker would give them, or without a delay if no handler had started. If SQS does not
// answer then, they are redelivered when the queue's visibility timeout is over.
//
// The messages' leases end at end, although the queue hides the messages for longer. An error means that
// no message was handled.
func HandleBatch(ctx context.Context, cfg WorkerConfig, messages []types.Message, end time.Time) (failed []string, err error) {
	if len(cfg.Consumers) != 1 {
		return nil, fmt.Errorf("a batch has one consumer, not %d", len(cfg.Consumers))
	}
	closing := min(closingTime, time.Until(end)/2)
	received := pubsub.NewReceived(cfg.Client, messages)
	consumer := cfg.Consumers[0]
	consumer.Subscriber.LeasesEnd = end
	consumer.Subscriber.Pollers, consumer.Subscriber.Concurrency = 1, max(len(messages), 1)
	consumer.Subscriber.CloseTimeout, consumer.Subscriber.HandBackTime = closing, closing/2
	cfg.Consumers, cfg.Client = []Consumer{consumer}, received
	worker, err := NewWorker(cfg)
	if err != nil {
		return nil, err
	}
	running, stop := context.WithDeadline(ctx, end.Add(-closing))
	defer stop()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-received.Answered():
			stop()
		case <-running.Done():
		}
	}()
	err = worker.Run(running)
	stop()
	<-watched
	failed = received.Failed()
	if err != nil && len(failed) == len(messages) {
		return nil, err
	}
	return failed, nil
}
