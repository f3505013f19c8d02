// Package cloudformation imitates AWS CloudFormation: change sets, stacks, their events, resources
// and templates.
//
// Resources that the local AWS can hold are really created, changed and deleted: tables, queues, topics,
// subscriptions, KMS keys and aliases, rules, REST APIs with their usage plans, host names of API Gateway, and user
// pools with what belongs to them. All others (functions, roles, HTTP APIs, log groups, alarms, schedules, tasks and
// the like) are only recorded, with an id and their properties: they can be described, and do nothing. Types of
// unknown services are refused.
//
// A stack change advances only when a client polls it: each DescribeStacks and DescribeStackEvents does the next
// part of the work. So nothing runs in the background, and a stack that nobody polls stays in progress. If this
// process ends in the middle of a part, that part is tried again, and fails where a resource of that name exists by
// then.
//
// Nested stacks, stack policies, imports, drift, macros, exports and roles are not implemented.
package cloudformation

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/gatehouse-portal/gatehouse/deploy/template"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// Service holds the stacks.
type Service struct {
	env wire.Env
	// resources reaches the other services of this AWS.
	resources aws.Config

	mu       sync.Mutex // held while a stack is changed
	failures map[string]string
	parsed   map[string]template.Template
}

// New returns the service. resources is the configuration of clients for the other services.
func New(env wire.Env, resources aws.Config) *Service {
	return &Service{env: env, resources: resources, failures: map[string]string{}, parsed: map[string]template.Template{}}
}

// Query returns the operations of the CloudFormation API.
func (s *Service) Query() wire.QueryService {
	return wire.QueryService{
		Version:   "2010-05-15",
		Namespace: "http://cloudformation.amazonaws.com/doc/2010-05-15/",
		Operations: map[string]wire.QueryOperation{
			"CreateChangeSet": operation(s, s.createChangeSet, "ChangeSetName", "StackName", "ChangeSetType", "TemplateBody", "UsePreviousTemplate",
				"Parameters", "Capabilities", "Tags", "ClientToken", "Description"),
			"DescribeChangeSet":      operation(s, s.describeChangeSet, "ChangeSetName", "StackName", "NextToken"),
			"ExecuteChangeSet":       operation(s, s.executeChangeSet, "ChangeSetName", "StackName", "ClientRequestToken", "DisableRollback"),
			"DeleteChangeSet":        operation(s, s.deleteChangeSet, "ChangeSetName", "StackName"),
			"ListChangeSets":         operation(s, s.listChangeSets, "StackName", "NextToken"),
			"DescribeStacks":         operation(s, s.describeStacks, "StackName", "NextToken"),
			"DescribeStackEvents":    operation(s, s.describeStackEvents, "StackName", "NextToken"),
			"DescribeStackResources": operation(s, s.describeStackResources, "StackName"),
			"DeleteStack":            operation(s, s.deleteStack, "StackName", "ClientRequestToken"),
			"GetTemplate":            operation(s, s.getTemplate, "StackName", "TemplateStage"),
			"GetTemplateSummary":     operation(s, s.getTemplateSummary, "StackName", "TemplateBody"),
		},
	}
}

// Fail makes the next change of the resource fail with this reason, as AWS does when a quota is exceeded. If resource
// is "", the stack's outputs fail. An empty reason cancels the failure.
func (s *Service) Fail(stack, resource, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures[stack+"/"+resource] = reason
}

// Properties returns the properties that a resource of a stack has now. It fails if there is no such resource.
func (s *Service) Properties(stack, resource string) (map[string]any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.find(stack)
	if err != nil {
		return nil, err
	}
	r, ok := st.Resources[resource]
	if !ok {
		return nil, fmt.Errorf("the stack %s has no resource %s", stack, resource)
	}
	return r.Properties, nil
}

func (s *Service) takeFailure(stack, resource string) error {
	reason := s.failures[stack+"/"+resource]
	delete(s.failures, stack+"/"+resource)
	if reason == "" {
		return nil
	}
	return errors.New(reason)
}

// operation adapts a typed function. It refuses unknown request members.
func operation[Out any](s *Service, f func(context.Context, form) (*Out, error), members ...string) wire.QueryOperation {
	return func(ctx context.Context, values url.Values) (any, error) {
		in := form{values}
		if err := in.only(members); err != nil {
			return nil, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		out, err := f(ctx, in)
		if err != nil {
			return nil, err
		}
		return out, nil
	}
}

func invalid(format string, args ...any) *wire.Error {
	return wire.Errorf("ValidationError", format, args...)
}
