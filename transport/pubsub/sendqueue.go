package pubsub

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

const (
	// eager is how many batches may be under way for one that is not full to join
	// them at once. Above, it waits for more messages or for a batch to land: no
	// delay when there is little to send, full batches when there is much.
	eager = 2
	// sendTries is how often an entry is sent that AWS could not take and does not
	// blame on us, or that a request held which was not answered.
	sendTries = 4
)

// sendFunc makes one batch request, once: what the SDK repeats by itself it does not tell
// of. An error is about the whole batch.
type sendFunc func(ctx context.Context, to string, batch []*entry) ([]refusal, error)

// sendQueue is what waits for one queue or topic, in the order of arrival.
type sendQueue struct {
	cfg  PublisherConfig
	to   string
	send sendFunc

	mu      sync.Mutex
	waiting []*entry
	batches int
	// flying holds the groups that a batch under way carries. No second batch may:
	// AWS does not say which of two requests it takes first.
	flying  map[string]bool
	flights sync.WaitGroup
}

var errFull = errors.New("too many messages are waiting to be sent")

func (q *sendQueue) add(entries []*entry) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting)+len(entries) > q.cfg.MaxWaiting {
		return errFull
	}
	q.waiting = append(q.waiting, entries...)
	q.launch()
	return nil
}

// withdraw takes back what a caller no longer waits for, as far as it has not left.
func (q *sendQueue) withdraw(c *call) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = slices.DeleteFunc(q.waiting, func(e *entry) bool {
		if e.call != c {
			return false
		}
		c.record(e, context.Cause(c.ctx))
		return true
	})
}

// launch sends as many batches as may be sent now. The caller holds the lock.
func (q *sendQueue) launch() {
	for q.batches < q.cfg.InFlight {
		batch, full, rest := q.next()
		if len(batch) == 0 || (!full && q.batches >= eager) {
			return
		}
		q.waiting = rest
		for _, e := range batch {
			if e.group != "" {
				q.flying[e.group] = true
			}
		}
		q.batches++
		q.flights.Go(func() { q.fly(batch) })
	}
}

// next is the batch that could leave now, whether it has all that fits, and what
// would be left waiting.
func (q *sendQueue) next() (batch []*entry, full bool, rest []*entry) {
	var passed []*entry
	bytes, at := 0, 0
	for ; at < len(q.waiting); at++ {
		e := q.waiting[at]
		if e.group != "" && q.flying[e.group] {
			passed = append(passed, e)
			continue
		}
		if len(batch) == maxBatch || bytes+e.size > q.cfg.MaxBatchBytes {
			full = true
			break
		}
		batch = append(batch, e)
		bytes += e.size
	}
	full = full || len(batch) == maxBatch
	if len(passed) == 0 {
		return batch, full, q.waiting[at:]
	}
	return batch, full, append(passed, q.waiting[at:]...)
}

// fly sends a batch, and again what AWS could not take of it or did not answer for. Where
// messages have a deduplication id, one that was taken after all is not taken twice. The
// groups of the batch stay locked until then, so that nothing newer overtakes what is
// sent again.
func (q *sendQueue) fly(batch []*entry) {
	ctx, cancel := context.WithTimeout(context.Background(), q.cfg.Timeout)
	defer cancel()
	again := batch
	for try := 1; len(again) > 0; try++ {
		if try > 1 {
			pause(ctx, jittered(50*time.Millisecond, time.Second, try-1))
		}
		again = q.attempt(ctx, again, try)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, e := range batch {
		delete(q.flying, e.group)
	}
	q.batches--
	q.launch()
}

// attempt makes one request, settles what is decided and returns what is worth another.
func (q *sendQueue) attempt(ctx context.Context, batch []*entry, try int) (again []*entry) {
	refusals, err := q.request(ctx, batch, try)
	if err != nil {
		refusals = allRefused(len(batch), err)
		unsure := mayHaveTaken(err)
		for _, e := range batch {
			e.unsure = e.unsure || unsure
		}
	}
	last := try == sendTries || ctx.Err() != nil
	refused := map[int]bool{}
	for _, r := range refusals {
		refused[r.index] = true
		e := batch[r.index]
		if r.final || last || e.call.ctx.Err() != nil {
			e.call.record(e, r.err)
			continue
		}
		again = append(again, e)
	}
	for i, e := range batch {
		if !refused[i] {
			e.call.record(e, nil)
		}
	}
	return again
}

// request leaves the first try half of the time, so that a connection that has died
// without a word does not cost all of it.
func (q *sendQueue) request(ctx context.Context, batch []*entry, try int) ([]refusal, error) {
	if try == 1 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, q.cfg.Timeout/2)
		defer cancel()
	}
	return q.send(ctx, q.to, batch)
}
