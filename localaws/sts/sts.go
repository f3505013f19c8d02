// Package sts imitates AWS STS's GetCallerIdentity. No signature is checked, so every caller
// is the one local user.
package sts

import (
	"context"
	"net/url"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// userID has the form of an IAM user's id: AIDA and at least 16 characters of base 32.
const userID = "AIDALOCALAWSUSER00000"

// Service answers GetCallerIdentity.
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
		},
	}
}

type callerIdentity struct {
	ARN     string `xml:"Arn"`
	UserID  string `xml:"UserId"`
	Account string `xml:"Account"`
}

func (s *Service) callerIdentity(context.Context, url.Values) (any, error) {
	return callerIdentity{
		// IAM ARNs have no Region.
		ARN:     "arn:aws:iam::" + s.env.Account + ":user/local",
		UserID:  userID,
		Account: s.env.Account,
	}, nil
}
