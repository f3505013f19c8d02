package localaws

import (
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/faults"
)

// Limits are those of API Gateway that slow its clients down; the zero value is
// none of them. They are not kept in the data file.
type Limits struct {
	// Quotas is the share of AWS's published control plane quotas that is enforced:
	// 1 is what AWS allows, 0 no quota.
	Quotas float64
	// ConcurrentModification is how long attaching a key to a plan, or detaching it,
	// takes; another one meanwhile is refused. 0 is no time.
	ConcurrentModification time.Duration
	// Propagation is how long after it was attached a key is still refused by the
	// data plane.
	Propagation time.Duration
	// Keys is how many API keys the account may have; 0 is AWS's 10,000.
	Keys int
}

// AWSLimits are the limits of a real account, but for propagation: what a client of
// the control plane has to live with.
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

// SetFaults replaces the plan of faults, from the next request on. It refuses a
// plan that makes no sense or names an operation that there is none of.
func (s *Server) SetFaults(plan faults.Plan) error { return s.faults.Set(plan) }

// Counts are the calls of all operations so far. Under apigateway they hold, beside
// the faults, what was refused for Limits.
func (s *Server) Counts() faults.Counts {
	all := s.faults.Counts()
	for operation, n := range s.gateway.Counts() {
		all.Add("apigateway", operation, faults.Throttled, int(n.Throttled))
		all.Add("apigateway", operation, faults.Colliding, int(n.Colliding))
	}
	return all
}
