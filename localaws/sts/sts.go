// Package sts is the local AWS STS.
package sts

import "github.com/gatehouse-portal/gatehouse/localaws/wire"

// Service answers who the caller is.
type Service struct{ env wire.Env }

// New returns the service.
func New(env wire.Env) *Service { return &Service{env: env} }

// Query is the wire side.
func (s *Service) Query() wire.QueryService {
	return wire.QueryService{Version: "2011-06-15", Namespace: "https://sts.amazonaws.com/doc/2011-06-15/"}
}
