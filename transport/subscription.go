package transport

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
)

// errShutdown is the cause that a message's context ends with when the subscriber
// closes and the handler has had its time.
var errShutdown = errors.New("the subscriber is closing")

// settleTime is how long handlers have to answer after their context ended.
const settleTime = time.Second

// subscription is one Subscribe: pollers that receive, lanes that hand out and wait
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
	over      chan struct{}

	credit *credit
	// roused wakes extra pollers.
	roused chan struct{}
	leases *leases
	settle *settler

	pollers sync.WaitGroup
	lanes   sync.WaitGroup
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
	s.handling, s.cut = context.WithCancelCause(context.WithoutCancel(ctx))
	requests := requests{client: client, url: url, log: cfg.Log.With().Str("queue", topic).Logger()}
	s.leases = newLeases(requests, cfg)
	s.settle = newSettler(requests, s.leases, cfg)
	for i := range cfg.Pollers {
		s.pollers.Go(func() { s.poll(i > 0) })
	}
	return s
}

// run sees the subscription through to its end.
func (s *subscription) run() {
	defer close(s.over)
	var beating sync.WaitGroup
	beating.Go(s.leases.keep)

	<-s.polling.Done()
	deadline := time.Now().Add(s.cfg.CloseTimeout)
	s.gate.shut()
	close(s.output)
	if !waited(&s.pollers, time.Until(deadline)) {
		s.hangUp()
		s.pollers.Wait()
	}

	if !waited(&s.lanes, time.Until(deadline)) {
		s.cut(errShutdown)
		if !waited(&s.lanes, min(settleTime, s.cfg.CloseTimeout)) {
			close(s.abandoned)
			s.lanes.Wait()
		}
	}
	s.cut(errShutdown)
	s.settle.drain()
	s.leases.stop()
	beating.Wait()
	s.hangUp()
	s.stop()
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

// waited says whether the group was done in time.
func waited(group *sync.WaitGroup, most time.Duration) bool {
	done := make(chan struct{})
	go func() {
		group.Wait()
		close(done)
	}()
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}
