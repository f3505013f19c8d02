package app

import (
	"bytes"
	"encoding/json"
	"slices"
)

// admission is a statement of a queue's access policy that lets another service send to it.
type admission struct {
	statement map[string]any
	// says is the fault if the policy lacks it, mending what set-up does then.
	says, mending string
}

func (a admission) is(statement map[string]any) bool {
	is, _ := json.Marshal(statement)
	want, _ := json.Marshal(a.statement)
	return bytes.Equal(is, want)
}

// admitted lists who else sends to the queue: the topic of facts, and the configured topics and
// accounts of AWS Marketplace.
func (e estate) admitted(queue string) []admission {
	return e.admittedTo(queue, e.arn("sqs", queue))
}

// admittedTo is admitted for a queue with that ARN.
func (e estate) admittedTo(queue, arn string) []admission {
	send := func(sid, service string, condition map[string]any) map[string]any {
		return map[string]any{
			"Sid": sid, "Effect": "Allow", "Principal": map[string]any{"Service": service},
			"Action": "sqs:SendMessage", "Resource": arn, "Condition": condition,
		}
	}
	var all []admission
	if slices.Contains(e.names.Subscribed(), queue) {
		all = append(all, admission{
			statement: send("EventsTopic", "sns.amazonaws.com", map[string]any{"ArnEquals": map[string]any{"aws:SourceArn": e.arn("sns", e.names.Events)}}),
			says:      "Its access policy does not let the topic in, so " + e.consequence(queue) + ".",
			mending:   "let the topic " + e.names.Events + " send to it",
		})
	}
	if queue == e.names.Trail || queue == DeadLetterQueue(e.names.Trail) {
		all = append(all, admission{
			statement: send("TrailRule", "events.amazonaws.com", map[string]any{"ArnEquals": map[string]any{"aws:SourceArn": e.arn("events", "rule/"+e.names.Trail)}}),
			says:      "Its access policy does not let the rule " + e.names.Trail + " of the event bus in, so changes in API Gateway are noticed late.",
			mending:   "let the rule " + e.names.Trail + " of the event bus send to it",
		})
	}
	if queue != e.names.Marketplace {
		return all
	}
	origins := e.cfg.MarketplaceOrigins()
	if len(origins.Topics) > 0 {
		all = append(all, admission{
			statement: send("MarketplaceTopics", "sns.amazonaws.com", map[string]any{"ArnEquals": map[string]any{"aws:SourceArn": origins.Topics}}),
			says:      "Its access policy does not let in the topics of GATEHOUSE_MARKETPLACE_TOPICS, so notices of AWS Marketplace are lost.",
			mending:   "let the topics of GATEHOUSE_MARKETPLACE_TOPICS send to it",
		})
	}
	if len(origins.Accounts) > 0 {
		all = append(all, admission{
			statement: send("MarketplaceEvents", "events.amazonaws.com", map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": origins.Accounts}}),
			says:      "Its access policy does not let in the event bus of GATEHOUSE_MARKETPLACE_ACCOUNTS, so notices of AWS Marketplace are lost.",
			mending:   "let the event bus of GATEHOUSE_MARKETPLACE_ACCOUNTS send to it",
		})
	}
	return all
}

// withStatements replaces older admissions of the same names.
func withStatements(statements []map[string]any, admissions []admission) string {
	kept := slices.DeleteFunc(slices.Clone(statements), func(s map[string]any) bool {
		return slices.ContainsFunc(admissions, func(a admission) bool { return a.statement["Sid"] == s["Sid"] })
	})
	for _, a := range admissions {
		kept = append(kept, a.statement)
	}
	policy, _ := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": kept})
	return string(policy)
}
