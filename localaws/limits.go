package localaws

import (
	"context"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/faults"
)

// Limits are API Gateway's limits that slow its clients down. The zero value enforces only
// AWS's number of API keys. They are not in the data file.
type Limits struct {
	// Quotas is the enforced share of AWS's published control-plane quotas: 1 is what AWS
	// allows, 0 no quota.
	Quotas float64
	// ConcurrentModification is how long attaching or detaching a key takes. Others are
	// refused meanwhile.
	ConcurrentModification time.Duration
	// Propagation is how long the data plane refuses a key after it was attached.
	Propagation time.Duration
	// Keys is the maximum number of API keys; 0 means AWS's 10,000.
	Keys int
}

// AWSLimits returns the limits of AWS's control plane, without Propagation.
func AWSLimits() Limits {
	return Limits{Quotas: 1, ConcurrentModification: time.Second}
}

// SetLimits replaces the limits, from the next request on.
func (s *Server) SetLimits(l Limits) {
	s.gateway.SetQuotas(l.Quotas)
	s.gateway.SetConcurrentModification(l.ConcurrentModification)
	s.gateway.SetPropagation(l.Propagation)
	if l.Keys == 0 {
		l.Keys = 10_000
	}
	s.gateway.SetKeyLimit(l.Keys)
}

// SetFaults replaces the plan of faults, from the next request on. It refuses an invalid
// plan or an unknown operation.
func (s *Server) SetFaults(plan faults.Plan) error { return s.faults.Set(plan) }

// Handle applies the faults of handlers; see faults.Injector.
func (s *Server) Handle(ctx context.Context, messageType string) error {
	return s.faults.Handle(ctx, messageType)
}

// Counts returns each operation's number of calls. Those of apigateway include calls
// refused because of Limits.
func (s *Server) Counts() faults.Counts {
	all := s.faults.Counts()
	for operation, n := range s.gateway.Counts() {
		all.Add("apigateway", operation, faults.Throttled, int(n.Throttled))
		all.Add("apigateway", operation, faults.Colliding, int(n.Colliding))
	}
	return all
}
