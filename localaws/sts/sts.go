// Package sts imitates AWS STS: GetCallerIdentity and AssumeRole. No signature is checked, so every
// caller is the one local user, unless it uses the credentials of a role, or an access key id in lower case,
// which names another user. Every role of the local
// account, and of the env's others, exists and trusts everybody; roles of all other accounts trust nobody.
package sts

import (
	"context"
	"net/http"
	"net/url"
	"regexp"

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
		return callerIdentity{ARN: who.ARN, UserID: who.ID, Account: wire.AccountIn(who.ARN)}, err
	}
	return callerIdentity{ARN: s.userARN(ctx), UserID: userID, Account: s.env.Caller(ctx)}, nil
}

// userForm is of access key ids that name their user, which those of AWS do not.
var userForm = regexp.MustCompile(`^[a-z][a-z0-9-]{0,63}$`)

// userARN is the user of an access key id: the one of that name, or else local.
func (s *Service) userARN(ctx context.Context) string {
	accessKey := accessKeyOf(ctx)
	if !userForm.MatchString(accessKey) {
		accessKey = "local"
	}
	return "arn:aws:iam::" + s.env.Caller(ctx) + ":user/" + accessKey
}

// caller is the ARN of the session or user.
func (s *Service) caller(ctx context.Context) string {
	if who, err := s.sessionOf(ctx); err == nil && who.ARN != "" {
		return who.ARN
	}
	return s.userARN(ctx)
}

func accessKeyOf(ctx context.Context) string {
	r := wire.RequestFrom(ctx)
	if r == nil {
		return ""
	}
	return wire.CallerOf(r).AccessKeyID
}

// Caller returns the ARN of the caller of a request, and the session's name if it is one of a role.
func (s *Service) Caller(r *http.Request) (arn string, session bool, err error) {
	who, err := s.sessionOf(wire.WithRequest(r.Context(), r))
	if err != nil || who.ARN != "" {
		return who.ARN, true, err
	}
	return s.userARN(wire.WithRequest(r.Context(), r)), false, nil
}
