// Package eventbridge imitates the default event bus of each account in Amazon EventBridge: rules with event
// patterns, and SQS queues and standard SNS topics as their targets. A target gets the whole event.
// Schedules, other buses, other targets and transformed input are refused.
//
// An event is accepted once it is in every queue that a rule sends it to, also through a topic. The
// policy of the queue or topic must allow the rule, or the role of a target in another account. A refused delivery goes to the target's
// dead-letter queue, or nowhere. Nothing is retried.
package eventbridge

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/sns"
	"github.com/gatehouse-portal/gatehouse/localaws/sqs"
	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// Service holds the rules of the default bus.
type Service struct {
	env    wire.Env
	queues *sqs.Service
	topics *sns.Service
}

// New returns the service.
func New(env wire.Env, queues *sqs.Service, topics *sns.Service) *Service {
	return &Service{env: env, queues: queues, topics: topics}
}

// JSON returns the operations of the EventBridge API.
func (s *Service) JSON() wire.JSONService {
	return wire.JSONService{
		Target: "AWSEvents",
		Shape:  "com.amazonaws.events",
		Operations: map[string]wire.Operation{
			"PutRule":           wire.Op(s.putRule),
			"DescribeRule":      wire.Op(s.describeRule),
			"ListRules":         wire.Op(s.listRules),
			"EnableRule":        wire.Op(s.enableRule),
			"DisableRule":       wire.Op(s.disableRule),
			"DeleteRule":        wire.Op(s.deleteRule),
			"PutTargets":        wire.Op(s.putTargets),
			"ListTargetsByRule": wire.Op(s.listTargetsByRule),
			"RemoveTargets":     wire.Op(s.removeTargets),
			"PutEvents":         wire.Op(s.putEvents),
			"TestEventPattern":  wire.Op(s.testEventPattern),
		},
	}
}

const busName = "default"

func rulesIn(tx *store.Tx) store.Bucket { return tx.Bucket("events", "rules") } // key -> rule

// checkBus accepts the caller's default bus, by name, ARN or "".
func (s *Service) checkBus(ctx context.Context, name string) error {
	if name == "" || name == busName || name == s.env.In(s.env.Caller(ctx)).ARN("events", "event-bus/"+busName) {
		return nil
	}
	return wire.Errorf("ResourceNotFoundException", "Event bus %s does not exist.", name)
}

func (s *Service) ruleARN(r rule) string {
	return s.env.In(s.account(r)).ARN("events", "rule/"+r.Name)
}

func (s *Service) account(r rule) string { return s.env.Owner(r.Account) }

// stored is the caller's account as rules have it: "" for the env's own.
func (s *Service) stored(ctx context.Context) string {
	return s.env.Stored(s.env.Caller(ctx))
}

// key is the name, with the account before it if it is one of the others.
func (r rule) key() string { return wire.StoredKey(r.Account, r.Name) }

func invalid(format string, args ...any) *wire.Error {
	return wire.Errorf("ValidationException", format, args...)
}

func violates(member, rule string, args ...any) *wire.Error {
	return invalid("1 validation error detected: Value at '%s' failed to satisfy constraint: Member must %s", member, fmt.Sprintf(rule, args...))
}

var nameForm = regexp.MustCompile(`^[.\-_A-Za-z0-9]{1,64}$`)

func checkName(member, name string) error {
	if !nameForm.MatchString(name) {
		return violates(member, `satisfy regular expression pattern: [\.\-_A-Za-z0-9]+, with 1 to 64 characters`)
	}
	return nil
}

func isQueueARN(arn string) bool { return isARN(arn, "sqs") }

func isTopicARN(arn string) bool { return isARN(arn, "sns") && !strings.HasSuffix(arn, ".fifo") }

func isARN(arn, service string) bool {
	parts := strings.Split(arn, ":")
	return len(parts) == 6 && parts[0] == "arn" && parts[2] == service && parts[5] != ""
}

// page returns the part of a sorted list after the token, and the next token.
func page[T any](all []T, name func(T) string, token string, limit *int) (items []T, next string, err error) {
	n := 100
	if limit != nil {
		if n = *limit; n < 1 || n > 100 {
			return nil, "", violates("limit", "have value from 1 to 100")
		}
	}
	for len(all) > 0 && name(all[0]) <= token {
		all = all[1:]
	}
	if len(all) <= n {
		return all, "", nil
	}
	return all[:n], name(all[n-1]), nil
}
