package apigateway

import "time"

// The switches change how the service behaves from the next request on. They may
// be called at any time, and are not kept in the data file.

// SetKeyLimit changes how many API keys the account may have; AWS allows 10,000.
// Keys beyond a lower limit stay.
func (s *Service) SetKeyLimit(n int) { s.keyLimit.Store(int64(n)) }

// SetQuotas enforces that share of AWS's published quotas on the control plane: 1
// is what AWS allows, 0.5 half of it, and 0, as at the start, no quota. What
// exceeds them is refused with 429 TooManyRequestsException. Every call begins
// with full buckets. The clock is Env.Now.
func (s *Service) SetQuotas(share float64) { s.quotas.set(share) }

// SetConcurrentModification makes CreateUsagePlanKey and DeleteUsagePlanKey take
// that long (on AWS about a second) and refuse each other meanwhile with 409
// ConflictException; 0, as at the start, lets any number run at once. AWS does
// not say whether ImportApiKeys takes part; here it does not.
func (s *Service) SetConcurrentModification(takes time.Duration) { s.attaching.set(takes) }

// SetPropagation sets how long after a key was attached to a plan the data plane
// still refuses it; 0, as at the start, is not at all. AWS speaks of a few minutes.
// It applies to attachments made before the call too, and is exact to the second,
// by Env.Now.
func (s *Service) SetPropagation(delay time.Duration) { s.propagation.Store(int64(delay)) }
