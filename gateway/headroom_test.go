package gateway

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-portal/gatehouse/gateway/gatewaytest"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// strict throttles every call beyond the limits, by token buckets, as AWS does.
type strict struct {
	limits limits

	mu        sync.Mutex
	tokens    map[class]float64
	at        time.Time
	allowed   int
	throttled int
}

func (s *strict) allows(buckets ...class) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.tokens == nil {
		s.tokens, s.at = map[class]float64{}, now
		for c, size := range s.limits {
			s.tokens[c] = size.burst
		}
	}
	for c, size := range s.limits {
		s.tokens[c] = min(size.burst, s.tokens[c]+size.rate*now.Sub(s.at).Seconds())
	}
	s.at = now
	for _, c := range buckets {
		if s.tokens[c] < 1-1e-6 {
			s.throttled++
			return false
		}
	}
	for _, c := range buckets {
		s.tokens[c]--
	}
	s.allowed++
	return true
}

// rush is an API Gateway behind those limits. The first calls after began reach it late, as if
// over new connections.
func (s *strict) rush(began *atomic.Int64) func(op string, pass func() (*http.Response, error)) (*http.Response, error) {
	return func(op string, _ func() (*http.Response, error)) (*http.Response, error) {
		if time.Now().UnixMilli()-began.Load() < 100 {
			time.Sleep(250 * time.Millisecond)
		}
		buckets := []class{total}
		if op == "CreateApiKey" {
			buckets = append(buckets, createKey)
		}
		if !s.allows(buckets...) {
			return gatewaytest.Answer(http.StatusTooManyRequests, "TooManyRequestsException", "Rate exceeded")(nil)
		}
		time.Sleep(rand.N(time.Second))
		return &http.Response{
			StatusCode: http.StatusCreated, Header: http.Header{"Content-Type": {"application/json"}},
			Body: io.NopCloser(strings.NewReader(`{"id":"k","item":[]}`)),
		}, nil
	}
}

func TestIfAWSEnforcesExactlyTheShareNoCallIsThrottled(t *testing.T) {
	t.Parallel()
	for share, calls := range map[float64]int{0.25: 100, 0.5: 400, 1: 200} {
		t.Run(fmt.Sprint(share), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			synctest.Test(t, func(t *testing.T) {
				defer time.Sleep(tokenWait) // until every taker has stopped
				aws := &strict{limits: quotas.scaled(share)}
				var began atomic.Int64
				w.Wire.Tamper(aws.rush(&began))
				processes := []*ControlPlane{w.controlPlane(t, w.process(t, share), Config{}), w.controlPlane(t, w.process(t, share), Config{})}
				for n := 0; n < calls; {
					began.Store(time.Now().UnixMilli())
					var rush sync.WaitGroup
					for range 50 {
						which := n
						s := processes[n%2].Session(Interactive, nil)
						rush.Go(func() { untilDone(t, func() error { return one(t, s, which) }) })
						n++
					}
					rush.Wait()
					time.Sleep(5 * time.Second) // until the bucket is full again
				}
				if aws.throttled > 0 || aws.allowed != calls {
					t.Errorf("%d calls were throttled and %d let through, want 0 and %d", aws.throttled, aws.allowed, calls)
				}
			})
		})
	}
}

// one makes one call; n decides which.
func one(t *testing.T, s *Session, n int) error {
	t.Helper()
	switch n % 10 {
	case 0:
		return s.Attach(t.Context(), "plan", "key")
	case 1:
		_, err := s.CreateKey(t.Context(), Key{Name: "k", Value: value(n)})
		return err
	default:
		_, err := s.UsagePlans(t.Context())
		return err
	}
}

// untilDone repeats a call while it is postponed, as a queue would, until it succeeds or fails.
func untilDone(t *testing.T, call func() error) {
	t.Helper()
	for {
		err := call()
		var later *portal.Postponed
		switch {
		case errors.As(err, &later):
			time.Sleep(later.After)
		case err != nil:
			t.Error(err)
			return
		default:
			return
		}
	}
}
