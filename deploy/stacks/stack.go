package stacks

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"
)

// stack is a stack as CloudFormation describes it.
type stack struct {
	layer
	name, id, status, reason string
	parameters, outputs      map[string]string
	changed                  time.Time
}

// exists reports whether the stack was created, perhaps without success.
func (s stack) exists() bool {
	return s.id != "" && s.status != string(types.StackStatusReviewInProgress) && s.status != string(types.StackStatusDeleteComplete)
}

func (s stack) inProgress() bool {
	return strings.HasSuffix(s.status, "_IN_PROGRESS") && s.status != string(types.StackStatusReviewInProgress)
}

// neverCreated says that the creation failed, so that the stack cannot be updated.
func (s stack) neverCreated() bool {
	switch types.StackStatus(s.status) {
	case types.StackStatusRollbackComplete, types.StackStatusRollbackFailed, types.StackStatusCreateFailed:
		return true
	}
	return false
}

// usable says that the stack can be updated.
func (s stack) usable() bool {
	switch types.StackStatus(s.status) {
	case types.StackStatusCreateComplete, types.StackStatusUpdateComplete, types.StackStatusUpdateRollbackComplete:
		return true
	}
	return false
}

// describe returns the stack of a layer by its name or id. One that does not exist has no id.
func (d Deployer) describe(ctx context.Context, l layer, nameOrID string) (stack, error) {
	out, err := d.stacks(l).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &nameOrID})
	if isMissing(err) {
		return stack{layer: l, name: nameOrID}, nil
	}
	if err != nil {
		return stack{}, fmt.Errorf("looking at the stack %s: %w", nameOrID, err)
	}
	if len(out.Stacks) == 0 {
		return stack{layer: l, name: nameOrID}, nil
	}
	one := out.Stacks[0]
	s := stack{
		layer: l, name: aws.ToString(one.StackName), id: aws.ToString(one.StackId), status: string(one.StackStatus), reason: aws.ToString(one.StackStatusReason),
		parameters: map[string]string{}, outputs: map[string]string{}, changed: aws.ToTime(one.CreationTime),
	}
	if one.LastUpdatedTime != nil {
		s.changed = *one.LastUpdatedTime
	}
	for _, p := range one.Parameters {
		s.parameters[aws.ToString(p.ParameterKey)] = aws.ToString(p.ParameterValue)
	}
	for _, o := range one.Outputs {
		s.outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	return s, nil
}

func isMissing(err error) bool {
	var named smithy.APIError
	return errors.As(err, &named) && named.ErrorCode() == "ValidationError" && strings.Contains(named.ErrorMessage(), "does not exist")
}

// look describes all stacks of a portal, in the order of the layers.
func (d Deployer) look(ctx context.Context, name string) ([]stack, error) {
	var all []stack
	for _, l := range allLayers {
		s, err := d.describe(ctx, l, name+l.suffix)
		if l.region != "" && l.region != d.AWS.Region && isCode(err, "AccessDenied", "UnauthorizedOperation") {
			// An organization may deny its members whole Regions. Then nothing of the portal can be there.
			s, err = stack{layer: l, name: name + l.suffix}, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// awaitOthers waits until nobody works on the stack.
func (d Deployer) awaitOthers(ctx context.Context, s stack) (stack, error) {
	if !s.inProgress() {
		return s, nil
	}
	d.say(s.name + " is being changed already (" + words(s.status) + "). Waiting for the end of that.")
	return d.follow(ctx, s, "", false)
}

// follow waits until the stack is no longer in progress. If loud, it tells the events after one of
// them.
func (d Deployer) follow(ctx context.Context, s stack, after string, loud bool) (stack, error) {
	told := map[string]bool{}
	for looks := 0; ; looks++ {
		if loud {
			if err := d.tellEvents(ctx, s, after, told); err != nil {
				return s, err
			}
		}
		now, err := d.describe(ctx, s.layer, s.id)
		if err != nil {
			return s, err
		}
		begun, err := d.begun(ctx, now, after, looks)
		if err != nil {
			return now, err
		}
		if begun && !now.inProgress() {
			if loud {
				return now, d.tellEvents(ctx, now, after, told)
			}
			return now, nil
		}
		if err := d.wait(ctx, looks); err != nil {
			return s, err
		}
	}
}

// begun reports whether CloudFormation shows anything of a change that was started after an event. It
// answers a moment late sometimes, and is not waited for longer than some looks.
func (d Deployer) begun(ctx context.Context, s stack, after string, looks int) (bool, error) {
	if after == "" || s.inProgress() || looks > 10 {
		return true, nil
	}
	last, err := d.lastEvent(ctx, s)
	return last != after, err
}

// words are CloudFormation's words for a status, as people write them.
func words(status string) string { return strings.ToLower(strings.ReplaceAll(status, "_", " ")) }
