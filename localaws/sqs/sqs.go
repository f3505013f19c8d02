// Package sqs is the local Amazon SQS.
package sqs

import (
	"context"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// Service holds the queues.
type Service struct{ env wire.Env }

// New returns the service; ctx ends its waiting long polls.
func New(ctx context.Context, env wire.Env) *Service { return &Service{env: env} }

// JSON is the wire side.
func (s *Service) JSON() wire.JSONService {
	return wire.JSONService{Target: "AmazonSQS", Shape: "com.amazonaws.sqs"}
}
