package stacks

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// events returns the stack's events after one of them, the oldest first. "" is before the first.
func (d Deployer) events(ctx context.Context, s stack, after string) ([]types.StackEvent, error) {
	var all []types.StackEvent
	pages := cloudformation.NewDescribeStackEventsPaginator(d.stacks(s.layer), &cloudformation.DescribeStackEventsInput{StackName: &s.id})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("reading the events of the stack %s: %w", s.name, err)
		}
		for _, e := range page.StackEvents {
			if aws.ToString(e.EventId) == after {
				slices.Reverse(all)
				return all, nil
			}
			all = append(all, e)
		}
	}
	slices.Reverse(all)
	return all, nil
}

// lastEvent returns the id of the stack's newest event.
func (d Deployer) lastEvent(ctx context.Context, s stack) (string, error) {
	out, err := d.stacks(s.layer).DescribeStackEvents(ctx, &cloudformation.DescribeStackEventsInput{StackName: &s.id})
	if err != nil {
		return "", fmt.Errorf("reading the events of the stack %s: %w", s.name, err)
	}
	if len(out.StackEvents) == 0 {
		return "", nil
	}
	return aws.ToString(out.StackEvents[0].EventId), nil
}

func (d Deployer) tellEvents(ctx context.Context, s stack, after string, told map[string]bool) error {
	if d.Tell == nil {
		return nil
	}
	all, err := d.events(ctx, s, after)
	if err != nil {
		return err
	}
	for _, e := range all {
		id := aws.ToString(e.EventId)
		if told[id] || aws.ToString(e.PhysicalResourceId) == s.id {
			continue
		}
		told[id] = true
		if did := doneWords[string(e.ResourceStatus)]; did != "" {
			d.say("  " + s.name + "  " + aws.ToString(e.LogicalResourceId) + " " + did)
		}
	}
	return nil
}

var doneWords = map[string]string{
	"CREATE_COMPLETE": "created", "UPDATE_COMPLETE": "changed", "DELETE_COMPLETE": "deleted", "DELETE_SKIPPED": "kept",
	"CREATE_FAILED": "FAILED", "UPDATE_FAILED": "FAILED", "DELETE_FAILED": "FAILED",
}

// Failure says why a stack could not be changed.
type Failure struct {
	// Stack is the name of the stack. Tried is what failed, such as "created".
	Stack, Tried string
	// Resource, Type and Reason are those of the first resource that failed. Reason is AWS's text.
	Resource, Type, Reason string
}

// Error says what failed, and what to do.
func (f *Failure) Error() string {
	text := "the stack " + f.Stack + " could not be " + f.Tried
	if f.Resource != "" {
		text += fmt.Sprintf(", because of %s (%s). AWS says: %s", f.Resource, f.Type, strings.TrimSpace(f.Reason))
	} else if f.Reason != "" {
		text += ". AWS says: " + strings.TrimSpace(f.Reason)
	}
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	return text + "\n" + f.Advice()
}

// advice by a part of AWS's reason and, if it is set, the type of the resource. The first that matches counts.
var advice = []struct{ kind, part, says string }{
	{"AWS::ApiGatewayV2::DomainName", "lready exists", "API Gateway has this host name already: in this AWS account and Region (aws apigatewayv2 get-domain-names), or in another one. Choose another one with --host, or delete it there (aws apigatewayv2 delete-domain-name). Then run the command again: it goes on from here."},
	{"AWS::Route53::RecordSet", "lready exists", "The hosted zone has a record of this name already. Delete it, and run the command again. Or run the command without --zone, and change the record by hand as the command says at the end."},
	{"AWS::CloudFront::Distribution", "already associated", "Another distribution of CloudFront has this host name, perhaps in another AWS account. Remove the name there, and run the command again."},
	{"", "lready exists", "Something of this name exists, from `gatehouse setup`, another stack, or one that was deleted. Choose another name with --stack, or remove it: docs/deploy.md#removing-it."},
	{"", "You must wait 60 seconds", "SQS does not give the name of a deleted queue again for a minute. Run the command again after that."},
	{"", "service linked role", "Your AWS account uses this service for the first time. Run the command again."},
	{"", "Domain already associated", "Somebody has this address for the sign-in pages. Choose another one with --parameter DomainPrefix=…"},
	{"", "omain already exists", "Somebody has this host name or address already. Choose another one, or delete its owner's."},
	{"", "not authorized", "Your credentials may not do this. Ask an administrator for the permission that AWS names, and run the command again."},
	{"", "is not authorized to perform", "Your credentials may not do this. Ask an administrator for the permission that AWS names, and run the command again."},
	{"", "AccessDenied", "Your credentials may not do this. Ask an administrator for the permission, and run the command again."},
	{"", "ertificate", "The certificate must be in this AWS account and Region, be for the host name, and have the status Issued: aws acm list-certificates. If it waits for validation, make the DNS record that it names, wait, and run the command again."},
	{"", "imit", "A quota of your AWS account is used up. Have AWS raise it in the console under Service Quotas, and run the command again."},
	{"", "uota", "A quota of your AWS account is used up. Have AWS raise it in the console under Service Quotas, and run the command again."},
	{"", "CannotPullContainerError", "The tasks cannot fetch the image. Check --image, and that the subnets reach the registry: docs/deploy.md#when-something-fails."},
	{"", "stabilize", "What was started does not come up. Its log says why: docs/deploy.md#when-something-fails."},
	{"", "invalid principals", "Somebody who may compute API keys no longer exists. Name all operators who do with --key-user."},
	{"", "Circuit breaker", "What was started does not come up. Its log says why: docs/deploy.md#when-something-fails."},
}

// Advice tells an operator what to do.
func (f *Failure) Advice() string {
	for _, a := range advice {
		if strings.Contains(f.Reason, a.part) && (a.kind == "" || a.kind == f.Type) {
			return a.says
		}
	}
	return "Correct what AWS names, and run the command again: it goes on from here. docs/deploy.md#when-something-fails has known causes."
}

// failure finds the first resource that failed after an event. If none did, such as if an output could not be
// computed, the reason is the one with which CloudFormation began to undo the change.
func (d Deployer) failure(ctx context.Context, s stack, did, after string) error {
	f := &Failure{Stack: s.name, Tried: did, Reason: s.reason}
	all, err := d.events(ctx, s, after)
	if err != nil {
		return err
	}
	for _, e := range all {
		reason, failed := aws.ToString(e.ResourceStatusReason), strings.HasSuffix(string(e.ResourceStatus), "_FAILED")
		if aws.ToString(e.PhysicalResourceId) == s.id {
			if f.Reason == "" && (failed || strings.Contains(string(e.ResourceStatus), "ROLLBACK")) {
				f.Reason = reason
			}
			continue
		}
		if !failed || strings.Contains(reason, "cancelled") {
			continue
		}
		f.Resource, f.Type, f.Reason = aws.ToString(e.LogicalResourceId), aws.ToString(e.ResourceType), reason
		return f
	}
	return f
}
