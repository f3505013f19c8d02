package handlers

import (
	"sync"
	"time"
)

const (
	followedFor = 5 * time.Minute
	// maxFollowed bounds the requests in memory. Forgetting one costs sending its facts again.
	maxFollowed = 1 << 14
)

// followed remembers the requests whose facts and wake-ups this process has handed to SNS and
// SQS, which lose nothing.
type followed struct {
	now func() time.Time
	mu  sync.Mutex
	at  map[string]time.Time
}

func newFollowed(now func() time.Time) *followed {
	return &followed{now: now, at: map[string]time.Time{}}
}

func (f *followed) lately(request string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	at, ok := f.at[request]
	return ok && f.now().Sub(at) < followedFor
}

func (f *followed) note(request string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.at) >= maxFollowed {
		clear(f.at)
	}
	f.at[request] = f.now()
}
