// Package cognito imitates Amazon Cognito user pools: their API, and OpenID Connect with
// sign-in and sign-up pages at Cognito's paths.
//
// It refuses requests for text messages, Lambda triggers, federation or multi-factor
// authentication. OnMail receives the mails, with codes that confirm an address or reset a
// password. A pool tagged with AutoConfirmTag confirms sign-ups at once, as a pre-sign-up
// trigger would.
//
// The data file holds passwords as argon2id hashes, and codes, sessions and refresh tokens as
// SHA-256 hashes, but no identity and access tokens.
package cognito

import (
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// Service holds the user pools.
type Service struct {
	env   wire.Env
	pages http.Handler
	// signers caches signing keys by pool id.
	signers sync.Map
	// hashing limits hashing to one password per processor. A hash takes about 20 ms and 19 MB.
	hashing chan struct{}
	post    atomic.Pointer[Post]
}

// New returns the service.
func New(env wire.Env) *Service {
	s := &Service{env: env, hashing: make(chan struct{}, runtime.GOMAXPROCS(0))}
	s.pages = s.routes()
	return s
}

// JSON returns the operations of the user pools API.
func (s *Service) JSON() wire.JSONService {
	return wire.JSONService{
		Target: "AWSCognitoIdentityProviderService",
		Shape:  "com.amazonaws.cognitoidentityprovider",
		Operations: map[string]wire.Operation{
			"CreateUserPool":            wire.Op(s.createUserPool),
			"DescribeUserPool":          wire.Op(s.describeUserPool),
			"UpdateUserPool":            wire.Op(s.updateUserPool),
			"DeleteUserPool":            wire.Op(s.deleteUserPool),
			"GetUserPoolMfaConfig":      wire.Op(s.getUserPoolMfaConfig),
			"SetUserPoolMfaConfig":      wire.Op(s.setUserPoolMfaConfig),
			"ListUserPools":             wire.Op(s.listUserPools),
			"CreateUserPoolClient":      wire.Op(s.createUserPoolClient),
			"UpdateUserPoolClient":      wire.Op(s.updateUserPoolClient),
			"DescribeUserPoolClient":    wire.Op(s.describeUserPoolClient),
			"DeleteUserPoolClient":      wire.Op(s.deleteUserPoolClient),
			"ListUserPoolClients":       wire.Op(s.listUserPoolClients),
			"CreateUserPoolDomain":      wire.Op(s.createUserPoolDomain),
			"DescribeUserPoolDomain":    wire.Op(s.describeUserPoolDomain),
			"DeleteUserPoolDomain":      wire.Op(s.deleteUserPoolDomain),
			"SignUp":                    wire.Op(s.signUp),
			"ConfirmSignUp":             wire.Op(s.confirmSignUp),
			"ResendConfirmationCode":    wire.Op(s.resendConfirmationCode),
			"ForgotPassword":            wire.Op(s.forgotPassword),
			"ConfirmForgotPassword":     wire.Op(s.confirmForgotPassword),
			"ChangePassword":            wire.Op(s.changePassword),
			"AdminConfirmSignUp":        wire.Op(s.adminConfirmSignUp),
			"AdminCreateUser":           wire.Op(s.adminCreateUser),
			"AdminSetUserPassword":      wire.Op(s.adminSetUserPassword),
			"AdminResetUserPassword":    wire.Op(s.adminResetUserPassword),
			"AdminGetUser":              wire.Op(s.adminGetUser),
			"AdminUpdateUserAttributes": wire.Op(s.adminUpdateUserAttributes),
			"AdminDisableUser":          wire.Op(s.adminDisableUser),
			"AdminEnableUser":           wire.Op(s.adminEnableUser),
			"AdminDeleteUser":           wire.Op(s.adminDeleteUser),
			"ListUsers":                 wire.Op(s.listUsers),
			"CreateGroup":               wire.Op(s.createGroup),
			"GetGroup":                  wire.Op(s.getGroup),
			"UpdateGroup":               wire.Op(s.updateGroup),
			"DeleteGroup":               wire.Op(s.deleteGroup),
			"ListGroups":                wire.Op(s.listGroups),
			"ListUsersInGroup":          wire.Op(s.listUsersInGroup),
			"AdminAddUserToGroup":       wire.Op(s.adminAddUserToGroup),
			"AdminRemoveUserFromGroup":  wire.Op(s.adminRemoveUserFromGroup),
			"AdminListGroupsForUser":    wire.Op(s.adminListGroupsForUser),
			"InitiateAuth":              wire.Op(s.initiateAuth),
			"RespondToAuthChallenge":    wire.Op(s.respondToAuthChallenge),
			"GetUser":                   wire.Op(s.getUser),
			"RevokeToken":               wire.Op(s.revokeToken),
			"GlobalSignOut":             wire.Op(s.globalSignOut),
			"AdminUserGlobalSignOut":    wire.Op(s.adminUserGlobalSignOut),
		},
	}
}

// ServePages serves discovery, JWKS, the OAuth endpoints and the sign-in pages.
func (s *Service) ServePages(w http.ResponseWriter, r *http.Request) { s.pages.ServeHTTP(w, r) }

type none struct{}

// epoch returns seconds since 1970, as AWS JSON does.
func epoch(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
