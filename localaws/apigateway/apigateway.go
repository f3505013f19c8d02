// Package apigateway is the local Amazon API Gateway: REST APIs (v1), usage
// plans and API keys. The control plane speaks restJson1 as AWS does; the data
// plane carries requests to HTTP backends on this machine and enforces keys,
// throttles and quotas. What it does not implement it refuses with status 501
// instead of accepting it without effect.
//
// Names, defaults and errors follow the Amazon API Gateway API Reference
// (version 2015-07-09). Where AWS documents no text, ours is in AWS's style.
package apigateway

import (
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// Service holds REST APIs, usage plans and keys. All of it is in the data file
// but the throttles, which start full after a restart.
type Service struct {
	env        wire.Env
	limits     limits
	operations operations
	counts     counts
	backends   http.RoundTripper
	trees      trees
	throttles  throttles

	quotas      accountQuotas
	attaching   oneChange
	keyLimit    atomic.Int64
	propagation atomic.Int64 // nanoseconds
}

// limits are AWS's quotas per account and Region; see "Amazon API Gateway quotas"
// in its developer guide. That of keys is the service's keyLimit.
type limits struct {
	plans, plansPerKey, throttlesPerStage int
}

// New returns the service.
func New(env wire.Env) *Service {
	s := &Service{
		env:    env,
		limits: limits{plans: 300, plansPerKey: 10, throttlesPerStage: 20},
		counts: counts{byName: map[string]Count{}},
		backends: &http.Transport{
			Proxy:               func(*http.Request) (*url.URL, error) { return nil, nil },
			DisableCompression:  true,
			MaxIdleConnsPerHost: 256,
			IdleConnTimeout:     30 * time.Second,
		},
	}
	s.SetKeyLimit(10_000)
	s.route()
	return s
}

// ServeControl is the control plane. A refusal is a header X-Amzn-Errortype and
// a body {"message": …}.
func (s *Service) ServeControl(w http.ResponseWriter, r *http.Request) {
	s.operations.mux.ServeHTTP(w, r)
}

// now is the time stamp of the control plane's answers: seconds since 1970.
func (s *Service) now() int64 { return s.env.Now().Unix() }
