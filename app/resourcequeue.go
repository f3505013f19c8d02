package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// The longest retention is SQS's maximum. A message keeps its age when SQS moves it from a standard
// queue to its dead-letter queue, so the standard queue keeps messages for half of that time and
// leaves the other half to the dead-letter queue. A FIFO queue counts the age of a moved message from the move. The
// receive limit is high, since a message that waits for the budget is received again and again.
// Workers write dead letters; SQS's dead-letter queues are only a safety net.
const (
	longRetention   = 14 * 24 * time.Hour
	shortRetention  = 7 * 24 * time.Hour
	queueVisibility = 30 * time.Second
	maxReceiveCount = 1000
)

const (
	retention    = string(types.QueueAttributeNameMessageRetentionPeriod)
	visibility   = string(types.QueueAttributeNameVisibilityTimeout)
	receiveWait  = string(types.QueueAttributeNameReceiveMessageWaitTimeSeconds)
	delay        = string(types.QueueAttributeNameDelaySeconds)
	dedupScope   = string(types.QueueAttributeNameDeduplicationScope)
	throughput   = string(types.QueueAttributeNameFifoThroughputLimit)
	redrive      = string(types.QueueAttributeNameRedrivePolicy)
	redriveAllow = string(types.QueueAttributeNameRedriveAllowPolicy)
	queuePolicy  = string(types.QueueAttributeNamePolicy)
	waiting      = string(types.QueueAttributeNameApproximateNumberOfMessages)
)

var attributeNames = map[string]string{
	retention: "message retention period", visibility: "visibility timeout", receiveWait: "receive wait time",
	delay: "delivery delay", dedupScope: "deduplication scope", throughput: "FIFO throughput limit",
	redrive: "redrive policy", redriveAllow: "redrive allow policy", queuePolicy: "access policy",
}

func isDeadLetterQueue(queue string) bool {
	return strings.HasSuffix(strings.TrimSuffix(queue, fifoSuffix), "-dlq")
}

func retentionOf(queue string) time.Duration {
	if isDeadLetterQueue(queue) || strings.HasSuffix(queue, fifoSuffix) {
		return longRetention
	}
	return shortRetention
}

func (e estate) attributes(queue string) map[string]string {
	want := map[string]string{
		retention: seconds(retentionOf(queue)), visibility: seconds(queueVisibility), delay: "0",
		// Consumers ask for long polls themselves, and for a wait of zero when they stop. The
		// SDK does not send zeros, so SQS applies this value then.
		receiveWait: "0",
	}
	if strings.HasSuffix(queue, fifoSuffix) {
		want[dedupScope], want[throughput] = "messageGroup", "perMessageGroupId"
	}
	if !isDeadLetterQueue(queue) {
		target := e.arn("sqs", DeadLetterQueue(queue))
		policy, _ := json.Marshal(map[string]any{"deadLetterTargetArn": target, "maxReceiveCount": maxReceiveCount})
		want[redrive] = string(policy)
	}
	return want
}

func (e estate) queue(name string) resource {
	return resource{what: "queue " + name, inspect: func(ctx context.Context) (finding, error) {
		at, err := e.sqs.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
		var none *types.QueueDoesNotExist
		if errors.As(err, &none) {
			return missing(func(ctx context.Context) error { return e.createQueue(ctx, name) })
		}
		if err != nil {
			return finding{}, err
		}
		out, err := e.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
			QueueUrl: at.QueueUrl, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
		})
		if err != nil {
			return finding{}, err
		}
		all := e.wrongAttributes(name, aws.ToString(at.QueueUrl), out.Attributes)
		one, err := e.wrongPolicy(name, aws.ToString(at.QueueUrl), out.Attributes[queuePolicy])
		if err != nil {
			return finding{}, err
		}
		return finding{note: backlog(name, out.Attributes[waiting]), faults: append(all, one...)}, nil
	}}
}

func (e estate) policyOf(ctx context.Context, queue string) (string, error) {
	at, err := e.sqs.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &queue})
	if err != nil {
		return "", err
	}
	out, err := e.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: at.QueueUrl, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNamePolicy}})
	if err != nil {
		return "", err
	}
	return out.Attributes[queuePolicy], nil
}

func backlog(queue, messages string) string {
	switch {
	case messages == "" || messages == "0":
		return ""
	case isDeadLetterQueue(queue):
		return "about " + messages + " waiting; workers empty it, so is one running?"
	}
	return "about " + messages + " waiting"
}

func (e estate) createQueue(ctx context.Context, name string) error {
	attributes := e.attributes(name)
	if strings.HasSuffix(name, fifoSuffix) {
		attributes[string(types.QueueAttributeNameFifoQueue)] = "true"
	}
	if wanted := e.admitted(name); len(wanted) > 0 {
		attributes[queuePolicy] = withStatements(nil, wanted)
	}
	return e.patiently(ctx, func(ctx context.Context) (again bool, err error) {
		_, err = e.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
		// SQS refuses the name of a queue for a minute after it was deleted.
		var tooSoon *types.QueueDeletedRecently
		if err != nil {
			err = fmt.Errorf("creating queue %s: %w", name, err)
		}
		return errors.As(err, &tooSoon), err
	})
}

