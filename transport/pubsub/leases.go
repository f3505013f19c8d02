package pubsub

import (
	"slices"
	"sync"
	"time"
)

type leases struct {
	receiptCalls
	visibility time.Duration
	quit       chan struct{}

	mu         sync.Mutex
	held       map[*delivery]bool
	extending  map[*delivery]chan struct{}
	extensions sync.WaitGroup
}

func newLeases(r receiptCalls, cfg SubscriberConfig) *leases {
	return &leases{
		receiptCalls: r, visibility: cfg.Visibility, quit: make(chan struct{}),
		held: map[*delivery]bool{}, extending: map[*delivery]chan struct{}{},
	}
}

func (l *leases) hold(ds []*delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range ds {
		l.held[d] = true
	}
}

func (l *leases) drop(ds ...*delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range ds {
		delete(l.held, d)
	}
}

const extensionWait = time.Second

// dropAfterExtension is for messages that are handed back: an extension under way would
// overwrite their new, shorter timeout.
func (l *leases) dropAfterExtension(ds []*delivery) {
	l.drop(ds...)
	var late <-chan time.Time
	for _, d := range ds {
		l.mu.Lock()
		extending := l.extending[d]
		l.mu.Unlock()
		if extending == nil {
			continue
		}
		select {
		case <-extending:
			continue
		case <-l.stopping.Done():
		}
		if late == nil {
			late = time.After(extensionWait)
		}
		select {
		case <-extending:
		case <-late:
			return
		}
	}
}

// keepExtending looks often, to retry failed extensions in time. It waits for no answer, so a
// slow one costs no other message its lease.
func (l *leases) keepExtending() {
	ticker := time.NewTicker(l.visibility / 12)
	defer ticker.Stop()
	defer l.extensions.Wait()
	for {
		select {
		case <-ticker.C:
			for _, batch := range l.due() {
				l.extensions.Go(func() { l.extend(batch) })
			}
		case <-l.quit:
			return
		}
	}
}

func (l *leases) stop() { close(l.quit) }

func (l *leases) extend(batch []*delivery) {
	defer l.extended(batch)
	changes := make([]change, len(batch))
	for i, d := range batch {
		changes[i] = change{d: d, visibility: l.visibility}
	}
	// Counted from before the request, so we never take the lease for longer than SQS does.
	until := time.Now().Add(l.visibility)
	failed := map[int]failedEntry{}
	for _, r := range l.changeVisibility(changes) {
		failed[r.index] = r
		l.log.Warn().Err(r.err).Str("sqs_message_id", batch[r.index].id).Msg("extending a lease failed")
	}
	for i, d := range batch {
		switch r, ok := failed[i]; {
		case !ok:
			d.extended(until)
		case r.final:
			// SQS no longer knows the receipt.
			d.lost()
		}
	}
}

func (l *leases) due() [][]*delivery {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	var due []*delivery
	for d := range l.held {
		if l.extending[d] == nil && d.due(now, l.visibility) {
			due = append(due, d)
		}
	}
	batches := slices.Collect(slices.Chunk(due, maxBatch))
	for _, batch := range batches {
		over := make(chan struct{})
		for _, d := range batch {
			l.extending[d] = over
		}
	}
	return batches
}

func (l *leases) extended(batch []*delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.extending[batch[0]])
	for _, d := range batch {
		delete(l.extending, d)
	}
}
