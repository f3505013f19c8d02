package cognito

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

type initiateAuthInput struct {
	AuthFlow          string
	AuthParameters    map[string]string
	ClientID          string `json:"ClientId"`
	ClientMetadata    map[string]string
	AnalyticsMetadata json.RawMessage
	UserContextData   json.RawMessage
}

type authOutput struct {
	AuthenticationResult *authenticationResult `json:"AuthenticationResult,omitempty"`
	ChallengeName        string                `json:"ChallengeName,omitempty"`
	Session              string                `json:"Session,omitempty"`
	ChallengeParameters  map[string]string     `json:"ChallengeParameters"`
}

type authenticationResult struct {
	AccessToken  string `json:"AccessToken"`
	ExpiresIn    int    `json:"ExpiresIn"`
	TokenType    string `json:"TokenType"`
	RefreshToken string `json:"RefreshToken,omitempty"`
	IDToken      string `json:"IdToken"`
}

func (t tokens) output() *authOutput {
	return &authOutput{ChallengeParameters: map[string]string{}, AuthenticationResult: &authenticationResult{
		AccessToken: t.Access, IDToken: t.ID, RefreshToken: t.Refresh, ExpiresIn: t.ExpiresIn, TokenType: "Bearer",
	}}
}

// initiateAuth signs a user in with a password or a refresh token. A temporary password leads
// to a challenge.
func (s *Service) initiateAuth(ctx context.Context, in *initiateAuthInput) (*authOutput, error) {
	c, p, err := s.findClientPool(in.ClientID)
	if err != nil {
		return nil, err
	}
	switch in.AuthFlow {
	case "USER_PASSWORD_AUTH":
		if !c.Settings.allowsFlow("USER_PASSWORD_AUTH") {
			return nil, invalid("USER_PASSWORD_AUTH flow not enabled for this client")
		}
		return s.passwordAuth(ctx, p, c, in.AuthParameters)
	case "REFRESH_TOKEN_AUTH", "REFRESH_TOKEN":
		if !c.Settings.allowsFlow("REFRESH_TOKEN_AUTH") {
			return nil, invalid("REFRESH_TOKEN_AUTH flow not enabled for this client")
		}
		issued, err := s.refreshAuth(p, c, in.AuthParameters)
		if err != nil {
			return nil, err
		}
		return issued.output(), nil
	case "USER_SRP_AUTH", "CUSTOM_AUTH", "USER_AUTH":
		return nil, wire.NotImplemented("The authentication flow " + in.AuthFlow)
	case "ADMIN_NO_SRP_AUTH", "ADMIN_USER_PASSWORD_AUTH":
		return nil, invalid("Initiate Auth method not supported.")
	default:
		var v constraints
		v.Text("authFlow", in.AuthFlow, 64)
		v.OneOf("authFlow", []string{
			"USER_SRP_AUTH", "REFRESH_TOKEN_AUTH", "REFRESH_TOKEN", "CUSTOM_AUTH", "ADMIN_NO_SRP_AUTH",
			"USER_PASSWORD_AUTH", "ADMIN_USER_PASSWORD_AUTH", "USER_AUTH",
		}, in.AuthFlow)
		return nil, v.err()
	}
}

func (s *Service) passwordAuth(ctx context.Context, p pool, c client, parameters map[string]string) (*authOutput, error) {
	name, password := parameters["USERNAME"], parameters["PASSWORD"]
	switch {
	case name == "":
		return nil, invalid("Missing required parameter USERNAME")
	case password == "":
		return nil, invalid("Missing required parameter PASSWORD")
	}
	if err := c.checkSecretHash(name, parameters["SECRET_HASH"]); err != nil {
		return nil, err
	}
	u, err := s.authenticate(ctx, p, name, password)
	switch {
	case errors.Is(err, errPasswordChange):
		session, err := s.startChallenge(c, u)
		if err != nil {
			return nil, err
		}
		return &authOutput{ChallengeName: newPasswordRequired, Session: session, ChallengeParameters: u.challengeParameters()}, nil
	case wire.IsCode(err, "UserNotFoundException") && c.Settings.hidesUsers():
		return nil, errWrongPassword
	case err != nil:
		return nil, err
	}
	issued, err := s.issue(p, c, s.newGrant(c, u, []string{userAdminScope}), "")
	if err != nil {
		return nil, err
	}
	return issued.output(), nil
}

func (s *Service) refreshAuth(p pool, c client, parameters map[string]string) (tokens, error) {
	token := cmp.Or(parameters["REFRESH_TOKEN"], parameters["REFRESH_TOKEN_AUTH"])
	if token == "" {
		return tokens{}, invalid("Missing required parameter REFRESH_TOKEN")
	}
	g, err := s.findRefreshToken(p, c, token)
	if err != nil {
		return tokens{}, err
	}
	if err := c.checkSecretHash(g.Username, parameters["SECRET_HASH"]); err != nil {
		return tokens{}, err
	}
	return s.mint(p, c, g, "")
}
