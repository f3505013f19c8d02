package localaws

import (
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/faults"
)

// Limits are API Gateway's limits that slow its clients down. The zero value enforces none
// but AWS's number of API keys. They are not kept in the data file.
type Limits struct {
	// Quotas is the enforced share of AWS's published control-plane quotas: 1 is what AWS
	// allows, 0 means no quota.
	Quotas float64
	// ConcurrentModification is how long it takes to attach a key to a plan or to detach
	// it. Others are refused meanwhile.
	ConcurrentModification time.Duration
	// Propagation is how long the data plane refuses a key after it was attached.
	Propagation time.Duration
	// Keys is the number of API keys that the account may have; 0 means AWS's 10,000.
	Keys int
}

// AWSLimits returns the limits that a client of AWS's control plane meets, hence without
// Propagation.
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

// SetFaults replaces the plan of faults, from the next request on. An invalid plan or an
// unknown operation is an error.
func (s *Server) SetFaults(plan faults.Plan) error { return s.faults.Set(plan) }

// Counts returns the number of calls of each operation. Those of apigateway include calls
// refused because of Limits.
func (s *Server) Counts() faults.Counts {
	all := s.faults.Counts()
	for operation, n := range s.gateway.Counts() {
		all.Add("apigateway", operation, faults.Throttled, int(n.Throttled))
		all.Add("apigateway", operation, faults.Colliding, int(n.Colliding))
	}
	return all
}
