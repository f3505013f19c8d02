package tryit

import "github.com/gatehouse-portal/gatehouse/outbound"

// Failure is why no whole answer came.
type Failure = outbound.Failure

// The failures.
const (
	FailurePrivate = outbound.FailurePrivate
	FailureDNS     = outbound.FailureDNS
	FailureRefused = outbound.FailureRefused
	FailureTLS     = outbound.FailureTLS
	FailureTimeout = outbound.FailureTimeout
	FailureNetwork = outbound.FailureNetwork
)
