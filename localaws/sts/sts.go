// Package sts imitates AWS STS: GetCallerIdentity and AssumeRole. No signature is checked, so every
// caller is the one local user, unless it uses the credentials of a role. Every role of the local
// account exists and trusts everybody; roles of other accounts trust nobody.
package sts

import (
	"context"
	"net/url"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// userID has the form of an IAM user's id: AIDA and at least 16 characters of base 32.
const userID = "AIDALOCALAWSUSER00000"

// Service answers the calls.
type Service struct{ env wire.Env }

// New returns the service.
func New(env wire.Env) *Service { return &Service{env: env} }

// Query returns the operations of the STS API.
func (s *Service) Query() wire.QueryService {
	return wire.QueryService{
		Version:   "2011-06-15",
		Namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
		Operations: map[string]wire.QueryOperation{
			"GetCallerIdentity": s.callerIdentity,
			"AssumeRole":        s.assumeRole,
		},
	}
}

type callerIdentity struct {
	ARN     string `xml:"Arn"`
	UserID  string `xml:"UserId"`
	Account string `xml:"Account"`
}

func (s *Service) callerIdentity(ctx context.Context, _ url.Values) (any, error) {
	who, err := s.sessionOf(ctx)
	if err != nil || who.ARN != "" {
		return callerIdentity{ARN: who.ARN, UserID: who.ID, Account: s.env.Account}, err
	}
	return callerIdentity{ARN: s.userARN(), UserID: userID, Account: s.env.Account}, nil
}

// userARN has no Region, as all of IAM's.
func (s *Service) userARN() string { return "arn:aws:iam::" + s.env.Account + ":user/local" }
