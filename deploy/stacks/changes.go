package stacks

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/gatehouse-portal/gatehouse/deploy/template"
)

// ChangeKind is what happens to a resource.
type ChangeKind string

// The kinds of changes.
const (
	Add     ChangeKind = "add"
	Modify  ChangeKind = "change"
	Replace ChangeKind = "replace"
	Remove  ChangeKind = "remove"
)

// Change is what happens to one resource of a stack.
type Change struct {
	Kind           ChangeKind `json:"did"`
	Resource, Type string     `json:",omitempty"`
	// Stateful means that the resource holds data that cannot be restored.
	Stateful bool `json:"stateful,omitempty"`
}

// dangerous reports whether the change may lose data.
func (c Change) dangerous() bool { return c.Stateful && (c.Kind == Replace || c.Kind == Remove) }

// stateful lists the types whose resources hold data: messages, facts, people, or the KMS key from which the
// API keys' values follow.
var stateful = []string{
	"AWS::DynamoDB::Table", "AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::KMS::Key", "AWS::KMS::Alias", "AWS::Cognito::UserPool", "AWS::Cognito::UserPoolClient",
	"AWS::Cognito::UserPoolDomain", "AWS::Cognito::UserPoolGroup", "AWS::S3::Bucket",
}

// alarmsTemplate is the template whose topics hold nothing but subscribers of alarms.
const alarmsTemplate = "operations"

func isStateful(l layer, kind string) bool {
	return slices.Contains(stateful, kind) && (l.template != alarmsTemplate || kind != "AWS::SNS::Topic")
}

// proposal is a change set.
type proposal struct {
	stack   stack
	set     string
	changes []Change
	// empty means that the stack is up to date.
	empty bool
}

// values are the parameters for a stack's next change set. given has those that the operator chose and those
// that are outputs of other stacks. keep names those that stay as they are.
type values struct {
	given map[string]string
	keep  []string
}

func (s Settings) values(have stack, t template.Template, outputs map[string]string) values {
	v := values{given: s.parameters(have.layer, t, !have.usable())}
	for name := range t.Parameters {
		if _, chosen := v.given[name]; chosen {
			continue
		}
		if output, ok := outputs[name]; ok {
			if slices.Contains(marketLists, name) {
				output = joined(have.parameters[name], output)
			}
			v.given[name] = output
		} else if value, ok := have.parameters[name]; ok && have.usable() {
			v.keep = append(v.keep, name)
		} else if ok {
			v.given[name] = value // of the stack whose creation failed
		}
	}
	slices.Sort(v.keep)
	return v
}

// previousTemplate stands for the template that a stack has already.
const previousTemplate = ""

// propose makes a change set and waits until it can be executed.
func (d Deployer) propose(ctx context.Context, s stack, text string, v values) (proposal, error) {
	name := "gatehouse-" + randomHex()
	in := cloudformation.CreateChangeSetInput{
		StackName: &s.name, ChangeSetName: &name, TemplateBody: &text, ChangeSetType: types.ChangeSetTypeUpdate,
		Capabilities: []types.Capability{types.CapabilityCapabilityIam},
	}
	if text == previousTemplate {
		in.TemplateBody, in.UsePreviousTemplate = nil, aws.Bool(true)
	}
	if !s.usable() {
		in.ChangeSetType = types.ChangeSetTypeCreate
	}
	for _, key := range slices.Sorted(maps.Keys(v.given)) {
		in.Parameters = append(in.Parameters, types.Parameter{ParameterKey: aws.String(key), ParameterValue: aws.String(v.given[key])})
	}
	for _, key := range v.keep {
		in.Parameters = append(in.Parameters, types.Parameter{ParameterKey: aws.String(key), UsePreviousValue: aws.Bool(true)})
	}
	out, err := d.stacks(s.layer).CreateChangeSet(ctx, &in)
	if err != nil {
		return proposal{}, fmt.Errorf("planning the stack %s: %w", s.name, err)
	}
	s.id = aws.ToString(out.StackId)
	return d.proposed(ctx, proposal{stack: s, set: name})
}

func (d Deployer) proposed(ctx context.Context, p proposal) (proposal, error) {
	for looks := 0; ; looks++ {
		var status types.ChangeSetStatus
		reason := ""
		p.changes = nil
		pages := cloudformation.NewDescribeChangeSetPaginator(d.stacks(p.stack.layer), &cloudformation.DescribeChangeSetInput{StackName: &p.stack.id, ChangeSetName: &p.set})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return p, fmt.Errorf("planning the stack %s: %w", p.stack.name, err)
			}
			status, reason = page.Status, aws.ToString(page.StatusReason)
			for _, c := range page.Changes {
				if c.ResourceChange != nil {
					p.changes = append(p.changes, changeOf(p.stack.layer, *c.ResourceChange))
				}
			}
		}
		switch {
		case status == types.ChangeSetStatusCreateComplete:
			return p, nil
		case status == types.ChangeSetStatusFailed && (strings.Contains(reason, "didn't contain changes") || strings.Contains(reason, "No updates are to be performed")):
			p.empty = true
			return p, d.discard(ctx, p)
		case status == types.ChangeSetStatusFailed:
			return p, &Failure{Stack: p.stack.name, Tried: "planned", Reason: reason}
		}
		if err := d.wait(ctx, looks); err != nil {
			return p, err
		}
	}
}

func changeOf(l layer, c types.ResourceChange) Change {
	did := Modify
	switch {
	case c.Action == types.ChangeActionAdd:
		did = Add
	case c.Action == types.ChangeActionRemove:
		did = Remove
	case c.Replacement == types.ReplacementTrue || c.Replacement == types.ReplacementConditional:
		did = Replace
	}
	return Change{did, aws.ToString(c.LogicalResourceId), aws.ToString(c.ResourceType), isStateful(l, aws.ToString(c.ResourceType))}
}

func (d Deployer) discard(ctx context.Context, p proposal) error {
	_, err := d.stacks(p.stack.layer).DeleteChangeSet(ctx, &cloudformation.DeleteChangeSetInput{StackName: &p.stack.id, ChangeSetName: &p.set})
	if err != nil {
		return fmt.Errorf("deleting the plan of the stack %s: %w", p.stack.name, err)
	}
	return nil
}

// execute carries the proposal out and waits for the end.
func (d Deployer) execute(ctx context.Context, p proposal) (stack, error) {
	did := "updated"
	if !p.stack.usable() {
		did = "created"
	}
	last, err := d.lastEvent(ctx, p.stack)
	if err != nil {
		return p.stack, err
	}
	_, err = d.stacks(p.stack.layer).ExecuteChangeSet(ctx, &cloudformation.ExecuteChangeSetInput{StackName: &p.stack.id, ChangeSetName: &p.set, ClientRequestToken: &p.set})
	if err != nil {
		return p.stack, fmt.Errorf("changing the stack %s: %w", p.stack.name, err)
	}
	now, err := d.follow(ctx, p.stack, last, true)
	if err != nil {
		return now, err
	}
	switch types.StackStatus(now.status) {
	case types.StackStatusCreateComplete, types.StackStatusUpdateComplete:
		return now, nil
	}
	return now, d.failure(ctx, now, did, last)
}
