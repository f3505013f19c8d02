package sqs

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// maxRound bounds how many operations share one transaction.
const maxRound = 256

// engine is the only one that touches the queues. Operations are handed to do;
// those that arrive while a round is being written wait and form the next one.
type engine struct {
	ctx context.Context // ends what goes on by itself
	env wire.Env
	// oldReceipt: see Service.OnOldReceipt.
	oldReceipt func(operation string) bool

	mu      sync.Mutex
	waiting []*job
	running bool

	// queues belongs to the goroutine that runs the rounds; nil before the first
	// round and after one that could not be written, until it is read again.
	queues *queues
}

type job struct {
	run  func(*round) error
	err  error
	done chan struct{}
}

// round is one step of the engine: the operations in it see each other's
// changes, and all of them are made durable together.
type round struct {
	queues  *queues
	now     time.Time
	writes  []write
	records []func(*store.Tx) error
	undo    []func()
	touched map[*queue]bool
}

func newEngine(ctx context.Context, env wire.Env) *engine { return &engine{ctx: ctx, env: env} }

// do runs fn while nothing else reads or changes the queues, and returns when
// what it changed is durable. fn runs exactly once, must not block, and checks
// all its conditions before it changes anything: there is no way back. An error
// of fn's comes back as it is; the other errors are the store's, and then
// nothing was changed.
func (e *engine) do(fn func(*round) error) error {
	j := &job{run: fn, done: make(chan struct{})}
	e.mu.Lock()
	e.waiting = append(e.waiting, j)
	start := !e.running
	e.running = true
	e.mu.Unlock()
	if start {
		go e.runRounds()
	}
	<-j.done
	return j.err
}

func (e *engine) runRounds() {
	for {
		e.mu.Lock()
		n := min(len(e.waiting), maxRound)
		jobs := e.waiting[:n:n]
		e.waiting = e.waiting[n:]
		if n == 0 {
			e.waiting = nil
			e.running = false
			e.mu.Unlock()
			return
		}
		e.mu.Unlock()
		e.runRound(jobs)
	}
}

func (e *engine) runRound(jobs []*job) {
	r := &round{touched: map[*queue]bool{}}
	if err := e.perform(r, jobs); err != nil {
		e.env.Log.Error().Err(err).Msg("SQS could not write its queues")
		for _, j := range jobs {
			j.err = err
		}
		for _, undo := range r.undo {
			undo()
		}
		e.forget()
	}
	for _, j := range jobs {
		close(j.done)
	}
	if e.queues != nil {
		for q := range r.touched {
			q.wake(e)
		}
		e.keepMoving()
	}
}

func (e *engine) perform(r *round, jobs []*job) error {
	if e.queues == nil {
		if err := e.env.DB.View(func(tx *store.Tx) (err error) {
			e.queues, err = load(tx, e.env)
			return err
		}); err != nil {
			e.queues = nil
			return fmt.Errorf("reading the queues: %w", err)
		}
	}
	r.queues = e.queues
	r.queues.oldReceipt = e.oldReceipt
	for _, j := range jobs {
		r.now = e.env.Now()
		j.err = j.run(r)
	}
	if len(r.writes) == 0 && len(r.records) == 0 {
		return nil
	}
	return e.env.DB.Update(r.apply)
}

// forget drops what is in memory after a round that could not be written; the
// next round reads the file again. Whoever waits for messages tries again.
func (e *engine) forget() {
	if e.queues == nil {
		return
	}
	for _, q := range e.queues.byName {
		q.dismiss()
	}
	e.queues = nil
}

// touch has the queue's waiting receivers looked after when the round is durable.
func (r *round) touch(q *queue) { r.touched[q] = true }
