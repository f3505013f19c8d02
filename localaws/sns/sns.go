// Package sns is the local Amazon SNS.
package sns

import (
	"github.com/gatehouse-portal/gatehouse/localaws/sqs"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// Service holds the topics.
type Service struct {
	env    wire.Env
	queues *sqs.Service
}

// New returns the service.
func New(env wire.Env, queues *sqs.Service) *Service { return &Service{env: env, queues: queues} }

// Query is the wire side.
func (s *Service) Query() wire.QueryService {
	return wire.QueryService{Version: "2010-03-31", Namespace: "http://sns.amazonaws.com/doc/2010-03-31/"}
}
