package sns_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
	"github.com/gatehouse-portal/gatehouse/outputtest"
)

func (l *local) setSubscription(arn, name, value string) error {
	_, err := l.SetSubscriptionAttributes(l.t.Context(), &sns.SetSubscriptionAttributesInput{
		SubscriptionArn: &arn, AttributeName: &name, AttributeValue: &value,
	})
	return err
}

func (l *local) subscriptionAttributes(arn string) map[string]string {
	l.t.Helper()
	out, err := l.GetSubscriptionAttributes(l.t.Context(), &sns.GetSubscriptionAttributesInput{SubscriptionArn: &arn})
	if err != nil {
		l.t.Fatal(err)
	}
	return out.Attributes
}

func (l *local) wantReceived(url string, want ...string) {
	l.t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), bodies(l.receive(url))); diff != "" {
		l.t.Errorf("received (-want +got):\n%s", diff)
	}
}

func TestOnlyMessagesThatMatchTheFilterPolicyAreDelivered(t *testing.T) {
	t.Parallel()
	l := start(t)
	topic := l.topic("t")
	all, allARN := l.queue("all")
	some, someARN := l.queue("some")
	inside, insideARN := l.queue("inside")
	l.subscribe(topic, allARN, "RawMessageDelivery", "true")
	arn := l.subscribe(topic, someARN, "RawMessageDelivery", "true", "FilterPolicy", `{"plan":["gold",{"prefix":"silver"}]}`)
	l.subscribe(topic, insideARN, "RawMessageDelivery", "true", "FilterPolicy", `{"usage":{"count":[{"numeric":[">",10]}]}}`, "FilterPolicyScope", "MessageBody")
	ofPlan := func(plan string) func(*sns.PublishInput) {
		return func(in *sns.PublishInput) {
			in.MessageAttributes = map[string]types.MessageAttributeValue{"plan": text(plan)}
		}
	}
	l.publish(topic, "1", ofPlan("gold"))
	l.publish(topic, "2", ofPlan("lead"))
	l.publish(topic, `{"usage":{"count":11}}`, ofPlan("silver-2"))
	l.publish(topic, `{"usage":{"count":10}}`)
	l.wantReceived(all, "1", "2", `{"usage":{"count":11}}`, `{"usage":{"count":10}}`)
	l.wantReceived(some, "1", `{"usage":{"count":11}}`)
	l.wantReceived(inside, `{"usage":{"count":11}}`)

	if err := l.setSubscription(arn, "FilterPolicy", `{"plan":["lead"]}`); err != nil {
		t.Fatal(err)
	}
	l.publish(topic, "3", ofPlan("gold"))
	l.publish(topic, "4", ofPlan("lead"))
	l.wantReceived(some, "4")
	if err := l.setSubscription(arn, "FilterPolicy", ""); err != nil {
		t.Fatal(err)
	}
	l.publish(topic, "5")
	l.wantReceived(some, "5")
}

