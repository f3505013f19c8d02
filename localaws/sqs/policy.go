package sqs

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// policy is a queue's access policy. It applies to services, such as SNS, but not to clients:
// the local AWS checks no permissions.
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

// include treats AWS: * as including services.
func (p *principals) include(service string) bool {
	return p.everybody || slices.Contains(p.byKind["AWS"], "*") ||
		slices.Contains(p.byKind["Service"], service) || slices.Contains(p.byKind["Service"], "*")
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

type delivering struct {
	// source is the ARN for which service sends.
	service, source, account string
	queue                    string
}

// context holds the condition keys. Services use TLS.
func (d delivering) context() map[string]string {
	return map[string]string{"aws:sourcearn": d.source, "aws:sourceaccount": d.account, "aws:securetransport": "true"}
}

// allows reports whether a statement allows the delivery and none denies it.
func (p *policy) allows(d delivering) bool {
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

func (s statement) applies(d delivering) bool {
	if s.Principal != nil && !s.Principal.include(d.service) || s.NotPrincipal != nil && s.NotPrincipal.include(d.service) {
		return false
	}
	action := func(pattern string) bool { return like(strings.ToLower(pattern), "sqs:sendmessage") }
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
