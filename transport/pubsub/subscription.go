package pubsub

import (
	"context"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// SubscriberClient is what Subscriber uses of the SQS client.
type SubscriberClient interface {
	receiveClient
	receiptClient
}

// answerTime is how long handlers may take to ack or nack after their context ended; hangTime
// is how much longer than its wait time a poll may take before closing cuts it off.
const (
	answerTime = time.Second
	hangTime   = 5 * time.Second
)

type subscription struct {
	cfg    SubscriberConfig
	output chan *message.Message

	polling     context.Context
	stop        context.CancelFunc
	cutPolls    context.CancelFunc
	endContexts context.CancelCauseFunc
	abandoned   chan struct{}
	end         context.CancelFunc
	done        chan struct{}

	pollers *pollers
	runner  *groupRunner
	leases  *leases
	acker   *acker
}

func newSubscription(ctx context.Context, client SubscriberClient, topic, url string, cfg SubscriberConfig) *subscription {
	s := &subscription{
		cfg:       cfg,
		output:    make(chan *message.Message),
		abandoned: make(chan struct{}),
		done:      make(chan struct{}),
	}
	log := cfg.Log.With().Str("queue", topic).Logger()
	var receiving, handling, life context.Context
	s.polling, s.stop = context.WithCancel(ctx)
	receiving, s.cutPolls = context.WithCancel(context.WithoutCancel(ctx))
	handling, s.endContexts = context.WithCancelCause(portal.WithStopping(context.WithoutCancel(ctx), s.polling.Done()))
	life, s.end = context.WithCancel(context.Background())

	calls := receiptCalls{client: client, url: url, stopping: s.polling, life: life, log: log}
	s.leases = newLeases(calls, cfg)
	s.acker = newAcker(calls, s.leases, cfg)
	credit := newCredit(cfg.Concurrency)
	s.runner = &groupRunner{
		cfg: cfg, log: log, output: s.output, polling: s.polling, handling: handling, abandoned: s.abandoned,
		credit: credit, leases: s.leases, acker: s.acker,
	}
	s.pollers = &pollers{
		cfg: cfg, log: log, client: client, topic: topic, url: url, polling: s.polling, receiving: receiving, life: life,
		wakeUps: make(chan struct{}, cfg.Pollers-1), credit: credit, runner: s.runner, acker: s.acker,
	}
	s.pollers.start()
	return s
}

func (s *subscription) run() {
	defer close(s.done)
	var keeping sync.WaitGroup
	keeping.Go(s.leases.keepExtending)

	<-s.polling.Done()
	defer s.schedule()()
	s.runner.gate.shut()
	close(s.output)
	s.pollers.running.Wait()
	s.runner.running.Wait()
	s.endContexts(ErrClosing)
	s.acker.drain()
	s.leases.stop()
	s.end()
	keeping.Wait()
	s.cutPolls()
	s.stop()
}

func (s *subscription) schedule() (cancel func()) {
	handling := max(s.cfg.CloseTimeout-s.cfg.HandBackTime, 0)
	var timers []*time.Timer
	at := func(after time.Duration, do func()) { timers = append(timers, time.AfterFunc(after, do)) }
	at(min(s.cfg.WaitTime+hangTime, handling), s.cutPolls)
	at(handling, func() { s.endContexts(ErrClosing) })
	at(handling+min(answerTime, s.cfg.HandBackTime/5), func() { close(s.abandoned) })
	at(s.cfg.CloseTimeout, s.end)
	return func() {
		for _, timer := range timers {
			timer.Stop()
		}
	}
}
