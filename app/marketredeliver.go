package app

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/gatehouse-portal/gatehouse/marketplace/notice"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Redelivery says what RedeliverNotices does.
type Redelivery struct {
	// Yes sends the notices. Without it they are listed.
	Yes bool
	// From are the ARNs of dead-letter queues. Without any, those of the rule and of the subscriptions count, and
	// the one that `gatehouse marketplace subscribe` makes.
	From []string
}

// UndeliveredNotice is a message of a dead-letter queue.
type UndeliveredNotice struct {
	Queue string `json:"queue"`
	// Message is SQS's id of the message there.
	Message string        `json:"message"`
	Notice  notice.Notice `json:"-"`
	// Reason is why it was not delivered, "" if AWS does not say.
	Reason string `json:"reason,omitempty"`
	// Problem is why it cannot be sent to the portal's queue, "" if it can.
	Problem string `json:"problem,omitempty"`
	// Sent says that the portal's queue has it, and that it was deleted from the dead-letter queue.
	Sent bool `json:"sent"`
}

// Redelivered is what RedeliverNotices found and did.
type Redelivered struct {
	Queues  []string            `json:"queues"`
	Notices []UndeliveredNotice `json:"notices"`
	// Hidden is about how many messages were being read by another run when this one began. They are visible again
	// after redeliverHidden.
	Hidden int `json:"hidden"`
}

// Sent counts the notices that were sent, and Left those that cannot be.
func (r Redelivered) Sent() (n int) {
	return countIf(r.Notices, func(u UndeliveredNotice) bool { return u.Sent })
}

// Left counts the notices that cannot be sent.
func (r Redelivered) Left() (n int) {
	return countIf(r.Notices, func(u UndeliveredNotice) bool { return u.Problem != "" })
}

func countIf[T any](all []T, holds func(T) bool) (n int) {
	for _, one := range all {
		if holds(one) {
			n++
		}
	}
	return n
}

const (
	// redeliverHidden is for how long a message that is being read is hidden from other runs.
	redeliverHidden = 2 * time.Minute
	// redeliverWait is how long SQS looks for messages, on all of its servers.
	redeliverWait = time.Second
	releaseTime   = 5 * time.Second
)

// RedeliverNotices sends the notices of AWS Marketplace that SNS or EventBridge could not deliver to the portal's
// queue, and deletes each from its dead-letter queue once the portal's queue has it. If it is stopped in between,
// or an answer is lost, a notice is sent again by the next call, which does no harm: workers know it by its id.
// Messages that are no notices, or that workers would refuse, stay and have a Problem.
//
// After an error, the result has the notices that were sent before it.
func RedeliverNotices(ctx context.Context, p Process, how Redelivery) (Redelivered, error) {
	result := Redelivered{Queues: []string{}, Notices: []UndeliveredNotice{}}
	m, sellerErr, err := openMarket(ctx, p)
	if err == nil {
		err = sellerErr
	}
	if err != nil {
		return result, err
	}
	queues, err := m.redeliveredFrom(ctx, how.From)
	if err != nil {
		return result, err
	}
	to, err := m.sqs.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &m.names.Marketplace})
	if err != nil {
		return result, explainedOf("queue "+m.names.Marketplace, err)
	}
	for _, queue := range queues {
		r := redelivery{market: m, queue: queue, to: aws.ToString(to.QueueUrl), yes: how.Yes, result: &result, seen: map[string]bool{}}
		if err := r.run(ctx); err != nil {
			return result, explained("queue "+nameOf(queue), err)
		}
	}
	slices.SortStableFunc(result.Notices, func(a, b UndeliveredNotice) int { return a.Notice.Data.At.Compare(b.Notice.Data.At) })
	return result, nil
}

// redeliveredFrom checks the ARNs that an operator gives, or finds the dead-letter queues.
func (m market) redeliveredFrom(ctx context.Context, given []string) ([]string, error) {
	for _, arn := range given {
		if partOf(arn, 2) != "sqs" || regionOf(arn) == "" || accountOf(arn) == "" || nameOf(arn) == "" || strings.HasSuffix(arn, fifoSuffix) {
			return nil, portal.Fail(portal.Invalid, fmt.Sprintf("%q is not the ARN of a standard queue, such as %s.", arn, m.undeliveredQueue()))
		}
		if arn == m.queue {
			return nil, portal.Fail(portal.Invalid, fmt.Sprintf("%s is the portal's own queue, which workers empty.", arn))
		}
	}
	if len(given) > 0 {
		return slices.Compact(slices.Sorted(slices.Values(given))), nil
	}
	found, err := m.deadLetterQueues(ctx)
	if err != nil {
		return nil, m.inSellersWords(err)
	}
	if own := m.undeliveredQueue(); !slices.Contains(found, own) {
		_, url, err := m.deadLetterQueue(ctx, own)
		if err != nil {
			return nil, m.wordsOf(own, err)
		}
		if url != "" {
			found = append(found, own)
		}
	}
	if len(found) == 0 {
		return nil, portal.Fail(portal.NotFound, "No subscription and no rule of the seller has a dead-letter queue. `gatehouse marketplace doctor` says how to get one; --from names another queue.")
	}
	return found, nil
}

