// Package policy evaluates IAM policies as AWS does, for tests. It knows the members and condition
// operators that Gatehouse's templates use, and fails at others.
package policy

import (
	"fmt"
	"slices"
	"strings"
)

// Policy is the statements of one policy or of several.
type Policy []Statement

// Statement allows or denies actions on resources under conditions.
type Statement struct {
	Deny               bool
	Actions, Resources []string
	conditions         []condition
}

// Request is a call that AWS checks. Context holds the values of condition keys, such as
// dynamodb:LeadingKeys.
type Request struct {
	Action, Resource string
	Context          map[string][]string
}

func (r Request) String() string {
	if len(r.Context) == 0 {
		return r.Action + " on " + r.Resource
	}
	return fmt.Sprintf("%s on %s with %v", r.Action, r.Resource, r.Context)
}

// Parse reads a resolved policy document.
func Parse(document any) (Policy, error) {
	d, ok := document.(map[string]any)
	if !ok || d["Version"] != "2012-10-17" {
		return nil, fmt.Errorf("a policy must be a map of Version 2012-10-17, not %v", document)
	}
	var all Policy
	for _, one := range listOf(d["Statement"]) {
		s, err := statement(one)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

func statement(value any) (Statement, error) {
	members, ok := value.(map[string]any)
	if !ok {
		return Statement{}, fmt.Errorf("a statement must be a map, not %v", value)
	}
	var s Statement
	for key, v := range members {
		var err error
		switch key {
		case "Sid":
		case "Effect":
			s.Deny = v == "Deny"
			if !s.Deny && v != "Allow" {
				err = fmt.Errorf("the effect %v is not known", v)
			}
		case "Action":
			s.Actions, err = texts(v)
		case "Resource":
			s.Resources, err = texts(v)
		case "Condition":
			s.conditions, err = conditions(v)
		default:
			err = fmt.Errorf("the member %s of a statement is not known", key)
		}
		if err != nil {
			return s, err
		}
	}
	if len(s.Actions) == 0 || len(s.Resources) == 0 {
		return s, fmt.Errorf("the statement %v has no action or no resource", members["Sid"])
	}
	return s, nil
}

// Allows reports whether a statement allows the request and none denies it.
func (p Policy) Allows(r Request) bool {
	allowed := false
	for _, s := range p {
		if !s.matches(r) {
			continue
		}
		if s.Deny {
			return false
		}
		allowed = true
	}
	return allowed
}

func (s Statement) matches(r Request) bool {
	return slices.ContainsFunc(s.Actions, func(a string) bool { return like(strings.ToLower(a), strings.ToLower(r.Action)) }) &&
		slices.ContainsFunc(s.Resources, func(on string) bool { return like(on, r.Resource) }) &&
		!slices.ContainsFunc(s.conditions, func(c condition) bool { return !c.holds(r.Context) })
}

// Spare lists what the policy could do without, since it allows all the requests also without
// that: an action on a resource.
func (p Policy) Spare(requests []Request) []string {
	var all []string
	for i, s := range p {
		if s.Deny {
			continue
		}
		for _, action := range s.Actions {
			for _, resource := range s.Resources {
				if p.without(i, action, resource).allowsAll(requests) {
					all = append(all, action+" on "+resource)
				}
			}
		}
	}
	return all
}

// without is the policy in which a statement no longer has one of its actions on one of its
// resources.
func (p Policy) without(i int, action, resource string) Policy {
	s := p[i]
	otherActions := Statement{Actions: except(s.Actions, action), Resources: s.Resources, conditions: s.conditions}
	otherResources := Statement{Actions: []string{action}, Resources: except(s.Resources, resource), conditions: s.conditions}
	return slices.Concat(p[:i], Policy{otherActions, otherResources}, p[i+1:])
}

func except(all []string, one string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == one })
}

func (p Policy) allowsAll(requests []Request) bool {
	return !slices.ContainsFunc(requests, func(r Request) bool { return !p.Allows(r) })
}

// like matches "*" with any text, also an empty one, and "?" with one character.
func like(pattern, text string) bool {
	for pattern != "" {
		switch pattern[0] {
		case '*':
			for i := 0; i <= len(text); i++ {
				if like(pattern[1:], text[i:]) {
					return true
				}
			}
			return false
		case '?':
			if text == "" {
				return false
			}
		default:
			if text == "" || text[0] != pattern[0] {
				return false
			}
		}
		pattern, text = pattern[1:], text[1:]
	}
	return text == ""
}

func listOf(value any) []any {
	if list, ok := value.([]any); ok {
		return list
	}
	return []any{value}
}

func texts(value any) ([]string, error) {
	var all []string
	for _, one := range listOf(value) {
		text, ok := one.(string)
		if !ok {
			return nil, fmt.Errorf("%v must be a text", one)
		}
		all = append(all, text)
	}
	return all, nil
}
