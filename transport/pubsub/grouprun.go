package pubsub

import (
	"context"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/rs/zerolog"
)

// groupRun is one group's messages from one receive, in order, or a single message of a standard
// queue.
type groupRun []*delivery

// groupRuns needs no state: SQS delivers no more of a group while it leases a message of it.
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
	notHandedOut answer = iota
	acked
	nacked
	noAnswer
)

type groupRunner struct {
	cfg    SubscriberConfig
	log    zerolog.Logger
	output chan<- *message.Message
	// No message is handed out after polling ends. Messages' contexts derive from handling.
	// abandoned is closed when unanswered messages are given up.
	polling, handling context.Context
	abandoned         <-chan struct{}
	gate              gate
	credit            *credit
	leases            *leases
	acker             *acker
	running           sync.WaitGroup
}

func (r *groupRunner) start(messages groupRun) {
	r.leases.hold(messages)
	r.running.Go(func() { r.run(messages) })
}

func (r *groupRunner) run(messages groupRun) {
	defer r.credit.give(1)
	for i, d := range messages {
		switch r.handOut(d, messages[i+1:]) {
		case acked:
			r.acker.delete(d)
			continue
		case nacked:
			delay := d.redelivery.Delay(func() time.Duration { return r.cfg.Backoff(d.received) })
			if r.handling.Err() != nil {
				// The handler was cut off, so another worker may have the message at once.
				delay = 0
			}
			r.acker.handBack(messages[i:], delay)
		case noAnswer:
			r.log.Warn().Str("sqs_message_id", d.id).Msg("handing back a message that was not answered in time")
			r.acker.handBack(messages[i:], 0)
		case notHandedOut:
			r.acker.handBack(messages[i:], 0)
		}
		return
	}
}

func (r *groupRunner) handOut(d *delivery, following groupRun) answer {
	deadline := time.Now().Add(r.cfg.MaxHandling)
	ctx := WithRedelivery(context.WithValue(r.handling, deliveryKey{}, d), &d.redelivery)
	if len(following) > 0 {
		ctx = context.WithValue(ctx, followingKey{}, following)
	}
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	d.msg.SetContext(ctx)
	if !r.emit(d) {
		return notHandedOut
	}
	// The worker needs the lease a little longer, to record the failure.
	d.limitExtensions(deadline.Add(r.cfg.Visibility))
	select {
	case <-d.msg.Acked():
		return acked
	case <-d.msg.Nacked():
		return nacked
	case <-r.abandoned:
		return noAnswer
	}
}

// emit keeps back a message whose lease ran out while it waited: another worker may be handling
// it.
func (r *groupRunner) emit(d *delivery) bool {
	if r.polling.Err() != nil || d.expired() || !r.gate.enter() {
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
