// Package kms is the local Amazon kms.
package kms

import "github.com/gatehouse-portal/gatehouse/localaws/wire"

// Service holds the state.
type Service struct{ env wire.Env }

// New returns the service.
func New(env wire.Env) *Service { return &Service{env: env} }

// JSON is the wire side.
func (s *Service) JSON() wire.JSONService {
	return wire.JSONService{Target: "TrentService", Shape: "com.amazonaws.kms"}
}
