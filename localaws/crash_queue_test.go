package localaws_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// standardQueue is a standard queue with two clients that send, and two that receive and
// delete.
type standardQueue struct {
	t testing.TB

	mu       sync.Mutex
	sent     int // how many messages were sent, or tried; their bodies are "1", "2", …
	messages map[string]*sentMessage
	// unanswered counts the receives that got no answer.
	unanswered int
}

// sentMessage is what the clients know about one message.
type sentMessage struct {
	acknowledged, deleting, deleted bool
	id                              string
	// counts are the receive counts that the message arrived with.
	counts map[int]bool
	latest int
}

func newStandardQueue(t testing.TB) *standardQueue {
	return &standardQueue{t: t, messages: map[string]*sentMessage{}}
}

func (w *standardQueue) setUp(s *session) error {
	_, err := s.queues.CreateQueue(context.Background(), &sqs.CreateQueueInput{QueueName: aws.String("standard")})
	return err
}

func (w *standardQueue) run(s *session) {
	out, err := s.queues.GetQueueUrl(context.Background(), &sqs.GetQueueUrlInput{QueueName: aws.String("standard")})
	if s.outcomeOf("finding the queue", err) != done {
		return
	}
	var clients sync.WaitGroup
	for range 2 {
		sender, receiver := s.forked(), s.forked()
		clients.Go(func() {
			for w.send(sender, *out.QueueUrl) {
			}
		})
		clients.Go(func() {
			for w.receive(receiver, *out.QueueUrl) {
			}
		})
	}
	clients.Wait()
}

func (w *standardQueue) send(s *session, url string) bool {
	w.mu.Lock()
	w.sent++
	body, m := fmt.Sprint(w.sent), &sentMessage{counts: map[int]bool{}}
	w.messages[body] = m
	w.mu.Unlock()
	_, err := s.queues.SendMessage(context.Background(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body})
	result := s.outcomeOf("sending", err)
	w.mu.Lock()
	defer w.mu.Unlock()
	m.acknowledged = result == done
	return result == done
}

func (w *standardQueue) receive(s *session, url string) bool {
	out, err := s.queues.ReceiveMessage(context.Background(), &sqs.ReceiveMessageInput{
		QueueUrl: &url, MaxNumberOfMessages: 5, VisibilityTimeout: visibility,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	if s.outcomeOf("receiving", err) != done {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.unanswered++
		return false
	}
	known := make([]*sentMessage, len(out.Messages))
	for i, got := range out.Messages {
		known[i] = w.saw(got)
	}
	for i, m := range known {
		if m == nil || s.random.IntN(3) == 0 {
			continue
		}
		if !w.delete(s, url, out.Messages[i], m) {
			return false
		}
	}
	return true
}

// saw checks a received message against what is known about it.
func (w *standardQueue) saw(got types.Message) *sentMessage {
	w.mu.Lock()
	defer w.mu.Unlock()
	m, count := w.messages[*got.Body], number(got.Attributes["ApproximateReceiveCount"])
	if m == nil {
		w.t.Errorf("message %q was never sent", *got.Body)
		return nil
	}
	if m.deleted {
		w.t.Errorf("message %s was deleted and came back", *got.Body)
	}
	if m.id != "" && m.id != *got.MessageId {
		w.t.Errorf("message %s exists twice", *got.Body)
	}
	m.id = *got.MessageId
	// Every receive raises the count, even an unanswered one. Another receive may have been
	// answered and not been looked at yet.
	if most := len(m.counts) + 1 + w.unanswered + 1; count < 1 || m.counts[count] || count > most {
		w.t.Errorf("message %s has receive count %d, want 1 to %d and not one of %v", *got.Body, count, most, m.counts)
	}
	m.counts[count] = true
	m.latest = max(m.latest, count)
	return m
}

func (w *standardQueue) delete(s *session, url string, got types.Message, m *sentMessage) bool {
	w.mu.Lock()
	m.deleting = true
	w.mu.Unlock()
	_, err := s.queues.DeleteMessage(context.Background(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: got.ReceiptHandle})
	result := s.outcomeOf("deleting", err)
	w.mu.Lock()
	defer w.mu.Unlock()
	// A standard queue also accepts an outdated receipt handle. Only the newest one
	// deletes.
	if result == done && m.latest == number(got.Attributes["ApproximateReceiveCount"]) {
		m.deleted = true
	}
	return result == done
}

// bounds returns how many messages the queue must hold at least and at most.
func (w *standardQueue) bounds() (atLeast, atMost int) {
	for _, m := range w.messages {
		if m.acknowledged && !m.deleting {
			atLeast++
		}
		if !m.deleted {
			atMost++
		}
	}
	return atLeast, atMost
}

func (w *standardQueue) size(s *session) int {
	s.t.Helper()
	out, err := s.queues.GetQueueAttributes(context.Background(), &sqs.GetQueueAttributesInput{
		QueueUrl: aws.String(s.queueURL("standard")), AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	s.must("reading the queue's attributes", err)
	return number(out.Attributes["ApproximateNumberOfMessages"]) + number(out.Attributes["ApproximateNumberOfMessagesNotVisible"])
}

func (w *standardQueue) check(s *session) {
	atLeast, atMost := w.bounds()
	if n := w.size(s); n < atLeast || n > atMost {
		s.t.Errorf("the queue holds %d messages, want %d to %d", n, atLeast, atMost)
	}
}

// finish receives all remaining messages.
func (w *standardQueue) finish(s *session) {
	url := s.queueURL("standard")
	for w.size(s) > 0 {
		out, err := s.queues.ReceiveMessage(context.Background(), &sqs.ReceiveMessageInput{
			QueueUrl: &url, MaxNumberOfMessages: 10, WaitTimeSeconds: 5,
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		})
		s.must("receiving", err)
		if len(out.Messages) == 0 {
			s.t.Fatal("some messages cannot be received")
		}
		for _, got := range out.Messages {
			m := w.saw(got)
			if m == nil || !w.delete(s, url, got, m) {
				s.t.FailNow()
			}
		}
	}
	for body, m := range w.messages {
		if m.acknowledged && !m.deleting {
			s.t.Errorf("message %s is lost", body)
		}
	}
}
