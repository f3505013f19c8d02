// Package cognito is the local Amazon Cognito.
package cognito

import (
	"net/http"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// Service holds the user pools.
type Service struct{ env wire.Env }

// New returns the service.
func New(env wire.Env) *Service { return &Service{env: env} }

// JSON is the wire side of the user pools API.
func (s *Service) JSON() wire.JSONService {
	return wire.JSONService{Target: "AWSCognitoIdentityProviderService", Shape: "com.amazonaws.cognitoidentityprovider"}
}

// ServePages serves discovery, JWKS and the managed-login pages.
func (s *Service) ServePages(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }
