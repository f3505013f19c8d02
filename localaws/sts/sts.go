// Package sts is the local AWS STS: it answers who the caller is, and nothing
// else. Since no signature is checked, everyone is the one local user.
package sts

import (
	"context"
	"net/url"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// userID has the shape of an IAM user's unique id: AIDA and 16 or more
// characters of base 32.
const userID = "AIDALOCALAWSUSER00000"

// Service answers who the caller is.
type Service struct{ env wire.Env }

// New returns the service.
func New(env wire.Env) *Service { return &Service{env: env} }

// Query is the wire side.
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
		// IAM is global: its ARNs carry no Region.
		ARN:     "arn:aws:iam::" + s.env.Account + ":user/local",
		UserID:  userID,
		Account: s.env.Account,
	}, nil
}
