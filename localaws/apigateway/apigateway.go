// Package apigateway is the local Amazon API Gateway.
package apigateway

import (
	"net/http"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// Service holds REST APIs, usage plans and keys.
type Service struct{ env wire.Env }

// New returns the service.
func New(env wire.Env) *Service { return &Service{env: env} }

// ServeControl is the control plane.
func (s *Service) ServeControl(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }

// ServeData is the data plane.
func (s *Service) ServeData(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }
