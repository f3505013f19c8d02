package pubsub

import (
	"slices"
	"sync"
	"time"
)

// leases extends the leases of everything held, in batches, until it is let go.
type leases struct {
	receiptCalls
	visibility time.Duration
	quit       chan struct{}

	mu   sync.Mutex
	held map[*delivery]bool
	// extending has the messages of every extension under way, and what is closed when that
	// one is over.
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

// drop ends the keeping of messages that are to be deleted.
func (l *leases) drop(ds ...*delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range ds {
		delete(l.held, d)
	}
}

// yieldTime is how long a message that goes back while the subscription closes waits for
// its extension under way.
const yieldTime = time.Second

// yield is drop for messages that go back. It waits for their extensions under way, which
// would otherwise undo the shorter time that they are then given. While the subscription
// closes it does not wait for long.
func (l *leases) yield(ds []*delivery) {
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
			late = time.After(yieldTime)
		}
		select {
		case <-extending:
		case <-late:
			return
		}
	}
}

// keep extends until stop. A message is due with half its lease left and looked at much
// more often, so an extension that failed is tried again in time. Extensions do not wait
// for each other: one that SQS is slow to answer costs no other message its lease.
func (l *leases) keep() {
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
	// Counted from before the request, so that we never think the lease longer than SQS
	// does.
	until := time.Now().Add(l.visibility)
	refusals := map[int]refusal{}
	for _, r := range l.changeVisibility(changes) {
		refusals[r.index] = r
		l.log.Warn().Err(r.err).Str("message_id", batch[r.index].id).Msg("extending a lease failed")
	}
	for i, d := range batch {
		switch r, refused := refusals[i]; {
		case !refused:
			d.extended(until)
		case r.final:
			// SQS does not know the receipt any more.
			d.lost()
		}
	}
}

// due lists in batches what to extend now, and notes that it is being extended.
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

// extended notes that the extension of a batch is over.
func (l *leases) extended(batch []*delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.extending[batch[0]])
	for _, d := range batch {
		delete(l.extending, d)
	}
}
