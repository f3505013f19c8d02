// Package gateway calls the control plane of Amazon API Gateway: it creates keys, attaches them
// to usage plans, and reads what the catalog needs. AWS allows few calls, offers no idempotency
// tokens, and attaches one key at a time. So every attempt takes a token from a budget that all
// processes share, attaching and detaching take turns, and reading resolves unclear answers. Any
// call may be repeated.
//
// One attempt takes one token, and logs one line if it fails:
//
//	attach lease ── token ── room for keys? ── message's lease long enough? ── call ── answer
//	      │           │             │                    │                               │
//	      │           │        *LimitReached             │  nil, *Refused, *LimitReached, *Unavailable
//	      └───────────┴───────── *portal.Postponed ──────┘
//
// Only calls that change the keys of plans need the attach lease, and only creating keys needs
// room.
//
// Sources: https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html and the API
// reference of the operations.
package gateway

import (
	"cmp"
	"context"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
)

// Config configures a control plane. The zero value is usable.
type Config struct {
	// CallTimeout bounds one attempt; 0 is 5 seconds.
	CallTimeout time.Duration
	// Observe counts attempts. outcome is ok, postponed (no call was made), throttled, full,
	// refused, forbidden, not_found, conflict or unavailable. It must not block; nil counts
	// nothing.
	Observe func(operation, outcome string)
}

// ControlPlane makes control-plane calls within a budget. It is safe for concurrent use.
type ControlPlane struct {
	client    *apigateway.Client
	budget    *Budget
	timeout   time.Duration
	observe   func(operation, outcome string)
	attaching atomic.Int32
}

// Client returns an API Gateway client that never retries: the SDK's retries take no token, and
// repeat a LimitExceededException as if it were a throttle.
func Client(cfg aws.Config) *apigateway.Client {
	return apigateway.NewFromConfig(cfg, func(o *apigateway.Options) { o.Retryer = aws.NopRetryer{} })
}

// New returns the control plane. The client must come from Client.
func New(client *apigateway.Client, budget *Budget, cfg Config) *ControlPlane {
	cp := &ControlPlane{client: client, budget: budget, timeout: cmp.Or(cfg.CallTimeout, 5*time.Second), observe: cfg.Observe}
	if cp.observe == nil {
		cp.observe = func(string, string) {}
	}
	return cp
}

// Close waits until the leases of finished calls are free for other processes, or ctx ends.
func (cp *ControlPlane) Close(ctx context.Context) {
	released := make(chan struct{})
	go func() {
		defer close(released)
		cp.budget.attach.releasing.Wait()
	}()
	select {
	case <-released:
	case <-ctx.Done():
	}
}

// Now is the time by the budget's clock.
func (cp *ControlPlane) Now() time.Time { return cp.budget.now() }

// Attaching counts this process's calls that wait for the attach lease.
func (cp *ControlPlane) Attaching() int { return int(cp.attaching.Load()) }
