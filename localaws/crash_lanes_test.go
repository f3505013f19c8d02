package localaws_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// lanes sends 1, 2, 3, … to each group of a FIFO queue, directly or through a FIFO topic.
// It sends a number again, with the same deduplication id, if it got no answer. So every
// number must arrive once, in order.
type lanes struct {
	t     testing.TB
	name  string // of queue and topic, without .fifo
	lanes []*lane
}

type lane struct {
	mu sync.Mutex
	// acknowledged is the last number known to be sent; tried may be one higher.
	acknowledged, tried int
	// deleted is the last number known to be deleted; deleting may be one higher.
	deleted, deleting int
}

// newLanes makes lanes whose name is "sent" or "published".
func newLanes(t testing.TB, name string, n int) *lanes {
	w := &lanes{t: t, name: name}
	for range n {
		w.lanes = append(w.lanes, &lane{})
	}
	return w
}

func (w *lanes) published() bool  { return w.name == "published" }
func (w *lanes) topicARN() string { return "arn:aws:sns:us-east-1:000000000000:" + w.name + ".fifo" }

func (w *lanes) setUp(s *session) error {
	ctx := context.Background()
	fifo := map[string]string{"FifoQueue": "true", "Policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
		`"Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*"}]}`}
	if _, err := s.queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(w.name + ".fifo"), Attributes: fifo}); err != nil || !w.published() {
		return err
	}
	if _, err := s.topics.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String(w.name + ".fifo"), Attributes: map[string]string{"FifoTopic": "true"}}); err != nil {
		return err
	}
	_, err := s.topics.Subscribe(ctx, &sns.SubscribeInput{
		TopicArn: aws.String(w.topicARN()), Protocol: aws.String("sqs"),
		Endpoint:   aws.String("arn:aws:sqs:us-east-1:000000000000:" + w.name + ".fifo"),
		Attributes: map[string]string{"RawMessageDelivery": "true"},
	})
	return err
}

func (w *lanes) run(s *session) {
	out, err := s.queues.GetQueueUrl(context.Background(), &sqs.GetQueueUrlInput{QueueName: aws.String(w.name + ".fifo")})
	if s.outcomeOf("finding the queue", err) != done {
		return
	}
	var clients sync.WaitGroup
	for i := range w.lanes {
		clients.Go(func() {
			for w.send(s, *out.QueueUrl, i) {
			}
		})
	}
	receiver := s.forked()
	clients.Go(func() {
		for w.receive(receiver, *out.QueueUrl) {
		}
	})
	clients.Wait()
}

func (w *lanes) send(s *session, url string, i int) bool {
	l := w.lanes[i]
	l.mu.Lock()
	l.tried = l.acknowledged + 1
	body, group := fmt.Sprintf("%d:%d", i, l.tried), fmt.Sprint(i)
	l.mu.Unlock()
	var err error
	if w.published() {
		_, err = s.topics.Publish(context.Background(), &sns.PublishInput{
			TopicArn: aws.String(w.topicARN()), Message: &body, MessageGroupId: &group, MessageDeduplicationId: &body,
		})
	} else {
		_, err = s.queues.SendMessage(context.Background(), &sqs.SendMessageInput{
			QueueUrl: &url, MessageBody: &body, MessageGroupId: &group, MessageDeduplicationId: &body,
		})
	}
	if s.outcomeOf("sending "+body, err) != done {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acknowledged = l.tried
	return true
}

func (w *lanes) receive(s *session, url string) bool {
	out, err := s.queues.ReceiveMessage(context.Background(), &sqs.ReceiveMessageInput{
		QueueUrl: &url, MaxNumberOfMessages: 10, VisibilityTimeout: visibility,
	})
	if s.outcomeOf("receiving", err) != done {
		return false
	}
	w.wantOrdered(out.Messages)
	for _, m := range out.Messages {
		if s.random.IntN(40) == 0 {
			return true // the rest is received again
		}
		if !w.delete(s, url, m) {
			return false
		}
	}
	return true
}

// wantOrdered checks that each group continues without a gap, from the first number not
// known to be deleted.
func (w *lanes) wantOrdered(got []types.Message) {
	next := map[string]int{}
	for _, m := range got {
		group, text, _ := strings.Cut(*m.Body, ":")
		l, n := w.lanes[number(group)], number(text)
		l.mu.Lock()
		lowest, highest := l.deleted+1, l.deleting+1
		if want, ok := next[group]; ok {
			lowest, highest = want, want
		}
		if n < lowest || n > highest || n > l.tried {
			w.t.Errorf("%s: received %d of group %s, want %d to %d; %d were sent", w.name, n, group, lowest, highest, l.tried)
		}
		l.mu.Unlock()
		next[group] = n + 1
	}
}

func (w *lanes) delete(s *session, url string, m types.Message) bool {
	group, text, _ := strings.Cut(*m.Body, ":")
	l, n := w.lanes[number(group)], number(text)
	l.mu.Lock()
	l.deleting = max(l.deleting, n)
	l.mu.Unlock()
	_, err := s.queues.DeleteMessage(context.Background(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle})
	if s.outcomeOf("deleting", err) != done {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deleted = max(l.deleted, n)
	return true
}

func (w *lanes) check(s *session) {
	url := s.queueURL(w.name + ".fifo")
	out, err := s.queues.GetQueueAttributes(context.Background(), &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	s.must("reading the queue's attributes", err)
	atLeast, atMost := 0, 0
	for _, l := range w.lanes {
		atLeast += l.acknowledged - l.deleting
		atMost += l.tried - l.deleted
	}
	n := number(out.Attributes["ApproximateNumberOfMessages"]) + number(out.Attributes["ApproximateNumberOfMessagesNotVisible"])
	if n < atLeast || n > atMost {
		s.t.Errorf("%s: the queue holds %d messages, want %d to %d", w.name, n, atLeast, atMost)
	}
}

// finish resends the unanswered messages, then receives everything.
func (w *lanes) finish(s *session) {
	url := s.queueURL(w.name + ".fifo")
	for i := range w.lanes {
		if !w.send(s, url, i) {
			s.t.FailNow()
		}
	}
	for w.left() > 0 {
		out, err := s.queues.ReceiveMessage(context.Background(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10, WaitTimeSeconds: 5, VisibilityTimeout: visibility})
		s.must("receiving", err)
		if len(out.Messages) == 0 {
			s.t.Fatalf("%s: %d messages are lost", w.name, w.left())
		}
		w.wantOrdered(out.Messages)
		for _, m := range out.Messages {
			if !w.delete(s, url, m) {
				s.t.FailNow()
			}
		}
	}
	w.check(s)
}

func (w *lanes) left() int {
	n := 0
	for _, l := range w.lanes {
		n += l.acknowledged - l.deleted
	}
	return n
}
