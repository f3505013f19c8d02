package eventbridge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/eventbridge/pattern"
	"github.com/gatehouse-portal/gatehouse/localaws/sqs"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// Event is an event on the default bus. Detail is a JSON object.
type Event struct {
	ID, DetailType, Source string
	Time                   time.Time
	Resources              []string
	Detail                 json.RawMessage
}

// envelope is what targets receive (EventBridge User Guide, "AWS service event metadata").
type envelope struct {
	Version    string          `json:"version"`
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Account    string          `json:"account"`
	Time       string          `json:"time"`
	Region     string          `json:"region"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail"`
}

// Envelope returns the event as targets of the account receive it.
func (s *Service) Envelope(account string, e Event) (string, error) {
	out := envelope{
		Version: "0", ID: e.ID, DetailType: e.DetailType, Source: e.Source, Account: account,
		Time: e.Time.UTC().Format("2006-01-02T15:04:05Z"), Region: s.env.Region, Resources: e.Resources, Detail: e.Detail,
	}
	if out.Resources == nil {
		out.Resources = []string{}
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(out); err != nil {
		return "", fmt.Errorf("encoding event %s: %w", e.ID, err)
	}
	return string(bytes.TrimSpace(buf.Bytes())), nil
}

// Deliveries returns the deliveries of an event, given as its envelope, by the present
// rules of the account. It may be called while sqs.Service.Deliver decides.
func (s *Service) Deliveries(account, envelope string) ([]sqs.Delivery, error) {
	var event map[string]any
	if err := json.Unmarshal([]byte(envelope), &event); err != nil {
		return nil, fmt.Errorf("decoding an event: %w", err)
	}
	rules, err := s.rules(s.env.Stored(account))
	if err != nil {
		return nil, fmt.Errorf("reading the rules: %w", err)
	}
	var all []sqs.Delivery
	for _, r := range rules {
		p, err := pattern.Parse(r.EventPattern)
		if err != nil {
			return nil, fmt.Errorf("reading the pattern of rule %s: %w", r.Name, err)
		}
		if r.Disabled || !p.Matches(event) {
			continue
		}
		for _, t := range r.Targets {
			all = append(all, s.toTarget(r, t, envelope)...)
		}
	}
	return all, nil
}

// toTarget sends an event to a target, or to its dead-letter queue if it is a topic that does not take it.
func (s *Service) toTarget(r rule, t target, envelope string) []sqs.Delivery {
	as := eventsService
	if wire.AccountIn(t.Arn) != s.account(r) {
		as = t.RoleArn
	}
	var err error
	switch {
	case as == "":
		err = errNoRole
	case isQueueARN(t.Arn):
		return []sqs.Delivery{s.delivery(r, t, envelope)}
	default:
		var through []sqs.Delivery
		if through, err = s.topics.DeliveriesFrom(as, t.Arn, envelope); err == nil {
			return through
		}
	}
	if t.DeadLetterConfig == nil {
		s.env.Log.Warn().Err(err).Str("target", t.Arn).Msg("EventBridge dropped a delivery")
		return nil
	}
	s.env.Log.Warn().Err(err).Str("target", t.Arn).Msg("EventBridge sent a refused delivery to the target's dead-letter queue")
	return []sqs.Delivery{s.undelivered(r, t, envelope)}
}

const eventsService = "events.amazonaws.com"

var errNoRole = errors.New("the target is in another account, and has no role")

func (s *Service) delivery(r rule, t target, envelope string) sqs.Delivery {
	d := sqs.Delivery{QueueARN: t.Arn, Body: envelope, Service: eventsService, Source: s.ruleARN(r)}
	if wire.AccountIn(t.Arn) != s.account(r) {
		d.Role = t.RoleArn
	}
	if t.SQSParameters != nil {
		d.GroupID = t.SQSParameters.MessageGroupID
	}
	if t.DeadLetterConfig != nil {
		d.DeadLetterARN, d.DeadLetterAttributes = t.DeadLetterConfig.Arn, s.why(r, t)
	}
	return d
}

// undelivered puts an event into the target's dead-letter queue.
func (s *Service) undelivered(r rule, t target, envelope string) sqs.Delivery {
	return sqs.Delivery{
		QueueARN: t.DeadLetterConfig.Arn, Body: envelope, Service: eventsService, Source: s.ruleARN(r), Attributes: s.why(r, t),
	}
}

// why are the attributes of an event in a dead-letter queue (EventBridge User Guide, "Using dead-letter queues").
func (s *Service) why(r rule, t target) map[string]sqs.AttributeValue {
	text := func(value string) sqs.AttributeValue {
		return sqs.AttributeValue{DataType: "String", StringValue: &value}
	}
	return map[string]sqs.AttributeValue{"RULE_ARN": text(s.ruleARN(r)), "TARGET_ARN": text(t.Arn)}
}
