package transport

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

const (
	// maxBatch is the most entries of any SQS or SNS batch request.
	maxBatch = 10
	// eager is how many batches may be under way for one that is not full to join
	// them at once. Above, it waits for more messages or for a batch to land: no
	// delay when there is little to send, full batches when there is much.
	eager = 2
	// sendTries is how often an entry is sent that AWS could not take and does not
	// blame on us, or that a request held which was not answered.
	sendTries = 4
)

// refusal is AWS's answer for one entry of a batch.
type refusal struct {
	index int
	// final: it was refused for what it is, so sending it again is no use.
	final bool
	err   error
}

// sendFunc makes one batch request, once: what the SDK repeats by itself it does not tell
// of. An error is about the whole batch.
type sendFunc func(ctx context.Context, to string, batch []*entry) ([]refusal, error)

// line is what waits for one queue or topic, in the order of arrival.
type line struct {
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

func (l *line) add(entries []*entry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting)+len(entries) > l.cfg.MaxWaiting {
		return errFull
	}
	l.waiting = append(l.waiting, entries...)
	l.launch()
	return nil
}

// withdraw takes back what a caller no longer waits for, as far as it has not left.
func (l *line) withdraw(c *call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = slices.DeleteFunc(l.waiting, func(e *entry) bool {
		if e.call != c {
			return false
		}
		c.settle(e, context.Cause(c.ctx))
		return true
	})
}

// launch sends as many batches as may be sent now. The caller holds the lock.
func (l *line) launch() {
	for l.batches < l.cfg.InFlight {
		batch, full, rest := l.next()
		if len(batch) == 0 || (!full && l.batches >= eager) {
			return
		}
		l.waiting = rest
		for _, e := range batch {
			if e.group != "" {
				l.flying[e.group] = true
			}
		}
		l.batches++
		l.flights.Go(func() { l.fly(batch) })
	}
}

// next is the batch that could leave now, whether it has all that fits, and what
// would be left waiting.
func (l *line) next() (batch []*entry, full bool, rest []*entry) {
	var passed []*entry
	bytes, at := 0, 0
	for ; at < len(l.waiting); at++ {
		e := l.waiting[at]
		if e.group != "" && l.flying[e.group] {
			passed = append(passed, e)
			continue
		}
		if len(batch) == maxBatch || bytes+e.size > l.cfg.MaxBatchBytes {
			full = true
			break
		}
		batch = append(batch, e)
		bytes += e.size
	}
	full = full || len(batch) == maxBatch
	if len(passed) == 0 {
		return batch, full, l.waiting[at:]
	}
	return batch, full, append(passed, l.waiting[at:]...)
}

// fly sends a batch, and again what AWS could not take of it or did not answer for. Where
// messages have a deduplication id, one that was taken after all is not taken twice. The
// groups of the batch stay locked until then, so that nothing newer overtakes what is
// sent again.
func (l *line) fly(batch []*entry) {
	ctx, cancel := context.WithTimeout(context.Background(), l.cfg.Timeout)
	defer cancel()
	again := batch
	for try := 1; len(again) > 0; try++ {
		if try > 1 {
			pause(ctx, jittered(50*time.Millisecond, time.Second, try-1))
		}
		again = l.attempt(ctx, again, try)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range batch {
		delete(l.flying, e.group)
	}
	l.batches--
	l.launch()
}

// attempt makes one request, settles what is decided and returns what is worth another.
func (l *line) attempt(ctx context.Context, batch []*entry, try int) (again []*entry) {
	refusals, err := l.request(ctx, batch, try)
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
			e.call.settle(e, r.err)
			continue
		}
		again = append(again, e)
	}
	for i, e := range batch {
		if !refused[i] {
			e.call.settle(e, nil)
		}
	}
	return again
}

// request leaves the first try half of the time, so that a connection that has died
// without a word does not cost all of it. A panic is the batch's error, since other callers
// wait for it.
func (l *line) request(ctx context.Context, batch []*entry, try int) (refusals []refusal, err error) {
	defer portal.Recover(&err)
	if try == 1 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, l.cfg.Timeout/2)
		defer cancel()
	}
	return l.send(ctx, l.to, batch)
}

// refusedEntry is the error of one entry, in AWS's words.
func refusedEntry(code, text string) error {
	if text == "" {
		return fmt.Errorf("refused with %s", code)
	}
	return fmt.Errorf("refused with %s: %s", code, text)
}
