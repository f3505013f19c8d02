package sns_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestCreatingATopicAgainReturnsItUnlessAnAttributeOrTagDiffers(t *testing.T) {
	t.Parallel()
	l := start(t)
	arn := l.topic("news", "DisplayName", "News")
	if arn != "arn:aws:sns:us-east-1:000000000000:news" {
		t.Errorf("the ARN is %s", arn)
	}
	if again := l.topic("news"); again != arn {
		t.Errorf("created again as %s", again)
	}
	_, err := l.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("news"), Attributes: map[string]string{"DisplayName": "Olds"}})
	wantCode(t, err, "InvalidParameter")
	_, err = l.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("news"), Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}}})
	wantCode(t, err, "InvalidParameter")
}

func TestCreateTopicRefusesWhatAWSRefuses(t *testing.T) {
	t.Parallel()
	l := start(t)
	for name, c := range map[string]struct {
		topic      string
		attributes []string
		want       string
	}{
		"an empty name":                               {"", nil, "InvalidParameter"},
		"a name with a dot":                           {"a.b", nil, "InvalidParameter"},
		"a name of 257 characters":                    {strings.Repeat("n", 257), nil, "InvalidParameter"},
		"a FIFO name without the attribute":           {"a.fifo", nil, "InvalidParameter"},
		"a FIFO topic without the suffix":             {"a", []string{"FifoTopic", "true"}, "InvalidParameter"},
		"deduplication on a standard topic":           {"a", []string{"ContentBasedDeduplication", "true"}, "InvalidParameter"},
		"an unknown attribute":                        {"a", []string{"Colour", "red"}, "InvalidParameter"},
		"a KMS key, which is not implemented":         {"a", []string{"KmsMasterKeyId", "k"}, "NotImplementedException"},
		"an archive policy, which is not implemented": {"a.fifo", []string{"FifoTopic", "true", "ArchivePolicy", "{}"}, "NotImplementedException"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := l.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: &c.topic, Attributes: pairs(c.attributes)})
			wantCode(t, err, c.want)
		})
	}
}

func TestTopicAttributesAreReadBackAsOnAWS(t *testing.T) {
	t.Parallel()
	l := start(t)
	arn := l.topic("t.fifo", "FifoTopic", "true")
	_, queue := l.queue("q")
	l.subscribe(arn, queue)
	set := func(name, value string) error {
		_, err := l.SetTopicAttributes(t.Context(), &sns.SetTopicAttributesInput{TopicArn: &arn, AttributeName: &name, AttributeValue: &value})
		return err
	}
	if err := set("ContentBasedDeduplication", "true"); err != nil {
		t.Fatal(err)
	}
	wantCode(t, set("FifoTopic", "false"), "InvalidParameter")
	out, err := l.GetTopicAttributes(t.Context(), &sns.GetTopicAttributesInput{TopicArn: &arn})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"TopicArn": arn, "Owner": "000000000000", "DisplayName": "", "FifoTopic": "true", "ContentBasedDeduplication": "true",
		"SubscriptionsConfirmed": "1", "SubscriptionsDeleted": "0", "SubscriptionsPending": "0",
	}
	ignore := cmpopts.IgnoreMapEntries(func(name, _ string) bool { return name == "Policy" || name == "EffectiveDeliveryPolicy" })
	if diff := cmp.Diff(want, out.Attributes, ignore); diff != "" {
		t.Errorf("attributes differ (-want +got):\n%s", diff)
	}
}

func TestAnUnknownTopicIsNotFound(t *testing.T) {
	t.Parallel()
	l := start(t)
	arn := "arn:aws:sns:us-east-1:000000000000:none"
	_, err := l.GetTopicAttributes(t.Context(), &sns.GetTopicAttributesInput{TopicArn: &arn})
	wantCode(t, err, "NotFound")
	_, err = l.Publish(t.Context(), &sns.PublishInput{TopicArn: &arn, Message: aws.String("m")})
	wantCode(t, err, "NotFound")
	_, err = l.GetTopicAttributes(t.Context(), &sns.GetTopicAttributesInput{TopicArn: aws.String("none")})
	wantCode(t, err, "InvalidParameter")
	_, err = l.ListTagsForResource(t.Context(), &sns.ListTagsForResourceInput{ResourceArn: &arn})
	wantCode(t, err, "ResourceNotFound")
	if _, err := l.DeleteTopic(t.Context(), &sns.DeleteTopicInput{TopicArn: &arn}); err != nil {
		t.Errorf("deleting it: %v", err)
	}
}

