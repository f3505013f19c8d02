package apigateway

import (
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// published are AWS's control-plane quotas per account: requests per second, and burst
// (developer guide, "Amazon API Gateway quotas"). Other operations share only the total.
// AWS publishes only the total's burst; here the others have one second's worth. An
// ImportApiKeys is one request, whatever its number of keys.
var published = map[string]struct {
	rate  float64
	burst int
}{
	total:             {10, 40},
	"CreateApiKey":    {5, 5},
	"DeleteApiKey":    {5, 5},
	"UpdateUsagePlan": {1.0 / 20, 1},
}

const total = ""

// accountQuotas are token buckets; none allow everything.
type accountQuotas struct {
	mu      sync.Mutex
	buckets map[string]*rate.Limiter
}

func (q *accountQuotas) set(share float64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.buckets = map[string]*rate.Limiter{}
	if share <= 0 {
		return
	}
	for name, have := range published {
		burst := max(1, int(math.Round(float64(have.burst)*share)))
		q.buckets[name] = rate.NewLimiter(rate.Limit(have.rate*share), burst)
	}
}

// allow takes a token from the total and from the operation's own bucket, or none at all:
// refused requests cost nothing.
func (q *accountQuotas) allow(name string, now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	own, all := q.buckets[name], q.buckets[total]
	switch {
	case all == nil:
		return true
	case own == nil:
		return all.AllowN(now, 1)
	case own.TokensAt(now) < 1 || all.TokensAt(now) < 1:
		return false
	}
	return own.AllowN(now, 1) && all.AllowN(now, 1)
}
