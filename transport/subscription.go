package transport

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// errShutdown is the cause that a message's context ends with when the subscriber
// closes and the handler has had its time.
var errShutdown = errors.New("the subscriber is closing")

// answerTime is how long handlers have to answer after their context ended. hangTime is
// how much longer than asked for a poll may take before closing takes it for hanging.
const (
	answerTime = time.Second
	hangTime   = 5 * time.Second
)

// subscription is one Subscribe: pollers that receive, group runs that hand out and wait
// for the answers, leases that keep what is held, and requests that settle it.
type subscription struct {
	topic  string
	url    string
	cfg    SubscriberConfig
	client queueReceiver
	output chan *message.Message

	// polling ends first: nothing more is received or handed out.
	polling context.Context
	stop    context.CancelFunc
	// receiving ends when polls under way are cut off.
	receiving context.Context
	hangUp    context.CancelFunc
	// handling is what the messages' contexts come from.
	handling context.Context
	cut      context.CancelCauseFunc
	// abandoned is closed when unanswered messages are given up.
	abandoned chan struct{}
	// end cuts off the requests that settle messages: closing has taken its time.
	end  context.CancelFunc
	over chan struct{}

	credit *credit
	// roused wakes extra pollers.
	roused chan struct{}
	leases *leases
	settle *settler

	pollers sync.WaitGroup
	runs    sync.WaitGroup
	gate    gate
}

func newSubscription(ctx context.Context, client queueReceiver, topic, url string, cfg SubscriberConfig) *subscription {
	s := &subscription{
		topic: topic, url: url, cfg: cfg, client: client,
		output:    make(chan *message.Message),
		abandoned: make(chan struct{}),
		over:      make(chan struct{}),
		credit:    newCredit(cfg.Concurrency),
		roused:    make(chan struct{}, cfg.Pollers-1),
	}
	s.polling, s.stop = context.WithCancel(ctx)
	s.receiving, s.hangUp = context.WithCancel(context.WithoutCancel(ctx))
	s.handling, s.cut = context.WithCancelCause(portal.WithStopping(context.WithoutCancel(ctx), s.polling.Done()))
	calls := receiptCalls{client: client, url: url, stopping: s.polling, log: cfg.Log.With().Str("queue", topic).Logger()}
	calls.life, s.end = context.WithCancel(context.Background())
	s.leases = newLeases(calls, cfg)
	s.settle = newSettler(calls, s.leases, cfg)
	for i := range cfg.Pollers {
		s.pollers.Go(func() { s.poll(i > 0) })
	}
	return s
}

// run sees the subscription through to its end. Everything that closing waits for ends
// by the schedule, so run is over after the CloseTimeout whatever SQS and the handlers do.
func (s *subscription) run() {
	defer close(s.over)
	var beating sync.WaitGroup
	beating.Go(s.leases.keep)

	<-s.polling.Done()
	defer s.schedule()()
	s.gate.shut()
	close(s.output)
	s.pollers.Wait()
	s.runs.Wait()
	s.cut(errShutdown)
	s.settle.drain()
	s.leases.stop()
	s.end()
	beating.Wait()
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
	at(handling, func() { s.cut(errShutdown) })
	at(handling+min(answerTime, s.cfg.SettleTime/5), func() { close(s.abandoned) })
	at(s.cfg.CloseTimeout, s.end)
	return func() {
		for _, timer := range timers {
			timer.Stop()
		}
	}
}

// gate lets messages out until it is shut.
type gate struct {
	mu      sync.Mutex
	closed  bool
	passing sync.WaitGroup
}

func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.passing.Add(1)
	return true
}

func (g *gate) leave() { g.passing.Done() }

// shut returns when nobody is in the gate and nobody can be again.
func (g *gate) shut() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.passing.Wait()
}
