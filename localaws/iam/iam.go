// Package iam imitates two calls of AWS IAM: GetRole, for which every role exists, and
// SimulatePrincipalPolicy. Everybody may do everything,
// except what Deny takes away. Denied actions are denied in simulations only: the local AWS checks no
// permissions.
package iam

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/url"
	"strings"
	"sync"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// Service answers the call.
type Service struct {
	env wire.Env

	mu     sync.Mutex
	denied map[string]bool
}

// New returns the service.
func New(env wire.Env) *Service { return &Service{env: env} }

// Deny makes simulations deny exactly these actions, such as "sqs:CreateQueue".
func (s *Service) Deny(actions ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.denied = map[string]bool{}
	for _, action := range actions {
		s.denied[strings.ToLower(action)] = true
	}
}

// Query returns the operations of the IAM API.
func (s *Service) Query() wire.QueryService {
	return wire.QueryService{
		Version:    "2010-05-08",
		Namespace:  "https://iam.amazonaws.com/doc/2010-05-08/",
		Operations: map[string]wire.QueryOperation{"GetRole": s.getRole, "SimulatePrincipalPolicy": s.simulate},
	}
}

type role struct {
	XMLName xml.Name `xml:"GetRoleResult"`
	Name    string   `xml:"Role>RoleName"`
	ARN     string   `xml:"Role>Arn"`
	Path    string   `xml:"Role>Path"`
}

// Path is the path of every role here, as IAM Identity Center gives its roles one.
const Path = "/local/"

func (s *Service) getRole(_ context.Context, form url.Values) (any, error) {
	name := form.Get("RoleName")
	if name == "" {
		return nil, wire.Errorf("ValidationError", "1 validation error detected: Value at 'roleName' failed to satisfy constraint: Member must not be null")
	}
	return role{Name: name, ARN: "arn:aws:iam::" + s.env.Account + ":role" + Path + name, Path: Path}, nil
}

type simulation struct {
	XMLName     xml.Name `xml:"SimulatePrincipalPolicyResult"`
	IsTruncated bool     `xml:"IsTruncated"`
	Results     []result `xml:"EvaluationResults>member"`
}

type result struct {
	Action   string `xml:"EvalActionName"`
	Resource string `xml:"EvalResourceName"`
	Decision string `xml:"EvalDecision"`
}

// simulate needs no paging, since it evaluates few actions.
func (s *Service) simulate(_ context.Context, form url.Values) (any, error) {
	source := form.Get("PolicySourceArn")
	if !strings.HasPrefix(source, "arn:aws:iam::"+s.env.Account+":user/") && !strings.HasPrefix(source, "arn:aws:iam::"+s.env.Account+":role"+Path) {
		return nil, wire.Errorf("InvalidInput", "Invalid Entity Arn: %s does not clearly define entity type and name.", source)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := simulation{}
	for i := 1; ; i++ {
		action := form.Get(fmt.Sprintf("ActionNames.member.%d", i))
		if action == "" {
			return out, nil
		}
		decision := "allowed"
		if s.denied[strings.ToLower(action)] {
			decision = "implicitDeny"
		}
		out.Results = append(out.Results, result{action, "*", decision})
	}
}