func TestListingTopicsIsPaged(t *testing.T) {
	t.Parallel()
	l := start(t)
	var want, got []string
	for i := range 103 {
		want = append(want, l.topic(fmt.Sprintf("t%03d", i)))
	}
	pages, n := sns.NewListTopicsPaginator(l.Client, &sns.ListTopicsInput{}), 0
	for ; pages.HasMorePages(); n++ {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, topic := range page.Topics {
			got = append(got, *topic.TopicArn)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || n != 2 {
		t.Errorf("%d pages, topics differ (-want +got):\n%s", n, diff)
	}
}

func TestTagsOfATopic(t *testing.T) {
	t.Parallel()
	l := start(t)
	arn := l.topic("t")
	tag := func(pairs ...string) error {
		in := &sns.TagResourceInput{ResourceArn: &arn}
		for i := 0; i < len(pairs); i += 2 {
			in.Tags = append(in.Tags, types.Tag{Key: &pairs[i], Value: &pairs[i+1]})
		}
		_, err := l.TagResource(t.Context(), in)
		return err
	}
	if err := tag("b", "2", "a", "1"); err != nil {
		t.Fatal(err)
	}
	wantCode(t, tag("c", "1", "c", "2"), "InvalidParameter")
	if _, err := l.UntagResource(t.Context(), &sns.UntagResourceInput{ResourceArn: &arn, TagKeys: []string{"b"}}); err != nil {
		t.Fatal(err)
	}
	if err := tag("a", "3"); err != nil {
		t.Fatal(err)
	}
	out, err := l.ListTagsForResource(t.Context(), &sns.ListTagsForResourceInput{ResourceArn: &arn})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Tags) != 1 || *out.Tags[0].Key != "a" || *out.Tags[0].Value != "3" {
		t.Errorf("the tags are %v, want a=3", out.Tags)
	}
}

func TestSubscribingIsIdempotentAndListed(t *testing.T) {
	t.Parallel()
	l := start(t)
	topic, other := l.topic("t"), l.topic("other")
	_, queue := l.queue("q")
	arn := l.subscribe(topic, queue, "RawMessageDelivery", "true")
	l.subscribe(other, queue)
	if again := l.subscribe(topic, queue); again != arn {
		t.Errorf("subscribed again as %s, want %s", again, arn)
	}
	_, err := l.trySubscribe(topic, queue, "RawMessageDelivery", "false")
	wantCode(t, err, "InvalidParameter")
	byTopic, err := l.ListSubscriptionsByTopic(t.Context(), &sns.ListSubscriptionsByTopicInput{TopicArn: &topic})
	if err != nil {
		t.Fatal(err)
	}
	want := []types.Subscription{{
		SubscriptionArn: &arn, TopicArn: &topic, Endpoint: &queue, Protocol: aws.String("sqs"), Owner: aws.String("000000000000"),
	}}
	if diff := cmp.Diff(want, byTopic.Subscriptions, cmpopts.IgnoreUnexported(types.Subscription{})); diff != "" {
		t.Errorf("subscriptions differ (-want +got):\n%s", diff)
	}
	all, err := l.ListSubscriptions(t.Context(), &sns.ListSubscriptionsInput{})
	if err != nil || len(all.Subscriptions) != 2 {
		t.Errorf("all subscriptions are %v (%v), want two", all, err)
	}
	attributes, err := l.GetSubscriptionAttributes(t.Context(), &sns.GetSubscriptionAttributesInput{SubscriptionArn: &arn})
	if err != nil {
		t.Fatal(err)
	}
	wantAttributes := map[string]string{
		"SubscriptionArn": arn, "TopicArn": topic, "Endpoint": queue, "Protocol": "sqs", "Owner": "000000000000",
		"RawMessageDelivery": "true", "PendingConfirmation": "false", "ConfirmationWasAuthenticated": "true",
		"SubscriptionPrincipal": "arn:aws:iam::000000000000:root",
	}
	if diff := cmp.Diff(wantAttributes, attributes.Attributes); diff != "" {
		t.Errorf("attributes differ (-want +got):\n%s", diff)
	}
}

func TestSubscribeRefusesWhatAWSRefuses(t *testing.T) {
	t.Parallel()
	l := start(t)
	standard := l.topic("t")
	_, queue := l.queue("q")
	_, fifo := l.queue("q.fifo", "FifoQueue", "true")
	_, err := l.trySubscribe(standard, fifo)
	wantCode(t, err, "InvalidParameter")
	if err == nil || !strings.Contains(err.Error(), "FIFO SQS Queues can not be subscribed to standard SNS topics") {
		t.Errorf("the refusal says %v", err)
	}
	for name, c := range map[string]struct {
		topic, protocol, endpoint string
		attributes                []string
		want                      string
	}{
		"an unknown topic":                   {standard + "x", "sqs", queue, nil, "NotFound"},
		"a queue's URL":                      {standard, "sqs", "http://localhost/000000000000/q", nil, "InvalidParameter"},
		"a protocol that does not exist":     {standard, "pigeon", queue, nil, "InvalidParameter"},
		"a protocol that is not implemented": {standard, "https", "https://example.test", nil, "NotImplementedException"},
		"a role for deliveries":              {standard, "sqs", queue, []string{"SubscriptionRoleArn", "arn:aws:iam::1:role/r"}, "NotImplementedException"},
		"RawMessageDelivery maybe":           {standard, "sqs", queue, []string{"RawMessageDelivery", "maybe"}, "InvalidParameter"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := l.Subscribe(t.Context(), &sns.SubscribeInput{
				TopicArn: &c.topic, Protocol: &c.protocol, Endpoint: &c.endpoint, Attributes: pairs(c.attributes),
			})
			wantCode(t, err, c.want)
		})
	}
}

