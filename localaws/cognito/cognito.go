// Package cognito is the local stand-in for Amazon Cognito user pools: the API
// that manages pools, clients, users and groups and signs users in, and on the
// HTTP side OpenID Connect with sign-in and sign-up pages at Cognito's paths.
//
// What there is none of here: mail and text messages, Lambda triggers, federation,
// multi-factor authentication, password recovery. Asking for them is refused. A
// pool tagged with AutoConfirmTag confirms its sign-ups at once, as a pre-sign-up
// trigger would.
//
// In the data file passwords are argon2id hashes, and authorization codes,
// refresh tokens and login sessions are SHA-256 hashes; identity and access
// tokens are not kept at all.
package cognito

import (
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// Service holds the user pools.
type Service struct {
	env   wire.Env
	pages http.Handler
	// signers caches the parsed signing key of each pool, by pool id.
	signers sync.Map
	// hashing has room for as many password hashes as there are processors: each
	// takes one for some 20 ms and 19 MB of memory.
	hashing chan struct{}
}

// New returns the service.
func New(env wire.Env) *Service {
	s := &Service{env: env, hashing: make(chan struct{}, runtime.GOMAXPROCS(0))}
	s.pages = s.routes()
	return s
}

// JSON is the wire side of the user pools API.
func (s *Service) JSON() wire.JSONService {
	return wire.JSONService{
		Target: "AWSCognitoIdentityProviderService",
		Shape:  "com.amazonaws.cognitoidentityprovider",
		Operations: map[string]wire.Operation{
			"CreateUserPool":           wire.Op(s.createUserPool),
			"DescribeUserPool":         wire.Op(s.describeUserPool),
			"ListUserPools":            wire.Op(s.listUserPools),
			"CreateUserPoolClient":     wire.Op(s.createUserPoolClient),
			"UpdateUserPoolClient":     wire.Op(s.updateUserPoolClient),
			"DescribeUserPoolClient":   wire.Op(s.describeUserPoolClient),
			"ListUserPoolClients":      wire.Op(s.listUserPoolClients),
			"CreateUserPoolDomain":     wire.Op(s.createUserPoolDomain),
			"DescribeUserPoolDomain":   wire.Op(s.describeUserPoolDomain),
			"SignUp":                   wire.Op(s.signUp),
			"AdminConfirmSignUp":       wire.Op(s.adminConfirmSignUp),
			"AdminCreateUser":          wire.Op(s.adminCreateUser),
			"AdminSetUserPassword":     wire.Op(s.adminSetUserPassword),
			"AdminGetUser":             wire.Op(s.adminGetUser),
			"AdminDeleteUser":          wire.Op(s.adminDeleteUser),
			"ListUsers":                wire.Op(s.listUsers),
			"CreateGroup":              wire.Op(s.createGroup),
			"ListGroups":               wire.Op(s.listGroups),
			"AdminAddUserToGroup":      wire.Op(s.adminAddUserToGroup),
			"AdminRemoveUserFromGroup": wire.Op(s.adminRemoveUserFromGroup),
			"AdminListGroupsForUser":   wire.Op(s.adminListGroupsForUser),
			"InitiateAuth":             wire.Op(s.initiateAuth),
			"GetUser":                  wire.Op(s.getUser),
			"RevokeToken":              wire.Op(s.revokeToken),
		},
	}
}

// ServePages serves discovery, JWKS, the OAuth endpoints and the sign-in pages.
func (s *Service) ServePages(w http.ResponseWriter, r *http.Request) { s.pages.ServeHTTP(w, r) }

// none is the answer of operations that answer nothing.
type none struct{}

// epoch is how AWS JSON writes a time: seconds since 1970, as a number.
func epoch(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
