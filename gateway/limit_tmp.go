package gateway

// Limit names one of AWS's quotas.
type Limit string

// PlansPerKey is one.
const PlansPerKey Limit = "plans_per_key"

// LimitReached is temporary.
type LimitReached struct {
	Limit Limit
	Err   error
}

func (l *LimitReached) Error() string { return "limit" }
