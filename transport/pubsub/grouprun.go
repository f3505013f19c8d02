package pubsub

import (
	"context"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/rs/zerolog"
)

// groupRun is what is handed out one after the other: on a FIFO queue the messages of one
// group that were received together, in order; on a standard queue a single message.
type groupRun []*delivery

// groupRuns splits what was received together. No state outlives the batch: SQS hands out
// no more of a group while any message of it is leased.
func groupRuns(deliveries []*delivery, fifo bool) []groupRun {
	var all []groupRun
	place := map[string]int{}
	for _, d := range deliveries {
		at, known := place[d.group]
		if !fifo || !known {
			place[d.group] = len(all)
			all = append(all, groupRun{d})
			continue
		}
		all[at] = append(all[at], d)
	}
	return all
}

type answer int

const (
	notEmitted answer = iota
	acked
	nacked
	noAnswer
)

// groupRunner hands out the messages of group runs and settles them as they are answered.
type groupRunner struct {
	cfg    SubscriberConfig
	log    zerolog.Logger
	output chan<- *message.Message
	// polling ends when nothing more is to be handed out; handling is what the messages'
	// contexts come from; abandoned is closed when unanswered messages are given up.
	polling, handling context.Context
	abandoned         <-chan struct{}
	gate              gate
	credit            *credit
	leases            *leases
	settle            *settler
	running           sync.WaitGroup
}

// start has the messages kept from now on, and handed out.
func (r *groupRunner) start(messages groupRun) {
	r.leases.hold(messages)
	r.running.Go(func() { r.run(messages) })
}

// run hands out one message after the other, each when the one before is acked.
// At the first that is not, it and the rest go back to the queue.
func (r *groupRunner) run(messages groupRun) {
	defer r.credit.give(1)
	for i, d := range messages {
		switch r.handOut(d) {
		case acked:
			r.settle.delete(d)
			continue
		case nacked:
			delay := d.redelivery.Delay(func() time.Duration { return r.cfg.Backoff(d.received) })
			if r.handling.Err() != nil {
				// It was cut off, not refused: another worker shall have it at once.
				delay = 0
			}
			r.settle.release(messages[i:], delay)
		case noAnswer:
			r.log.Warn().Str("message_id", d.id).Msg("releasing a message that was not answered in time")
			r.settle.release(messages[i:], 0)
		case notEmitted:
			r.settle.release(messages[i:], 0)
		}
		return
	}
}

// handOut emits the message and waits for the answer. Its context carries the
// subscription's values and the delivery, and ends with the answer.
func (r *groupRunner) handOut(d *delivery) answer {
	deadline := time.Now().Add(r.cfg.MaxHandling)
	ctx := WithRedelivery(context.WithValue(r.handling, deliveryKey{}, d), &d.redelivery)
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	d.msg.SetContext(ctx)
	if !r.emit(d) {
		return notEmitted
	}
	// The lease outlasts the context a little, for the failure to be noted.
	d.capped(deadline.Add(r.cfg.Visibility))
	select {
	case <-d.msg.Acked():
		return acked
	case <-d.msg.Nacked():
		return nacked
	case <-r.abandoned:
		return noAnswer
	}
}

// emit keeps back a message whose lease ran out while it waited for its turn, which
// happens only if it could not be extended: somebody else may be handling it.
func (r *groupRunner) emit(d *delivery) bool {
	if r.polling.Err() != nil || d.over() || !r.gate.enter() {
		return false
	}
	defer r.gate.leave()
	select {
	case r.output <- d.msg:
		return true
	case <-r.polling.Done():
		return false
	}
}
