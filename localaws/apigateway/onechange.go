package apigateway

import (
	"context"
	"net/http"
	"sync"
	"time"
)

var errConcurrent = conflict("Unable to complete operation due to concurrent modification. Please try again later.")

// oneChange allows one change of attachments at a time in the account, as AWS does: each
// takes about a second, and others are refused meanwhile. It uses real time, because the
// caller waits.
type oneChange struct {
	mu    sync.Mutex
	takes time.Duration
	// busy is closed when the current change ends; nil between changes.
	busy chan struct{}
}

func (o *oneChange) set(takes time.Duration) {
	o.mu.Lock()
	busy := o.busy
	o.takes = takes
	o.mu.Unlock()
	o.end(busy)
}

func (o *oneChange) begin() (busy chan struct{}, takes time.Duration, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.takes <= 0:
		return nil, 0, nil
	case o.busy != nil:
		return nil, 0, errConcurrent
	}
	o.busy = make(chan struct{})
	return o.busy, o.takes, nil
}

func (o *oneChange) end(busy chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if busy != nil && o.busy == busy {
		close(busy)
		o.busy = nil
	}
}

// changeAttachments runs a change of attachments. It takes effect at once, and then blocks
// others for its time, even if the caller goes away. A failed change does not block.
func changeAttachments[T any](s *Service, r *http.Request, change func() (*T, error)) (*T, error) {
	busy, takes, err := s.attaching.begin()
	if err != nil {
		return nil, err
	}
	out, err := change()
	if err != nil || busy == nil {
		s.attaching.end(busy)
		return out, err
	}
	time.AfterFunc(takes, func() { s.attaching.end(busy) })
	waitFor(r.Context(), busy)
	return out, nil
}

func waitFor(ctx context.Context, done <-chan struct{}) {
	select {
	case <-done:
	case <-ctx.Done():
	}
}
