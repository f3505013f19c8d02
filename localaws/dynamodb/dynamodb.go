// Package dynamodb is the local Amazon dynamodb.
package dynamodb

import "github.com/gatehouse-portal/gatehouse/localaws/wire"

// Service holds the state.
type Service struct{ env wire.Env }

// New returns the service.
func New(env wire.Env) *Service { return &Service{env: env} }

// JSON is the wire side.
func (s *Service) JSON() wire.JSONService {
	return wire.JSONService{Target: "DynamoDB_20120810", Shape: "com.amazonaws.dynamodb.v20120810"}
}
