package eventbridge_test

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

func TestATopicPassesTheEventOnToItsSubscribers(t *testing.T) {
	t.Parallel()
	server := localawstest.Start(t)
	l, topics := on(t, server), sns.NewFromConfig(server.AWSConfig())
	url, queue := l.queueWith("q", map[string]string{"Policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
		`"Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*"}]}`})
	topic, err := topics.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("events")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := topics.Subscribe(t.Context(), &sns.SubscribeInput{TopicArn: topic.TopicArn, Protocol: aws.String("sqs"), Endpoint: &queue}); err != nil {
		t.Fatal(err)
	}
	l.rule("r", `{"source":["portal.test"]}`, to(*topic.TopicArn))
	l.put(event("portal.test"), event("other.test"))
	got := l.receive(url)
	var sent struct{ Type, TopicArn, Message string }
	if len(got) != 1 || json.Unmarshal([]byte(got[0]), &sent) != nil || sent.Type != "Notification" || sent.TopicArn != *topic.TopicArn {
		t.Fatalf("the queue has %q", got)
	}
	var passed struct{ Source string }
	if err := json.Unmarshal([]byte(sent.Message), &passed); err != nil || passed.Source != "portal.test" {
		t.Errorf("the topic passed on %s", sent.Message)
	}
}

func TestAnEventForATopicThatIsGoneIsADeadLetter(t *testing.T) {
	t.Parallel()
	l := start(t)
	url, letters := l.queue("letters")
	l.rule("r", `{"source":["portal.test"]}`, types.Target{
		Id: aws.String("topic"), Arn: aws.String("arn:aws:sns:us-east-1:000000000000:gone"), DeadLetterConfig: &types.DeadLetterConfig{Arn: &letters},
	})
	l.put(event("portal.test"))
	if got := l.receive(url); len(got) != 1 {
		t.Errorf("the dead-letter queue has %q", got)
	}
}