// redelivery is the work on one dead-letter queue.
type redelivery struct {
	market
	queue, url, to string
	yes            bool
	result         *Redelivered
	// seen has the messages that this run has read, by id.
	seen map[string]bool
	// held are the receipts of messages that stay.
	held []string
}

func (r *redelivery) run(ctx context.Context) error {
	attributes, url, err := r.deadLetterQueue(ctx, r.queue)
	switch {
	case err != nil:
		return r.wordsOf(r.queue, err)
	case url == "":
		return portal.Fail(portal.NotFound, "It does not exist.")
	}
	r.url = url
	r.result.Queues = append(r.result.Queues, r.queue)
	hidden, _ := strconv.Atoi(attributes[string(types.QueueAttributeNameApproximateNumberOfMessagesNotVisible)])
	r.result.Hidden += hidden
	defer r.release(ctx)
	for {
		out, err := r.queuesOf(r.queue).ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &r.url, MaxNumberOfMessages: 10, VisibilityTimeout: int32(redeliverHidden / time.Second), WaitTimeSeconds: int32(redeliverWait / time.Second),
			MessageAttributeNames: []string{"All"}, MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameSentTimestamp},
		})
		if err != nil {
			return r.wordsOf(r.queue, err)
		}
		fresh, err := r.treatAll(ctx, out.Messages)
		if err != nil || !fresh {
			return err
		}
	}
}

// treatAll reports whether one of the messages is new to this run. If there is none, all of the queue was read.
func (r *redelivery) treatAll(ctx context.Context, messages []types.Message) (fresh bool, err error) {
	for i, msg := range messages {
		if r.seen[aws.ToString(msg.MessageId)] {
			r.held = append(r.held, aws.ToString(msg.ReceiptHandle))
			continue
		}
		fresh = true
		if err = ctx.Err(); err == nil {
			err = r.treat(ctx, msg)
		}
		if err != nil {
			for _, rest := range messages[i:] {
				r.held = append(r.held, aws.ToString(rest.ReceiptHandle))
			}
			return fresh, err
		}
	}
	return fresh, nil
}

// treat sends a message and then deletes it, or keeps its receipt.
func (r *redelivery) treat(ctx context.Context, msg types.Message) error {
	one, body := r.read(msg)
	r.seen[one.Message] = true
	if !r.yes || one.Problem != "" {
		r.held = append(r.held, aws.ToString(msg.ReceiptHandle))
		r.result.Notices = append(r.result.Notices, one)
		return nil
	}
	// An interrupted command still finishes the notice that it has begun.
	ctx = context.WithoutCancel(ctx)
	if _, err := r.sqs.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &r.to, MessageBody: &body}); err != nil {
		return portal.Fail(portal.Unavailable, "A notice could not be sent to the queue "+r.names.Marketplace+". "+inWords(err))
	}
	if _, err := r.queuesOf(r.queue).DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &r.url, ReceiptHandle: msg.ReceiptHandle}); err != nil {
		return portal.Fail(portal.Unavailable, "A notice was sent and could not be deleted here. The next run sends it again, which does no harm. "+inWords(r.wordsOf(r.queue, err)))
	}
	one.Sent = true
	r.result.Notices = append(r.result.Notices, one)
	return nil
}

// read returns the message as it is listed, and the body to send.
func (r *redelivery) read(msg types.Message) (UndeliveredNotice, string) {
	one := UndeliveredNotice{Queue: r.queue, Message: aws.ToString(msg.MessageId), Reason: undeliveredFor(msg)}
	read, body, err := notice.Again([]byte(aws.ToString(msg.Body)), notice.Delivery{ID: one.Message, At: sentAt(msg)}, r.origins)
	if err != nil {
		one.Problem = "It is not a notice of AWS Marketplace: " + err.Error() + "."
		return one, ""
	}
	one.Notice, one.Problem = read, r.origins.Refusal(read.Origin)
	return one, string(body)
}

func sentAt(msg types.Message) time.Time {
	millis, err := strconv.ParseInt(msg.Attributes[string(types.MessageSystemAttributeNameSentTimestamp)], 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(millis).UTC()
}

// undeliveredFor is what EventBridge says about a failure (EventBridge User Guide, "Using dead-letter queues"). SNS
// says nothing.
func undeliveredFor(msg types.Message) string {
	var says []string
	for _, name := range []string{"ERROR_CODE", "ERROR_MESSAGE"} {
		if text := aws.ToString(msg.MessageAttributes[name].StringValue); text != "" {
			says = append(says, text)
		}
	}
	return strings.Join(says, ": ")
}

// release makes the messages that stay visible again.
func (r *redelivery) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
	defer cancel()
	for batch := range slices.Chunk(r.held, 10) {
		var entries []types.ChangeMessageVisibilityBatchRequestEntry
		for i, receipt := range batch {
			entries = append(entries, types.ChangeMessageVisibilityBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: &receipt})
		}
		// If it fails, they are visible after redeliverHidden.
		_, _ = r.queuesOf(r.queue).ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &r.url, Entries: entries})
	}
}
