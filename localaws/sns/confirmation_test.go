package sns_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

func TestASubscriptionFromAnotherAccountWaitsForItsConfirmation(t *testing.T) {
	t.Parallel()
	l := startOther(t)
	topic := l.topic("t")
	queue, queueARN := l.queue("q")
	listed := func() string {
		out, err := l.ListSubscriptions(t.Context(), &sns.ListSubscriptionsInput{})
		if err != nil || len(out.Subscriptions) != 1 {
			t.Fatalf("the subscriptions are %+v, %v", out, err)
		}
		return aws.ToString(out.Subscriptions[0].SubscriptionArn)
	}
	var token string
	for range 2 { // SNS asks again
		if arn := l.subscribe(topic, queueARN); arn != "pending confirmation" || listed() != "PendingConfirmation" {
			t.Errorf("the subscription is %q, and listed as %q", arn, listed())
		}
		var request struct{ Type, Token, TopicArn, Message, SubscribeURL string }
		if err := json.Unmarshal([]byte(*l.receiveOne(queue).Body), &request); err != nil {
			t.Fatal(err)
		}
		at, err := url.Parse(request.SubscribeURL)
		if err != nil || request.Type != "SubscriptionConfirmation" || request.TopicArn != topic || at.Query().Get("Token") != request.Token || at.Query().Get("TopicArn") != topic || !strings.HasPrefix(request.Message, "You have chosen to subscribe") {
			t.Errorf("the queue gets %+v, %v", request, err)
		}
		token = request.Token
	}
	l.publish(topic, "before")
	l.wantReceived(queue)

	confirm := func(token string) (string, error) {
		out, err := l.owners.ConfirmSubscription(t.Context(), &sns.ConfirmSubscriptionInput{TopicArn: &topic, Token: &token})
		if err != nil {
			return "", err
		}
		return aws.ToString(out.SubscriptionArn), nil
	}
	if _, err := confirm("x" + token); err == nil || !strings.Contains(err.Error(), "Invalid parameter: Token") {
		t.Errorf("a wrong token is answered %v", err)
	}
	for range 2 {
		if arn, err := confirm(token); err != nil || arn != listed() || !strings.HasPrefix(arn, topic+":") {
			t.Errorf("the confirmed subscription is %q, listed as %q, %v", arn, listed(), err)
		}
	}
	l.publish(topic, "after")
	if body := *l.receiveOne(queue).Body; !strings.Contains(body, `"Message": "after"`) {
		t.Errorf("the queue gets %s", body)
	}
}

// other is a client of SNS in another account, whose topics send to the queues of this one.
type other struct {
	*local
	// owners are those of the queues.
	owners *sns.Client
}

func startOther(t *testing.T) other {
	t.Helper()
	const account = "111122223333"
	c := newClock()
	srv := localawstest.Start(t, func(o *localaws.Options) { o.Now, o.Accounts = c.Now, []string{account} })
	l := newLocal(t, srv, c)
	l.Client = sns.NewFromConfig(srv.AWSConfigOf(account))
	return other{l, sns.NewFromConfig(srv.AWSConfig())}
}

// A queue whose policy does not let the topic in gets no request, so nobody can confirm.
func TestARequestForAConfirmationNeedsThePolicyOfTheQueue(t *testing.T) {
	t.Parallel()
	l := startOther(t)
	topic := l.topic("t")
	queue, queueARN := l.queue("closed", "Policy", "")
	l.subscribe(topic, queueARN)
	l.wantReceived(queue)
}
