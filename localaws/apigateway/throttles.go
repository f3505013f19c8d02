package apigateway

import (
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// throttles are token buckets: one for each plan and key, and for each throttle of a method
// or stage. They are in memory, and full after a restart.
type throttles struct {
	mu      sync.Mutex
	buckets map[string]*rate.Limiter
}

// allow takes a token. Without a throttle or rate it allows every call; without a burst the
// bucket holds one second's worth. A changed limit keeps the tokens.
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