func (e estate) wrongAttributes(queue, url string, is map[string]string) []fault {
	want := e.attributes(queue)
	var all []fault
	set := func(attribute, value, says, mending string) {
		all = append(all, fault{
			says: says, mending: mending,
			mend: func(ctx context.Context) error { return e.setQueue(ctx, queue, url, attribute, value) },
		})
	}
	for _, attribute := range slices.Sorted(maps.Keys(want)) {
		if sameValue(is[attribute], want[attribute]) || attribute == visibility && hidesLonger(is[attribute]) {
			continue
		}
		name, to := attributeNames[attribute], withUnit(attribute, want[attribute])
		if attribute == redrive {
			to = fmt.Sprintf("move messages to %s after %d receives", DeadLetterQueue(queue), maxReceiveCount)
			set(attribute, want[attribute], fmt.Sprintf("Its %s does not %s.", name, to), fmt.Sprintf("have the %s %s", name, to))
			continue
		}
		must := to
		if attribute == visibility {
			must = "at least " + to
		}
		set(attribute, want[attribute], fmt.Sprintf("Its %s is %s and must be %s.", name, withUnit(attribute, is[attribute]), must), fmt.Sprintf("set the %s to %s", name, to))
	}
	var allowed struct{ RedrivePermission string }
	if policy := is[redriveAllow]; isDeadLetterQueue(queue) && policy != "" &&
		(json.Unmarshal([]byte(policy), &allowed) != nil || allowed.RedrivePermission != "allowAll") {
		set(redriveAllow, `{"redrivePermission":"allowAll"}`, "Its redrive allow policy keeps SQS from moving messages here.", "have the redrive allow policy let every queue move messages here")
	}
	return all
}

// hidesLonger reports whether a queue hides messages for longer than it must. Operators who run workers
// on AWS Lambda set that.
func hidesLonger(value string) bool {
	given, err := strconv.Atoi(value)
	return err == nil && given > int(queueVisibility.Seconds())
}

func withUnit(attribute, value string) string {
	switch attribute {
	case retention, visibility, receiveWait, delay:
		if value == "1" {
			return "1 second"
		}
		return value + " seconds"
	}
	if value == "" {
		return "not set"
	}
	return value
}

// sameValue treats JSON documents as equal in any order, and numbers as equal to their texts.
func sameValue(a, b string) bool {
	if a == b {
		return true
	}
	x, y, ok := canonical(a), canonical(b), strings.HasPrefix(b, "{")
	return ok && x != nil && bytes.Equal(x, y)
}

func canonical(document string) []byte {
	var value map[string]any
	decoder := json.NewDecoder(strings.NewReader(document))
	decoder.UseNumber()
	if decoder.Decode(&value) != nil {
		return nil
	}
	for name, member := range value {
		if number, ok := member.(json.Number); ok {
			value[name] = number.String()
		}
	}
	text, _ := json.Marshal(value)
	return text
}

func (e estate) setQueue(ctx context.Context, queue, url, attribute, value string) error {
	_, err := e.sqs.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: map[string]string{attribute: value}})
	if err != nil {
		return fmt.Errorf("setting the %s of queue %s: %w", attributeNames[attribute], queue, err)
	}
	return nil
}

// wrongPolicy: the queue's access policy must admit its senders, and must not deny anything
// unconditionally.
func (e estate) wrongPolicy(queue, url, policy string) ([]fault, error) {
	statements, err := statementsOf(policy)
	if err != nil {
		return nil, fmt.Errorf("reading the access policy of queue %s: %w", queue, err)
	}
	var all []fault
	for _, s := range statements {
		if s["Effect"] == "Deny" && s["Condition"] == nil {
			all = append(all, fault{
				says:   fmt.Sprintf("Its access policy denies %s in statement %q.", listed(s["Action"]), fmt.Sprint(s["Sid"])),
				advice: "Remove that statement, or give it a condition that spares Gatehouse's roles and the topic.",
			})
		}
	}
	for _, want := range e.admitted(queue) {
		if slices.ContainsFunc(statements, want.is) {
			continue
		}
		all = append(all, fault{
			says: want.says, mending: want.mending,
			mend: func(ctx context.Context) error {
				return e.setQueue(ctx, queue, url, queuePolicy, withStatements(statements, e.admitted(queue)))
			},
		})
	}
	return all, nil
}

// A policy's Statement may be one object or a list.
func statementsOf(policy string) ([]map[string]any, error) {
	if policy == "" {
		return nil, nil
	}
	var document struct{ Statement json.RawMessage }
	if err := json.Unmarshal([]byte(policy), &document); err != nil {
		return nil, err
	}
	var many []map[string]any
	if err := json.Unmarshal(document.Statement, &many); err == nil {
		return many, nil
	}
	var one map[string]any
	err := json.Unmarshal(document.Statement, &one)
	return []map[string]any{one}, err
}

func texts(member any) []string {
	switch v := member.(type) {
	case string:
		return []string{v}
	case []any:
		var all []string
		for _, one := range v {
			all = append(all, fmt.Sprint(one))
		}
		return all
	}
	return nil
}

func listed(member any) string { return strings.Join(texts(member), ", ") }

func seconds(d time.Duration) string { return fmt.Sprintf("%d", int(d.Seconds())) }
