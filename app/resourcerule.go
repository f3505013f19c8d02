package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/trail"
)

func (e estate) bus() *eventbridge.Client { return eventbridge.NewFromConfig(e.config) }

const trailRuleName = "rule for changes in API Gateway"

// withoutTrail says that there is no such rule, since nobody asked for one.
func withoutTrail() resource {
	return resource{what: trailRuleName, inspect: func(context.Context) (finding, error) {
		return finding{note: "GATEHOUSE_TRAIL is off, so a change by hand is noticed by the jobs catalog and sweep only: after five minutes or an hour"}, nil
	}}
}

// trailRule is the rule of the default bus that sends the records of changes in API Gateway to the queue. Set-up
// keeps a pattern that fits, since it may leave out the workers' roles.
func (e estate) trailRule() resource {
	name := e.names.Trail
	return resource{what: trailRuleName, inspect: func(ctx context.Context) (finding, error) {
		is, err := e.bus().DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: &name})
		var none *types.ResourceNotFoundException
		if errors.As(err, &none) {
			return missing(e.putTrailRule)
		}
		if err != nil {
			return finding{}, err
		}
		targets, err := e.bus().ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{Rule: &name})
		if err != nil {
			return finding{}, err
		}
		note := name + " sends to the queue of that name; it needs a trail of AWS CloudTrail for management events in " + e.config.Region
		return finding{note: note, faults: e.trailRuleFaults(is, targets.Targets)}, nil
	}}
}

func (e estate) trailRuleFaults(is *eventbridge.DescribeRuleOutput, targets []types.Target) (all []fault) {
	name := e.names.Trail
	if is.State == types.RuleStateDisabled {
		all = append(all, fault{says: "It is disabled, so no event arrives.", mending: "enable it", mend: func(ctx context.Context) error {
			_, err := e.bus().EnableRule(ctx, &eventbridge.EnableRuleInput{Name: &name})
			return err
		}})
	}
	if lost := unmatched(aws.ToString(is.EventPattern)); lost != "" {
		all = append(all, fault{says: "Its pattern " + lost + ".", mending: "correct its pattern", mend: e.putTrailRule})
	}
	queue, dlq := e.arn("sqs", name), e.arn("sqs", DeadLetterQueue(name))
	i := slices.IndexFunc(targets, func(t types.Target) bool { return aws.ToString(t.Arn) == queue })
	switch {
	case i < 0:
		all = append(all, fault{says: fmt.Sprintf("It does not send to the queue %s.", name), mending: "have it send to the queue " + name, mend: e.putTrailTarget})
	case deadLettersOf(&targets[i]) == "":
		all = append(all, fault{says: "Its target has no dead-letter queue, so events that cannot be delivered are lost.", mending: "have it keep what it cannot deliver in " + nameOf(dlq), mend: e.putTrailTarget})
	}
	return all
}

// unmatched says what a pattern lets too little through of, "" if nothing. A condition on the caller is the operator's.
func unmatched(pattern string) string {
	var p struct {
		Source     []string `json:"source"`
		DetailType []string `json:"detail-type"`
		Detail     map[string]json.RawMessage
	}
	if json.Unmarshal([]byte(pattern), &p) != nil || !slices.Contains(p.Source, trail.Source) || !slices.Contains(p.DetailType, trail.DetailType) {
		return "does not match " + trail.DetailType + " of " + trail.Source
	}
	for _, name := range []string{"userIdentity", "eventSource"} {
		delete(p.Detail, name)
	}
	var calls []string
	if named, ok := p.Detail["eventName"]; ok {
		if json.Unmarshal(named, &calls) != nil {
			return "has another condition on eventName than a list of calls"
		}
		delete(p.Detail, "eventName")
		var lost []string
		for _, call := range trail.Calls() {
			if !slices.Contains(calls, call) {
				lost = append(lost, call)
			}
		}
		if len(lost) > 0 {
			return "does not match: " + strings.Join(lost, ", ")
		}
	}
	for name := range p.Detail {
		return "has a condition on " + name
	}
	return ""
}

func (e estate) putTrailRule(ctx context.Context) error {
	name, pattern := e.names.Trail, trail.Pattern("")
	_, err := e.bus().PutRule(ctx, &eventbridge.PutRuleInput{
		Name: &name, EventPattern: &pattern, State: types.RuleStateEnabled, Description: aws.String("Tells Gatehouse of changes in API Gateway."),
	})
	if err != nil {
		return fmt.Errorf("making the rule %s: %w", name, err)
	}
	return e.putTrailTarget(ctx)
}

func (e estate) putTrailTarget(ctx context.Context) error {
	name := e.names.Trail
	out, err := e.bus().PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: &name, Targets: []types.Target{{
		Id: aws.String("queue"), Arn: aws.String(e.arn("sqs", name)), DeadLetterConfig: &types.DeadLetterConfig{Arn: aws.String(e.arn("sqs", DeadLetterQueue(name)))},
	}}})
	switch {
	case err != nil:
		return fmt.Errorf("giving the rule %s its target: %w", name, err)
	case out.FailedEntryCount > 0:
		return portal.Fail(portal.Unavailable, fmt.Sprintf("EventBridge does not take the queue %s as the target of the rule of that name (%s).", name, aws.ToString(out.FailedEntries[0].ErrorCode)))
	}
	return nil
}
