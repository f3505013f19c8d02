package transport

import (
	"sync"
	"time"
)

// leases extends the leases of everything held, in batches, until it is let go.
type leases struct {
	requests
	visibility time.Duration
	quit       chan struct{}

	mu   sync.Mutex
	held map[*delivery]bool
	// beating is closed when the extension under way is over; nil if none is.
	beating chan struct{}
}

func newLeases(r requests, cfg SubscriberConfig) *leases {
	return &leases{requests: r, visibility: cfg.Visibility, quit: make(chan struct{}), held: map[*delivery]bool{}}
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

// yield is drop for messages that go back. It waits for an extension under way, which
// would otherwise undo the shorter time that they are then given.
func (l *leases) yield(ds []*delivery) {
	l.drop(ds...)
	l.mu.Lock()
	beating := l.beating
	l.mu.Unlock()
	if beating != nil {
		<-beating
	}
}

// keep extends until stop. A message is due with half its lease left, and looked at
// more often, so an extension that failed is tried twice again in time.
func (l *leases) keep() {
	ticker := time.NewTicker(l.visibility / 6)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			l.beat()
		case <-l.quit:
			return
		}
	}
}

func (l *leases) stop() { close(l.quit) }

func (l *leases) beat() {
	due, done := l.due()
	defer done()
	for len(due) > 0 {
		n := min(len(due), maxBatch)
		var changes []change
		for _, d := range due[:n] {
			changes = append(changes, change{d: d, visibility: l.visibility})
		}
		// Counted from before the request, so that we never think the lease longer
		// than SQS does.
		from := time.Now()
		for _, failed := range l.changeVisibility(changes) {
			changes[failed.index].d = nil
			l.log.Warn().Err(failed.err).Str("message_id", due[failed.index].id).Msg("extending a lease failed")
		}
		for _, c := range changes {
			if c.d != nil {
				c.d.extended(from.Add(l.visibility))
			}
		}
		due = due[n:]
	}
}

// due lists what to extend now and notes that an extension is under way until done.
func (l *leases) due() (due []*delivery, done func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for d := range l.held {
		if d.due(now, l.visibility) {
			due = append(due, d)
		}
	}
	if len(due) == 0 {
		return nil, func() {}
	}
	beating := make(chan struct{})
	l.beating = beating
	return due, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.beating = nil
		close(beating)
	}
}
