package apigateway

import "time"

// The setters take effect from the next request on and may be called at any time. Their
// values are not in the data file.

// SetKeyLimit sets the maximum number of API keys; AWS allows 10,000. Existing keys beyond
// it stay.
func (s *Service) SetKeyLimit(n int) { s.keyLimit.Store(int64(n)) }

// SetQuotas enforces a share of AWS's published control-plane quotas: 1 is what AWS allows,
// 0, the default, no quota. Requests beyond them get 429 TooManyRequestsException. Every
// call starts with full buckets. The clock is Env.Now.
func (s *Service) SetQuotas(share float64) { s.quotas.set(share) }

// SetConcurrentModification sets how long CreateUsagePlanKey and DeleteUsagePlanKey take
// (on AWS about a second). Meanwhile others get 409 ConflictException. 0, the default,
// allows any number at once. AWS does not document whether this applies to ImportApiKeys;
// here it does not.
func (s *Service) SetConcurrentModification(takes time.Duration) { s.attaching.set(takes) }

// SetPropagation sets how long the data plane refuses a newly attached key, to the second
// of Env.Now. The default is 0; AWS speaks of a few minutes. It also applies to earlier
// attachments.
func (s *Service) SetPropagation(delay time.Duration) { s.propagation.Store(int64(delay)) }
