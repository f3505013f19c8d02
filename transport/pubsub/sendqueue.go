package pubsub

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

const (
	// Up to eager batches are sent at once even if they are not full, so that few messages are
	// not delayed. Further ones wait until they are full or an earlier one is answered.
	eager     = 2
	sendTries = 4
)

// sendFunc makes one batch request, without the SDK's retries, which the SDK does not report.
// An error is about the whole batch.
type sendFunc func(ctx context.Context, to string, batch []*entry) ([]failedEntry, error)

type sendQueue struct {
	cfg  PublisherConfig
	to   string
	send sendFunc

	mu      sync.Mutex
	waiting []*entry
	batches int
	// No second batch may carry a group in flight: AWS does not say which of two requests it
	// takes first.
	groupsInFlight map[string]bool
	sending        sync.WaitGroup
}

var errFull = errors.New("too many messages are waiting to be sent")

func (q *sendQueue) add(entries []*entry) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting)+len(entries) > q.cfg.MaxWaiting {
		return errFull
	}
	q.waiting = append(q.waiting, entries...)
	q.sendWaiting()
	return nil
}

func (q *sendQueue) drop(c *call) {
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

// The caller of sendWaiting holds the lock.
func (q *sendQueue) sendWaiting() {
	for q.batches < q.cfg.InFlight {
		batch, full, rest := q.next()
		if len(batch) == 0 || (!full && q.batches >= eager) {
			return
		}
		q.waiting = rest
		for _, e := range batch {
			if e.group != "" {
				q.groupsInFlight[e.group] = true
			}
		}
		q.batches++
		q.sending.Go(func() { q.sendBatch(batch) })
	}
}

func (q *sendQueue) next() (batch []*entry, full bool, rest []*entry) {
	var passed []*entry
	bytes, at := 0, 0
	for ; at < len(q.waiting); at++ {
		e := q.waiting[at]
		if e.group != "" && q.groupsInFlight[e.group] {
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

// sendBatch sends a batch, and again the entries that AWS did not confirm. AWS drops duplicates
// with a deduplication id. The groups stay in flight until the end, so nothing newer overtakes an
// entry that is sent again.
func (q *sendQueue) sendBatch(batch []*entry) {
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
		delete(q.groupsInFlight, e.group)
	}
	q.batches--
	q.sendWaiting()
}

func (q *sendQueue) attempt(ctx context.Context, batch []*entry, try int) (again []*entry) {
	failures, err := q.request(ctx, batch, try)
	if err != nil {
		failures = allFailed(len(batch), err)
		unsure := mayHaveTaken(err)
		for _, e := range batch {
			e.unsure = e.unsure || unsure
		}
	}
	last := try == sendTries || ctx.Err() != nil
	failed := map[int]bool{}
	for _, r := range failures {
		failed[r.index] = true
		e := batch[r.index]
		if r.final || last || e.call.ctx.Err() != nil {
			e.call.record(e, r.err)
			continue
		}
		again = append(again, e)
	}
	for i, e := range batch {
		if !failed[i] {
			e.call.record(e, nil)
		}
	}
	return again
}

// request leaves the first try half of the time, in case its connection is dead. A panic is the
// batch's error, since other callers wait for it.
func (q *sendQueue) request(ctx context.Context, batch []*entry, try int) (failed []failedEntry, err error) {
	defer portal.Recover(&err)
	if try == 1 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, q.cfg.Timeout/2)
		defer cancel()
	}
	return q.send(ctx, q.to, batch)
}
