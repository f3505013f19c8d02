package eventbridge

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// AWS's limits: of targets in a rule, and in a request.
const (
	maxTargets = 5
	maxEntries = 100
)

// target is an SQS queue or a standard SNS topic. RoleArn is the role as which EventBridge delivers to a target of
// another account, which it cannot do without (EventBridge User Guide, "Sending events to an AWS service in another
// account"). The permissions of the role are not checked. RetryPolicy has no effect, because nothing is retried.
type target struct {
	ID               string `json:"Id"`
	Arn              string
	RoleArn          string                `json:",omitempty"`
	DeadLetterConfig *struct{ Arn string } `json:",omitempty"`
	RetryPolicy      *retryPolicy          `json:",omitempty"`
	SQSParameters    *struct {
		MessageGroupID string `json:"MessageGroupId"`
	} `json:"SqsParameters,omitempty"`
}

type retryPolicy struct {
	MaximumEventAgeInSeconds *int `json:",omitempty"`
	MaximumRetryAttempts     *int `json:",omitempty"`
}

func (t target) fifo() bool { return strings.HasSuffix(t.Arn, ".fifo") }

type putTargetsIn struct {
	Rule, EventBusName string
	Targets            []target
}

// targetsOut has no failed entries: a request succeeds or fails as a whole.
type targetsOut struct {
	FailedEntryCount int
	FailedEntries    []struct{}
}

// putTargets adds targets, or replaces those with the same id.
func (s *Service) putTargets(ctx context.Context, in *putTargetsIn) (*targetsOut, error) {
	if n := len(in.Targets); n < 1 || n > maxEntries {
		return nil, violates("targets", "have length from 1 to %d", maxEntries)
	}
	for _, t := range in.Targets {
		if err := t.check(); err != nil {
			return nil, err
		}
	}
	return &targetsOut{FailedEntries: []struct{}{}}, s.change(ctx, in.EventBusName, in.Rule, func(r *rule) error {
		for _, t := range in.Targets {
			r.Targets = slices.DeleteFunc(r.Targets, func(have target) bool { return have.ID == t.ID })
			r.Targets = append(r.Targets, t)
		}
		if len(r.Targets) > maxTargets {
			return wire.Errorf("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
		}
		return nil
	})
}

var targetIDForm = regexp.MustCompile(`^[.\-_A-Za-z0-9]{1,64}$`)

func (t target) check() error {
	switch {
	case !targetIDForm.MatchString(t.ID):
		return violates("targets.member.id", `satisfy regular expression pattern: [\.\-_A-Za-z0-9]+, with 1 to 64 characters`)
	case !strings.HasPrefix(t.Arn, "arn:"):
		return invalid("Parameter %s is not valid. Reason: Provided Arn is not in correct format.", t.Arn)
	case !isQueueARN(t.Arn) && !isTopicARN(t.Arn):
		return wire.NotImplemented("The target " + t.Arn)
	case t.fifo() && (t.SQSParameters == nil || t.SQSParameters.MessageGroupID == ""):
		return invalid("Parameter(s) SqsParameters must be specified for target: %s.", t.ID)
	case !t.fifo() && t.SQSParameters != nil:
		return wire.NotImplemented("A message group for a standard queue")
	case t.DeadLetterConfig != nil && (!isQueueARN(t.DeadLetterConfig.Arn) || strings.HasSuffix(t.DeadLetterConfig.Arn, ".fifo")):
		return invalid("Parameter %s is not valid. Reason: A dead-letter queue must be a standard SQS queue.", t.DeadLetterConfig.Arn)
	}
	return t.RetryPolicy.check()
}

func (p *retryPolicy) check() error {
	switch {
	case p == nil:
	case p.MaximumEventAgeInSeconds != nil && (*p.MaximumEventAgeInSeconds < 60 || *p.MaximumEventAgeInSeconds > 86400):
		return violates("targets.member.retryPolicy.maximumEventAgeInSeconds", "have value from 60 to 86400")
	case p.MaximumRetryAttempts != nil && (*p.MaximumRetryAttempts < 0 || *p.MaximumRetryAttempts > 185):
		return violates("targets.member.retryPolicy.maximumRetryAttempts", "have value from 0 to 185")
	}
	return nil
}

type listTargetsIn struct {
	Rule, EventBusName, NextToken string
	Limit                         *int
}

type listTargetsOut struct {
	Targets   []target
	NextToken string `json:",omitempty"`
}

func (s *Service) listTargetsByRule(ctx context.Context, in *listTargetsIn) (*listTargetsOut, error) {
	r, err := s.find(ctx, in.EventBusName, in.Rule)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(r.Targets, func(a, b target) int { return strings.Compare(a.ID, b.ID) })
	out := &listTargetsOut{Targets: []target{}}
	targets, next, err := page(r.Targets, func(t target) string { return t.ID }, in.NextToken, in.Limit)
	out.Targets, out.NextToken = append(out.Targets, targets...), next
	return out, err
}

type removeTargetsIn struct {
	Rule, EventBusName string
	IDs                []string `json:"Ids"`
	Force              bool
}

// removeTargets ignores ids without a target.
func (s *Service) removeTargets(ctx context.Context, in *removeTargetsIn) (*targetsOut, error) {
	if n := len(in.IDs); n < 1 || n > maxEntries {
		return nil, violates("ids", "have length from 1 to %d", maxEntries)
	}
	return &targetsOut{FailedEntries: []struct{}{}}, s.change(ctx, in.EventBusName, in.Rule, func(r *rule) error {
		r.Targets = slices.DeleteFunc(r.Targets, func(t target) bool { return slices.Contains(in.IDs, t.ID) })
		return nil
	})
}
