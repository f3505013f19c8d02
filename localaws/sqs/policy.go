package sqs

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// policy is a queue's access policy. It applies to services, such as SNS, and to clients of other
// accounts, but not to those of the queue's own: the local AWS checks no permissions of theirs.
//
// Setting a policy with other elements is refused (IAM User Guide, "IAM JSON policy elements
// reference").
type policy struct {
	Statement statements
}

type statement struct {
	Effect                string
	Principal             *principals
	NotPrincipal          *principals
	Action, NotAction     texts
	Resource, NotResource texts
	Condition             map[string]map[string]texts
	Sid                   string
}

// statements and texts are one element or a list in JSON.
type (
	statements []statement
	texts      []string
)

func (s *statements) UnmarshalJSON(raw []byte) error {
	var one statement
	if err := strictly(raw, &one); err == nil {
		*s = statements{one}
		return nil
	}
	var all []json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		return fmt.Errorf("reading statements: %w", err)
	}
	*s = make(statements, len(all))
	for i, raw := range all {
		if err := strictly(raw, &(*s)[i]); err != nil {
			return err
		}
	}
	return nil
}

func strictly(raw []byte, into any) error {
	if !json.Valid(raw) {
		return errors.New("the policy is not JSON")
	}
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.DisallowUnknownFields()
	return dec.Decode(into)
}

// UnmarshalJSON also accepts the booleans and numbers of conditions.
func (t *texts) UnmarshalJSON(raw []byte) error {
	var all []any
	if err := json.Unmarshal(raw, &all); err != nil {
		var one any
		if err := json.Unmarshal(raw, &one); err != nil {
			return err
		}
		all = []any{one}
	}
	*t = texts{}
	for _, v := range all {
		switch v := v.(type) {
		case string:
			*t = append(*t, v)
		case bool, float64:
			*t = append(*t, fmt.Sprint(v))
		default:
			return fmt.Errorf("%s is not a text", raw)
		}
	}
	return nil
}

// principals is "*", or names by kind: AWS, Service and others.
type principals struct {
	everybody bool
	byKind    map[string]texts
}

func (p *principals) UnmarshalJSON(raw []byte) error {
	if string(raw) == `"*"` {
		p.everybody = true
		return nil
	}
	return json.Unmarshal(raw, &p.byKind)
}

// include treats AWS: * as including services. Of a client it looks at the account, or at the role if the client is one.
func (p *principals) include(a asked) bool {
	if p.everybody || slices.Contains(p.byKind["AWS"], "*") {
		return true
	}
	if a.service != "" {
		return slices.Contains(p.byKind["Service"], a.service) || slices.Contains(p.byKind["Service"], "*")
	}
	return slices.ContainsFunc(p.byKind["AWS"], func(named string) bool {
		return named == a.account || named == "arn:aws:iam::"+a.account+":root" || a.role != "" && named == a.role
	})
}

func parsePolicy(value string) (*policy, error) {
	if value == "" {
		return nil, nil
	}
	var document struct {
		Version, ID string
		policy
	}
	if err := strictly([]byte(value), &document); err != nil {
		return nil, invalidAttributeValue("Policy")
	}
	if !slices.Contains([]string{"", "2012-10-17", "2008-10-17"}, document.Version) || len(document.Statement) == 0 {
		return nil, invalidAttributeValue("Policy")
	}
	for _, s := range document.Statement {
		if err := s.check(); err != nil {
			return nil, err
		}
	}
	return &document.policy, nil
}

func (s statement) check() error {
	if s.Effect != "Allow" && s.Effect != "Deny" ||
		(s.Principal == nil) == (s.NotPrincipal == nil) ||
		(s.Action == nil) == (s.NotAction == nil) ||
		s.Resource != nil && s.NotResource != nil {
		return invalidAttributeValue("Policy")
	}
	for operator := range s.Condition {
		if _, ok := conditionOperators[strings.TrimSuffix(operator, "IfExists")]; !ok {
			return wire.NotImplemented("The policy condition " + operator)
		}
	}
	return nil
}

// asked is what a service, or a client of another account, asks to do.
type asked struct {
	// source is the ARN for which service sends. Both are "" for a client.
	service, source string
	// account is that of the source or client, and role the ARN of the client's role, if it is one.
	account, role string
	action, queue string
}

// context holds the condition keys. Services use TLS.
func (a asked) context() map[string]string {
	if a.service == "" {
		return map[string]string{"aws:principalaccount": a.account}
	}
	return map[string]string{"aws:sourcearn": a.source, "aws:sourceaccount": a.account, "aws:securetransport": "true"}
}

// allows reports whether a statement allows it and none denies it.
func (p *policy) allows(d asked) bool {
	if p == nil {
		return false
	}
	allowed := false
	for _, s := range p.Statement {
		switch applies := s.applies(d); {
		case applies && s.Effect == "Deny":
			return false
		case applies:
			allowed = true
		}
	}
	return allowed
}

func (s statement) applies(d asked) bool {
	if s.Principal != nil && !s.Principal.include(d) || s.NotPrincipal != nil && s.NotPrincipal.include(d) {
		return false
	}
	action := func(pattern string) bool { return like(strings.ToLower(pattern), "sqs:"+strings.ToLower(d.action)) }
	resource := func(pattern string) bool { return like(pattern, d.queue) }
	switch {
	case s.Action != nil && !slices.ContainsFunc(s.Action, action),
		s.NotAction != nil && slices.ContainsFunc(s.NotAction, action),
		s.Resource != nil && !slices.ContainsFunc(s.Resource, resource),
		s.NotResource != nil && slices.ContainsFunc(s.NotResource, resource):
		return false
	}
	context := d.context()
	for operator, keys := range s.Condition {
		for key, values := range keys {
			if !holds(operator, context, strings.ToLower(key), values) {
				return false
			}
		}
	}
	return true
}
