package apigateway

import (
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// throttles are the token buckets of the keys in use, one for each plan and key,
// and one for each of the plan's methods that has a throttle of its own; and those of
// stages. They live in memory: after a restart every bucket is full.
type throttles struct {
	mu      sync.Mutex
	buckets map[string]*rate.Limiter
}

// allow takes a token, if a throttle applies. Without a rate there is
// nothing to enforce; without a burst a bucket holds one second's worth. A
// changed plan applies from the next call on, to the tokens that are there.
func (t *throttles) allow(limit *throttle, bucket string, now time.Time) bool {
	if limit == nil || limit.RateLimit == 0 {
		return true
	}
	burst := limit.BurstLimit
	if burst == 0 {
		burst = int(math.Ceil(limit.RateLimit))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.buckets == nil {
		t.buckets = map[string]*rate.Limiter{}
	}
	b := t.buckets[bucket]
	if b == nil {
		b = rate.NewLimiter(rate.Limit(limit.RateLimit), burst)
		t.buckets[bucket] = b
	}
	if b.Limit() != rate.Limit(limit.RateLimit) {
		b.SetLimitAt(now, rate.Limit(limit.RateLimit))
	}
	if b.Burst() != burst {
		b.SetBurstAt(now, burst)
	}
	return b.AllowN(now, 1)
}
