// Package apigateway is a local Amazon API Gateway: REST APIs (v1), usage plans and API keys. The
// control plane uses restJson1, as AWS does. The data plane calls HTTP backends on this machine and
// enforces keys, throttles and quotas. Other calls get status 501.
//
// Names, defaults and errors follow the Amazon API Gateway API Reference (version 2015-07-09). Where
// AWS documents no text, ours imitates its style.
package apigateway

import (
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// Service holds REST APIs, usage plans and keys in the data file. Only the throttles'
// tokens are in memory.
type Service struct {
	env        wire.Env
	limits     limits
	operations operations
	counts     counts
	onCall     func(Call)
	backends   http.RoundTripper
	trees      trees
	throttles  throttles

	quotas      accountQuotas
	attaching   oneChange
	keyLimit    atomic.Int64
	propagation atomic.Int64 // nanoseconds
}

// limits are AWS's quotas per account and Region ("Amazon API Gateway quotas" in the
// developer guide), except the number of keys.
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

// ServeControl serves the control plane. Errors have the header X-Amzn-Errortype and a body
// {"message": …}.
func (s *Service) ServeControl(w http.ResponseWriter, r *http.Request) {
	s.operations.mux.ServeHTTP(w, r)
}

func (s *Service) now() int64 { return s.env.Now().Unix() }
