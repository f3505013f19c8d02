package library

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/portal"
)

const tryAgain = time.Minute

type sourced struct {
	name, audience string
	entries        []entry
}

// indexer keeps the index of the current catalog. Searches use it while the next one is built.
type indexer struct {
	library   *Library
	log       zerolog.Logger
	now       func() time.Time
	stop      context.Context
	cancel    context.CancelFunc
	working   sync.WaitGroup
	first     chan struct{}
	firstOnce sync.Once

	mu      sync.Mutex
	wanted  *edition
	running bool
	// again is when to rebuild the index because something could not be read; zero if nothing is
	// missing.
	again time.Time

	use   sync.RWMutex
	index *index

	// known are the last index's sources by name. Only the goroutine that builds uses it.
	known map[string]sourced
}

func newIndexer(l *Library, now func() time.Time) *indexer {
	i := &indexer{library: l, log: l.log, now: now, first: make(chan struct{})}
	i.stop, i.cancel = context.WithCancel(context.Background())
	return i
}

func (i *indexer) want(e *edition) {
	i.mu.Lock()
	defer i.mu.Unlock()
	same := i.wanted == e
	if i.stop.Err() != nil || same && (i.again.IsZero() || i.now().Before(i.again)) {
		return
	}
	i.wanted, i.again = e, time.Time{}
	if i.running {
		return
	}
	i.running = true
	i.working.Go(i.work)
}

func (i *indexer) work() {
	for {
		i.mu.Lock()
		wanted := i.wanted
		i.mu.Unlock()
		missing := 0
		err := portal.Guard(func() (err error) {
			missing, err = i.build(wanted)
			return err
		})()
		i.mu.Lock()
		if err != nil || missing > 0 {
			i.again = i.now().Add(tryAgain)
		}
		done := i.wanted == wanted || i.stop.Err() != nil
		i.running = !done
		i.mu.Unlock()
		if err != nil && i.stop.Err() == nil {
			portal.WithStack(i.log.Error().Err(err), err).Msg("the search index could not be built")
		}
		if done {
			return
		}
	}
}

// build replaces the index. It reads and parses only new sources. missing is how many could not be
// read.
func (i *indexer) build(e *edition) (missing int, err error) {
	products, definitions := i.library.sources(e.document)
	known := map[string]sourced{}
	var all []sourced
	read := func(sources []source) error {
		for _, source := range sources {
			one, ok := i.known[source.name]
			if !ok {
				entries, err := source.entries(i.stop)
				if i.stop.Err() != nil {
					return i.stop.Err()
				}
				if err != nil {
					missing++
					portal.WithStack(i.log.Warn().Err(err), err).Msg("a part of the catalog is missing in the search index")
				}
				one = sourced{source.name, source.audience, entries}
				if err == nil {
					known[source.name] = one
				}
			} else {
				known[source.name] = one
			}
			all = append(all, one)
		}
		return nil
	}
	if err := read(products); err != nil {
		return missing, err
	}
	if i.known == nil && len(definitions) > 0 { // the first index, while documents are parsed
		if err := i.replace(all); err != nil {
			return missing, err
		}
	}
	if err := read(definitions); err != nil {
		return missing, err
	}
	if err := i.replace(all); err != nil {
		return missing, err
	}
	i.known = known
	i.firstOnce.Do(func() { close(i.first) })
	return missing, nil
}

func (i *indexer) replace(with []sourced) error {
	next, err := newIndex(i.stop, with)
	if err != nil {
		return err
	}
	i.use.Lock()
	last := i.index
	i.index = next
	i.use.Unlock()
	if last != nil {
		return last.bleve.Close()
	}
	return nil
}

// ready waits at most this long for a complete index, and reports whether there is one.
func (i *indexer) ready(ctx context.Context, wait time.Duration) bool {
	select {
	case <-i.first:
		return true
	default:
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-i.first:
		return true
	case <-timer.C:
	case <-ctx.Done():
	case <-i.stop.Done():
	}
	return false
}

func (i *indexer) find(ctx context.Context, q question, audiences []string, fuzzy bool) ([]entry, error) {
	i.use.RLock()
	defer i.use.RUnlock()
	if i.index == nil {
		return nil, nil
	}
	return i.index.find(ctx, q, audiences, fuzzy)
}

func (i *indexer) close() error {
	i.mu.Lock()
	i.cancel()
	i.mu.Unlock()
	i.working.Wait()
	i.use.Lock()
	defer i.use.Unlock()
	last := i.index
	i.index = nil
	if last != nil {
		return last.bleve.Close()
	}
	return nil
}
