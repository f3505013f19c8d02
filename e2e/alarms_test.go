// This file tests that operators are told of a dead letter by a topic and a webhook.

package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/gatehouse-portal/gatehouse/alarms"
)

// topicOf makes a topic and a queue that gets its messages.
func (s *site) topicOf(t *testing.T, name string) (queue string) {
	t.Helper()
	topics, queues := sns.NewFromConfig(s.aws), sqs.NewFromConfig(s.aws)
	topic, err := topics.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: &name})
	if err != nil {
		t.Fatal(err)
	}
	made, err := queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name})
	if err != nil {
		t.Fatal(err)
	}
	arn := strings.Replace(*topic.TopicArn, ":sns:", ":sqs:", 1)
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"` + arn + `","Condition":{"ArnEquals":{"aws:SourceArn":"` + *topic.TopicArn + `"}}}]}`
	if _, err = queues.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: made.QueueUrl, Attributes: map[string]string{"Policy": policy}}); err != nil {
		t.Fatal(err)
	}
	if _, err = topics.Subscribe(t.Context(), &sns.SubscribeInput{TopicArn: topic.TopicArn, Protocol: aws.String("sqs"), Endpoint: &arn}); err != nil {
		t.Fatal(err)
	}
	return *made.QueueUrl
}

func TestADeadLetterLeadsToOneMessageOnTheTopicAndTheWebhook(t *testing.T) {
	t.Parallel()
	calls := make(chan alarms.Payload, 10)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var got alarms.Payload
		if json.Unmarshal(body, &got) == nil && r.Header.Get("Webhook-Signature") != "" {
			calls <- got
		}
	}))
	t.Cleanup(hook.Close)
	s := startWith(t, settings{dir: t.TempDir(), env: []string{
		"GATEHOUSE_OPERATORS_TOPIC=arn:aws:sns:us-east-1:000000000000:operators", "GATEHOUSE_OPERATORS_WEBHOOK=" + hook.URL, "GATEHOUSE_OPERATORS_WEBHOOK_PRIVATE=true",
	}})
	queue := s.topicOf(t, "operators")
	s.put(t, names.Commands, "<no message>")
	o := s.operator(t)
	eventually(t, "there is a dead letter", func() bool {
		return len(asJSON[struct{ Letters []struct{ ID string } }](o, "dlq", "list").Letters) == 1
	})
	s.demand(t, "alarms")
	var got alarms.Payload
	eventually(t, "the webhook is called", func() bool {
		select {
		case got = <-calls:
			return true
		default:
			return false
		}
	})
	if got.Data.Alarm != alarms.DeadLetters || got.Data.Phase != alarms.Began || got.Data.Link != s.PortalURL+"/admin/dead-letters" {
		t.Errorf("the webhook got %+v", got)
	}
	mails := 0
	receive := func(seconds int32) {
		out, err := sqs.NewFromConfig(s.aws).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &queue, WaitTimeSeconds: seconds, MaxNumberOfMessages: 10})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range out.Messages {
			mails++
			if !strings.Contains(*m.Body, "Messages have become dead letters") || !strings.Contains(*m.Body, "/admin/dead-letters") || !strings.Contains(*m.Body, "runbook.md#a-message-became-a-dead-letter") {
				t.Errorf("the topic got %s", *m.Body)
			}
		}
	}
	eventually(t, "the topic has a message", func() bool { receive(1); return mails > 0 })
	eventually(t, "the row says that both were told", func() bool {
		all := asJSON[struct {
			Alarms []struct{ Told []struct{ Phase string } }
		}](o, "alarms", "list").Alarms
		return len(all) == 1 && len(all[0].Told) == 2 && all[0].Told[0].Phase == "began" && all[0].Told[1].Phase == "began"
	})
	s.demand(t, "alarms")
	receive(3)
	if mails != 1 || len(calls) != 0 {
		t.Errorf("the topic got %d messages and the webhook %d, want one each", mails, 1+len(calls))
	}
}
