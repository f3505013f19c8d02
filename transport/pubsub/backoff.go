package pubsub

import (
	"context"
	"math/rand/v2"
	"time"
)

// Backoff is the default delay before a nacked message is delivered again. It doubles with each
// receive, from 1 s up to a minute, less up to half of it at random, so that failed messages do
// not come back together.
func Backoff(received int) time.Duration {
	return jittered(time.Second, time.Minute, received)
}

func jittered(first, most time.Duration, try int) time.Duration {
	delay := first
	for i := 1; i < try && delay < most; i++ {
		delay *= 2
	}
	delay = min(delay, most)
	return delay - rand.N(delay/2+1)
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
