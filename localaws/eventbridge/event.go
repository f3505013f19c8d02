package eventbridge

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/eventbridge/pattern"
	"github.com/gatehouse-portal/gatehouse/localaws/sqs"
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

// Envelope returns the event as targets receive it.
func (s *Service) Envelope(e Event) (string, error) {
	out := envelope{
		Version: "0", ID: e.ID, DetailType: e.DetailType, Source: e.Source, Account: s.env.Account,
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
// rules. It may be called while sqs.Service.Deliver decides.
func (s *Service) Deliveries(envelope string) ([]sqs.Delivery, error) {
	var event map[string]any
	if err := json.Unmarshal([]byte(envelope), &event); err != nil {
		return nil, fmt.Errorf("decoding an event: %w", err)
	}
	rules, err := s.rules()
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
			if isQueueARN(t.Arn) {
				all = append(all, s.delivery(r, t, envelope))
				continue
			}
			through, err := s.topics.DeliveriesFrom("events.amazonaws.com", t.Arn, envelope)
			if err != nil {
				if t.DeadLetterConfig == nil {
					s.env.Log.Warn().Err(err).Str("topic", t.Arn).Msg("EventBridge dropped a delivery to a topic")
					continue
				}
				s.env.Log.Warn().Err(err).Str("topic", t.Arn).Msg("EventBridge sent a refused delivery to the target's dead-letter queue")
				all = append(all, s.undelivered(r, t, envelope))
				continue
			}
			all = append(all, through...)
		}
	}
	return all, nil
}

func (s *Service) delivery(r rule, t target, envelope string) sqs.Delivery {
	d := sqs.Delivery{QueueARN: t.Arn, Body: envelope, Service: "events.amazonaws.com", Source: s.ruleARN(r.Name)}
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
		QueueARN: t.DeadLetterConfig.Arn, Body: envelope, Service: "events.amazonaws.com", Source: s.ruleARN(r.Name), Attributes: s.why(r, t),
	}
}

// why are the attributes of an event in a dead-letter queue (EventBridge User Guide, "Using dead-letter queues").
func (s *Service) why(r rule, t target) map[string]sqs.AttributeValue {
	text := func(value string) sqs.AttributeValue {
		return sqs.AttributeValue{DataType: "String", StringValue: &value}
	}
	return map[string]sqs.AttributeValue{"RULE_ARN": text(s.ruleARN(r.Name)), "TARGET_ARN": text(t.Arn)}
}