func TestAttributesOfASubscriptionAreCheckedTogether(t *testing.T) {
	t.Parallel()
	l := start(t)
	topic := l.topic("t")
	_, queue := l.queue("q")
	const dead = `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead"}`
	nested := []string{"FilterPolicy", `{"a":{"b":["c"]}}`, "FilterPolicyScope", "MessageBody"}
	for name, c := range map[string]struct {
		attributes []string
		want       string
	}{
		"a policy that is not JSON":             {[]string{"FilterPolicy", "all"}, "InvalidParameter"},
		"a nested policy for attributes":        {nested[:2], "InvalidParameter"},
		"an operator that is not implemented":   {[]string{"FilterPolicy", `{"a":[{"wildcard":"*"}]}`}, "NotImplementedException"},
		"an unknown scope":                      {[]string{"FilterPolicyScope", "Message"}, "InvalidParameter"},
		"a dead-letter queue without a name":    {[]string{"RedrivePolicy", "{}"}, "InvalidParameter"},
		"a dead-letter queue that is a topic":   {[]string{"RedrivePolicy", strings.Replace(dead, "sqs", "sns", 1)}, "InvalidParameter"},
		"a dead-letter queue of the other type": {[]string{"RedrivePolicy", strings.Replace(dead, "dead\"}", "dead.fifo\"}", 1)}, "InvalidParameter"},
	} {
		if _, err := l.trySubscribe(topic, queue, c.attributes...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	arn := l.subscribe(topic, queue, append(nested, "RedrivePolicy", dead)...)
	wantCode(t, l.setSubscription(arn, "FilterPolicyScope", "MessageAttributes"), "InvalidParameter")
	got := l.subscriptionAttributes(arn)
	for name, want := range map[string]string{"FilterPolicy": nested[1], "FilterPolicyScope": "MessageBody", "RedrivePolicy": dead} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	_, err := l.trySubscribe(topic, queue, "FilterPolicy", `{"a":["b"]}`)
	wantCode(t, err, "InvalidParameter")
	if again := l.subscribe(topic, queue, append(nested, "RedrivePolicy", dead)...); again != arn {
		t.Errorf("subscribed again as %s, want %s", again, arn)
	}
}

func TestAQueueWhosePolicyDoesNotAllowTheTopicGetsNothing(t *testing.T) {
	t.Parallel()
	log := &outputtest.Buffer{}
	l := newLocal(t, localawstest.Start(t, func(o *localaws.Options) { o.Log = zerolog.New(log) }), newClock())
	topic := l.topic("t")
	for name, policy := range map[string]string{"without": "", "other": allowing("other")} {
		url, queue := l.queue(name, "Policy", policy)
		l.subscribe(topic, queue, "RawMessageDelivery", "true")
		l.publish(topic, "lost")
		l.wantReceived(url)
		if got := log.String(); !strings.Contains(got, `"level":"warn"`) || !strings.Contains(got, queue+": the queue's policy does not allow it") {
			t.Errorf("the log is %s", got)
		}
		if _, err := l.queues.SetQueueAttributes(t.Context(), setPolicy(url, allowing("t"))); err != nil {
			t.Fatal(err)
		}
		l.publish(topic, "kept")
		l.wantReceived(url, "kept")
	}
}

func TestARefusedDeliveryGoesToTheDeadLetterQueue(t *testing.T) {
	t.Parallel()
	l := start(t)
	for _, suffix := range []string{"", ".fifo"} {
		var fifo, fifoTopic []string
		if suffix != "" {
			fifo, fifoTopic = []string{"FifoQueue", "true"}, []string{"FifoTopic", "true"}
		}
		topic := l.topic("t"+suffix, fifoTopic...)
		dead, deadARN := l.queue("dead"+suffix, fifo...)
		other, otherARN := l.queue("other-dead"+suffix, fifo...)
		closed, closedARN := l.queue("closed"+suffix, append(fifo, "Policy", "")...)
		l.subscribe(topic, closedARN, "RawMessageDelivery", "true", "RedrivePolicy", `{"deadLetterTargetArn":"`+deadARN+`"}`)
		l.subscribe(topic, "arn:aws:sqs:us-east-1:000000000000:missing"+suffix, "RedrivePolicy", `{"deadLetterTargetArn":"`+otherARN+`"}`)
		out := l.publish(topic, "m", func(in *sns.PublishInput) {
			in.MessageAttributes = map[string]types.MessageAttributeValue{"n": text("v")}
			if suffix != "" {
				in.MessageGroupId, in.MessageDeduplicationId = aws.String("g"), aws.String("d")
			}
		})
		l.wantReceived(closed)
		raw, enveloped := l.receiveOne(dead), l.receiveOne(other)
		if *raw.Body != "m" || aws.ToString(raw.MessageAttributes["n"].StringValue) != "v" {
			t.Errorf("the raw subscription's dead letter is %s with %v", *raw.Body, raw.MessageAttributes)
		}
		if !strings.Contains(*enveloped.Body, *out.MessageId) {
			t.Errorf("the other subscription's dead letter is %s", *enveloped.Body)
		}
		if id := raw.Attributes["MessageDeduplicationId"]; suffix != "" && id != "d" {
			t.Errorf("the deduplication id is %q, want the published d", id)
		}
	}
}

func TestSubscribingAgainIsRefusedOnlyIfAnAttributeDiffers(t *testing.T) {
	t.Parallel()
	l := start(t)
	topic := l.topic("t")
	_, queue := l.queue("q")
	const policy = `{"plan":["gold"]}`
	arn := l.subscribe(topic, queue, "RawMessageDelivery", "true", "FilterPolicy", policy)
	for _, given := range [][]string{
		{}, {"RawMessageDelivery", "true"}, {"FilterPolicy", policy}, {"FilterPolicyScope", "MessageAttributes"},
		{"RawMessageDelivery", "true", "FilterPolicy", policy},
	} {
		if again := l.subscribe(topic, queue, given...); again != arn {
			t.Errorf("with %q: subscription %s, want %s", given, again, arn)
		}
	}
	for _, given := range [][]string{
		{"RawMessageDelivery", "false"}, {"FilterPolicy", `{"plan":["lead"]}`}, {"FilterPolicyScope", "MessageBody"},
		{"RedrivePolicy", `{"deadLetterTargetArn":"` + queue + `"}`}, {"RawMessageDelivery", "false", "FilterPolicy", policy},
	} {
		_, err := l.trySubscribe(topic, queue, given...)
		wantCode(t, err, "InvalidParameter")
	}
	if diff := cmp.Diff("true", l.subscriptionAttributes(arn)["RawMessageDelivery"]); diff != "" {
		t.Errorf("RawMessageDelivery (-want +got):\n%s", diff)
	}
}

func TestSubscriptionsKeepTheirPoliciesAcrossARestart(t *testing.T) {
	t.Parallel()
	dir, c := t.TempDir(), newClock()
	for i := range 2 {
		srv, err := localaws.Open(localaws.Options{Dir: dir, Addr: "127.0.0.1:0", NoSync: true, Now: c.Now})
		if err != nil {
			t.Fatal(err)
		}
		l := newLocal(t, srv, c)
		topic := l.topic("t")
		url, queue := l.queue("q")
		if i == 0 {
			l.subscribe(topic, queue, "RawMessageDelivery", "true", "FilterPolicy", `{"a":["b"]}`, "FilterPolicyScope", "MessageBody")
		} else {
			l.publish(topic, `{"a":"c"}`)
			l.publish(topic, `{"a":"b"}`)
			l.wantReceived(url, `{"a":"b"}`)
		}
		if err := srv.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
