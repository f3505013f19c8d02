package sqs

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// maxRound limits the operations in a round.
const maxRound = 256

// engine is the only code that accesses the queues. Operations that arrive during a round form
// the next one.
type engine struct {
	ctx        context.Context // ends move tasks
	env        wire.Env
	oldReceipt func(operation string) bool

	mu      sync.Mutex
	waiting []*job
	running bool

	// queues belongs to runRounds. It is read again after a failed round, and before the first.
	queues *queues
}

type job struct {
	run  func(*round) error
	err  error
	done chan struct{}
}

// round is one transaction. Its operations see each other's changes.
type round struct {
	queues  *queues
	now     time.Time
	writes  []write
	records []func(*store.Tx) error
	undo    []func()
	touched map[*queue]bool
}

func newEngine(ctx context.Context, env wire.Env) *engine { return &engine{ctx: ctx, env: env} }

// do runs fn while nothing else reads or changes the queues, and returns once its changes are
// durable. fn runs exactly once and must not block. It must check everything before it changes
// anything, because nothing can be rolled back. After an error of the store nothing has
// changed.
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
		e.env.Log.Error().Err(err).Msg("cannot write the SQS queues")
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

// forget drops the queues after a failed round, for the next one to read. Waiting receivers
// retry.
func (e *engine) forget() {
	if e.queues == nil {
		return
	}
	for _, q := range e.queues.byName {
		q.dismiss()
	}
	e.queues = nil
}

// touch makes the engine wake receivers after the round.
func (r *round) touch(q *queue) { r.touched[q] = true }