func TestUnsubscribingStopsDeliveryAndIsIdempotent(t *testing.T) {
	t.Parallel()
	l := start(t)
	topic := l.topic("t")
	url, queue := l.queue("q")
	arn := l.subscribe(topic, queue)
	unsubscribe := func(arn string) error {
		_, err := l.Unsubscribe(t.Context(), &sns.UnsubscribeInput{SubscriptionArn: &arn})
		return err
	}
	for range 2 {
		if err := unsubscribe(arn); err != nil {
			t.Fatal(err)
		}
	}
	l.publish(topic, "m")
	if got := l.receive(url); len(got) != 0 {
		t.Errorf("received %v", bodies(got))
	}
	for _, malformed := range []string{"x", topic, topic + ":x"} {
		wantCode(t, unsubscribe(malformed), "InvalidParameter")
	}
	_, err := l.GetSubscriptionAttributes(t.Context(), &sns.GetSubscriptionAttributesInput{SubscriptionArn: &arn})
	wantCode(t, err, "NotFound")
}

func TestDeletingATopicDeletesItsSubscriptions(t *testing.T) {
	t.Parallel()
	l := start(t)
	topic := l.topic("t")
	_, queue := l.queue("q")
	l.subscribe(topic, queue)
	if _, err := l.DeleteTopic(t.Context(), &sns.DeleteTopicInput{TopicArn: &topic}); err != nil {
		t.Fatal(err)
	}
	all, err := l.ListSubscriptions(t.Context(), &sns.ListSubscriptionsInput{})
	if err != nil || len(all.Subscriptions) != 0 {
		t.Errorf("subscriptions are %v (%v), want none", all, err)
	}
	topics, err := l.ListTopics(t.Context(), &sns.ListTopicsInput{})
	if err != nil || slices.ContainsFunc(topics.Topics, func(other types.Topic) bool { return *other.TopicArn == topic }) {
		t.Errorf("topics are %v (%v), want none", topics, err)
	}
}
