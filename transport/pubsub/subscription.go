package pubsub

import (
	"context"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// SubscriberClient is the part of the SQS client that Subscriber needs.
type SubscriberClient interface {
	receiveClient
	receiptClient
}

// answerTime is how long handlers have to answer after their context ended. hangTime is
// how much longer than asked for a poll may take before closing takes it for hanging.
const (
	answerTime = time.Second
	hangTime   = 5 * time.Second
)

// subscription is one Subscribe: pollers that receive, a groupRunner that hands out and
// waits for the answers, leases that keep what is held, and a settler that deletes it or
// hands it back.
type subscription struct {
	cfg    SubscriberConfig
	output chan *message.Message

	// polling ends first: nothing more is received or handed out.
	polling context.Context
	stop    context.CancelFunc
	// hangUp cuts off the polls under way.
	hangUp context.CancelFunc
	// cut ends the messages' contexts.
	cut context.CancelCauseFunc
	// abandoned is closed when unanswered messages are given up.
	abandoned chan struct{}
	// end cuts off the requests that settle messages: closing has taken its time.
	end  context.CancelFunc
	over chan struct{}

	pollers *pollers
	runner  *groupRunner
	leases  *leases
	settle  *settler
}

func newSubscription(ctx context.Context, client SubscriberClient, topic, url string, cfg SubscriberConfig) *subscription {
	s := &subscription{
		cfg:       cfg,
		output:    make(chan *message.Message),
		abandoned: make(chan struct{}),
		over:      make(chan struct{}),
	}
	log := cfg.Log.With().Str("queue", topic).Logger()
	var receiving, handling, life context.Context
	s.polling, s.stop = context.WithCancel(ctx)
	receiving, s.hangUp = context.WithCancel(context.WithoutCancel(ctx))
	handling, s.cut = context.WithCancelCause(portal.WithStopping(context.WithoutCancel(ctx), s.polling.Done()))
	life, s.end = context.WithCancel(context.Background())

	calls := receiptCalls{client: client, url: url, stopping: s.polling, life: life, log: log}
	s.leases = newLeases(calls, cfg)
	s.settle = newSettler(calls, s.leases, cfg)
	credit := newCredit(cfg.Concurrency)
	s.runner = &groupRunner{
		cfg: cfg, log: log, output: s.output, polling: s.polling, handling: handling, abandoned: s.abandoned,
		credit: credit, leases: s.leases, settle: s.settle,
	}
	s.pollers = &pollers{
		cfg: cfg, log: log, client: client, topic: topic, url: url, polling: s.polling, receiving: receiving, life: life,
		roused: make(chan struct{}, cfg.Pollers-1), credit: credit, runner: s.runner, settle: s.settle,
	}
	s.pollers.start()
	return s
}

// run sees the subscription through to its end. Everything that closing waits for ends
// by the schedule, so run is over after the CloseTimeout whatever SQS and the handlers do.
func (s *subscription) run() {
	defer close(s.over)
	var keeping sync.WaitGroup
	keeping.Go(s.leases.keep)

	<-s.polling.Done()
	defer s.schedule()()
	s.runner.gate.shut()
	close(s.output)
	s.pollers.running.Wait()
	s.runner.running.Wait()
	s.cut(ErrClosing)
	s.settle.drain()
	s.leases.stop()
	s.end()
	keeping.Wait()
	s.hangUp()
	s.stop()
}

// schedule sets when closing gives up on what. The clock of all of it starts
// now.
func (s *subscription) schedule() (cancel func()) {
	handling := max(s.cfg.CloseTimeout-s.cfg.SettleTime, 0)
	var timers []*time.Timer
	at := func(after time.Duration, do func()) { timers = append(timers, time.AfterFunc(after, do)) }
	// A poll that has not ended by then hangs.
	at(min(s.cfg.WaitTime+hangTime, handling), s.hangUp)
	at(handling, func() { s.cut(ErrClosing) })
	at(handling+min(answerTime, s.cfg.SettleTime/5), func() { close(s.abandoned) })
	at(s.cfg.CloseTimeout, s.end)
	return func() {
		for _, timer := range timers {
			timer.Stop()
		}
	}
}
