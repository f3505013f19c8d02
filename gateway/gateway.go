// Package gateway is the control plane of Amazon API Gateway as Gatehouse uses it:
// keys, their attachment to usage plans, and what the catalog is read from. AWS
// lets one account make few control-plane calls, cannot be told to make one only
// once, and attaches one key at a time. So every attempt here takes a token from a
// budget that all processes share, attaching and detaching take turns, and unclear
// answers are looked into by reading. The caller decides what to do and may call
// again; this package keeps no state of accounts or plans.
//
// One attempt, one token, one log line if it fails:
//
//	attach lease ── token ── room for keys? ── message's lease long enough? ── call ── answer
//	      │           │             │                    │                               │
//	      │           │        *LimitReached             │  nil, *Refused, *LimitReached, *Unavailable
//	      └───────────┴───────── *portal.Postponed ──────┘
//
// The attach lease is only for attaching and detaching, and the room only for creating keys.
//
// Sources: https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
// and the API reference of the operations.
package gateway

import (
	"cmp"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
)

// Config of New. The zero value is usable.
type Config struct {
	// CallTimeout bounds one attempt; 0 is 5 seconds.
	CallTimeout time.Duration
	// Observe counts attempts for metrics: the AWS operation and its outcome, one of
	// ok, postponed (nothing was called), throttled, full, refused, forbidden,
	// not_found, conflict and unavailable. It must not block. nil counts nothing.
	Observe func(operation, outcome string)
}

// ControlPlane is API Gateway's control plane within its budget. It is safe for
// concurrent use.
type ControlPlane struct {
	client  *apigateway.Client
	budget  *Budget
	timeout time.Duration
	observe func(operation, outcome string)
	// attaching counts the calls of this process that wait for their turn to attach.
	attaching atomic.Int32
}

// Client is an API Gateway client without the SDK's own retries: they would make
// attempts that no token was taken for, and would repeat a LimitExceededException
// as if it were a throttle.
func Client(cfg aws.Config) *apigateway.Client {
	return apigateway.NewFromConfig(cfg, func(o *apigateway.Options) { o.Retryer = aws.NopRetryer{} })
}

// New returns the control plane. The client must be one that Client made.
func New(client *apigateway.Client, budget *Budget, cfg Config) *ControlPlane {
	cp := &ControlPlane{client: client, budget: budget, timeout: cmp.Or(cfg.CallTimeout, 5*time.Second), observe: cfg.Observe}
	if cp.observe == nil {
		cp.observe = func(string, string) {}
	}
	return cp
}

// Now is the time by the clock of the budget.
func (cp *ControlPlane) Now() time.Time { return cp.budget.now() }

// Attaching is how many calls of this process wait for their turn to attach.
func (cp *ControlPlane) Attaching() int { return int(cp.attaching.Load()) }
