package sqs_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"
)

func TestCreatingAQueueAgainReturnsItUnlessAnAttributeDiffers(t *testing.T) {
	t.Parallel()
	l := start(t)
	first := l.create("orders", "DelaySeconds", "7")
	if !strings.HasSuffix(first, "/000000000000/orders") {
		t.Errorf("the URL is %s", first)
	}
	if again := l.create("orders", "DelaySeconds", "7"); again != first {
		t.Errorf("created again at %s, want %s", again, first)
	}
	if bare := l.create("orders"); bare != first {
		t.Errorf("created without attributes at %s, want %s", bare, first)
	}
	_, err := l.CreateQueue(context.Background(), &sqs.CreateQueueInput{
		QueueName: aws.String("orders"), Attributes: map[string]string{"DelaySeconds": "8"},
	})
	wantCode(t, err, "QueueAlreadyExists")
	if err == nil || !strings.Contains(err.Error(), "different value for attribute DelaySeconds") {
		t.Errorf("the refusal does not name the attribute: %v", err)
	}
}

func TestCreateQueueRefusesWhatAWSRefuses(t *testing.T) {
	t.Parallel()
	l := start(t)
	standard := l.arn(l.create("standard"))
	redrive := func(arn string, count any) string {
		return fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%v}`, arn, count)
	}
	for name, c := range map[string]struct {
		queue      string
		attributes map[string]string
		want       string
	}{
		"a name with a dot":                     {"a.b", nil, "InvalidParameterValue"},
		"a name of 81 characters":               {strings.Repeat("n", 81), nil, "InvalidParameterValue"},
		"a FIFO name without the attribute":     {"a.fifo", nil, "InvalidParameterValue"},
		"a FIFO queue without the suffix":       {"a", map[string]string{"FifoQueue": "true"}, "InvalidParameterValue"},
		"an unknown attribute":                  {"a", map[string]string{"Colour": "red"}, "InvalidAttributeName"},
		"FifoQueue false":                       {"a", map[string]string{"FifoQueue": "false"}, "InvalidAttributeName"},
		"deduplication on a standard queue":     {"a", map[string]string{"ContentBasedDeduplication": "true"}, "InvalidAttributeName"},
		"a scope on a standard queue":           {"a", map[string]string{"DeduplicationScope": "queue"}, "InvalidAttributeName"},
		"a delay over 15 minutes":               {"a", map[string]string{"DelaySeconds": "901"}, "InvalidAttributeValue"},
		"a timeout that is not a number":        {"a", map[string]string{"VisibilityTimeout": "soon"}, "InvalidAttributeValue"},
		"a retention under a minute":            {"a", map[string]string{"MessageRetentionPeriod": "59"}, "InvalidAttributeValue"},
		"a wait over 20 seconds":                {"a", map[string]string{"ReceiveMessageWaitTimeSeconds": "21"}, "InvalidAttributeValue"},
		"a size over 1 MiB":                     {"a", map[string]string{"MaximumMessageSize": "1048577"}, "InvalidAttributeValue"},
		"a policy that is not JSON":             {"a", map[string]string{"Policy": "allow"}, "InvalidAttributeValue"},
		"a policy without statements":           {"a", map[string]string{"Policy": `{"Version":"2012-10-17"}`}, "InvalidAttributeValue"},
		"a policy without a principal":          {"a", map[string]string{"Policy": strings.Replace(anybody, "Principal", "Sid", 1)}, "InvalidAttributeValue"},
		"a policy with an unknown element":      {"a", map[string]string{"Policy": strings.Replace(anybody, "Effect", "effects", 1)}, "InvalidAttributeValue"},
		"a condition not implemented":           {"a", map[string]string{"Policy": policyOf(`{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`)}, "NotImplementedException"},
		"limits per group without that scope":   {"a.fifo", map[string]string{"FifoQueue": "true", "FifoThroughputLimit": "perMessageGroupId"}, "InvalidAttributeValue"},
		"a dead-letter queue that is missing":   {"a", map[string]string{"RedrivePolicy": redrive(standard+"x", 3)}, "InvalidParameterValue"},
		"a dead-letter queue of the other type": {"a.fifo", map[string]string{"FifoQueue": "true", "RedrivePolicy": redrive(standard, 3)}, "InvalidParameterValue"},
		"a receive count of 0":                  {"a", map[string]string{"RedrivePolicy": redrive(standard, 0)}, "InvalidParameterValue"},
		"a receive count over 1000":             {"a", map[string]string{"RedrivePolicy": redrive(standard, 1001)}, "InvalidParameterValue"},
		"a KMS key, which is not implemented":   {"a", map[string]string{"KmsMasterKeyId": "k"}, "NotImplementedException"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := l.CreateQueue(context.Background(), &sqs.CreateQueueInput{QueueName: &c.queue, Attributes: c.attributes})
			wantCode(t, err, c.want)
		})
	}
}

func TestQueueAttributesAreReadBackAsOnAWS(t *testing.T) {
	t.Parallel()
	l := start(t)
	dead := l.arn(l.create("dead.fifo"))
	q := l.create("q.fifo", "DeduplicationScope", "messageGroup", "FifoThroughputLimit", "perMessageGroupId")
	l.advance(10 * time.Second)
	if _, err := l.SetQueueAttributes(context.Background(), &sqs.SetQueueAttributesInput{QueueUrl: &q, Attributes: map[string]string{
		"ContentBasedDeduplication": "true", "VisibilityTimeout": "45", "Policy": anybody,
		"RedrivePolicy": `{"maxReceiveCount":"4","deadLetterTargetArn":"` + dead + `"}`,
	}}); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesDelayed": "0", "ApproximateNumberOfMessagesNotVisible": "0",
		"ContentBasedDeduplication": "true", "CreatedTimestamp": "1772366400", "DeduplicationScope": "messageGroup", "DelaySeconds": "0",
		"FifoQueue": "true", "FifoThroughputLimit": "perMessageGroupId", "LastModifiedTimestamp": "1772366410",
		"MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600", "Policy": anybody,
		"QueueArn": "arn:aws:sqs:us-east-1:000000000000:q.fifo", "ReceiveMessageWaitTimeSeconds": "0",
		"RedrivePolicy":        `{"deadLetterTargetArn":"` + dead + `","maxReceiveCount":4}`,
		"SqsManagedSseEnabled": "true", "VisibilityTimeout": "45",
	}
	if diff := cmp.Diff(want, l.attributes(q)); diff != "" {
		t.Errorf("attributes differ (-want +got):\n%s", diff)
	}
	sources, err := l.ListDeadLetterSourceQueues(context.Background(), &sqs.ListDeadLetterSourceQueuesInput{
		QueueUrl: aws.String(strings.TrimSuffix(q, "q.fifo") + "dead.fifo"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{q}, sources.QueueUrls); diff != "" {
		t.Errorf("source queues differ (-want +got):\n%s", diff)
	}
}

func TestAnEmptyRedrivePolicyRemovesIt(t *testing.T) {
	t.Parallel()
	l := start(t)
	dead := l.arn(l.create("dead"))
	q := l.create("q", "RedrivePolicy", `{"maxReceiveCount":1,"deadLetterTargetArn":"`+dead+`"}`)
	if _, err := l.SetQueueAttributes(context.Background(), &sqs.SetQueueAttributesInput{
		QueueUrl: &q, Attributes: map[string]string{"RedrivePolicy": ""},
	}); err != nil {
		t.Fatal(err)
	}
	if policy, ok := l.attributes(q)["RedrivePolicy"]; ok {
		t.Errorf("the policy is still %s", policy)
	}
}

func TestADeadLetterQueueCanRefuseItsSources(t *testing.T) {
	t.Parallel()
	l := start(t)
	dead := l.arn(l.create("dead", "RedriveAllowPolicy", `{"redrivePermission":"byQueue","sourceQueueArns":["arn:aws:sqs:us-east-1:000000000000:friend"]}`))
	policy := `{"maxReceiveCount":1,"deadLetterTargetArn":"` + dead + `"}`
	l.create("friend", "RedrivePolicy", policy)
	_, err := l.CreateQueue(context.Background(), &sqs.CreateQueueInput{
		QueueName: aws.String("stranger"), Attributes: map[string]string{"RedrivePolicy": policy},
	})
	wantCode(t, err, "InvalidParameterValue")
}

func TestListingQueuesByPrefixIsPaged(t *testing.T) {
	t.Parallel()
	l := start(t)
	for _, name := range []string{"b-1", "a-2", "a-1", "a-3"} {
		l.create(name)
	}
	var got []string
	pages := sqs.NewListQueuesPaginator(l.Client, &sqs.ListQueuesInput{QueueNamePrefix: aws.String("a-"), MaxResults: aws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, url := range page.QueueUrls {
			got = append(got, url[strings.LastIndex(url, "/")+1:])
		}
		got = append(got, "|")
	}
	if diff := cmp.Diff([]string{"a-1", "a-2", "|", "a-3", "|"}, got); diff != "" {
		t.Errorf("pages differ (-want +got):\n%s", diff)
	}
}

func TestADeletedQueuesNameCannotBeUsedForAMinute(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.create("q")
	l.send(q, "lost")
	if _, err := l.DeleteQueue(context.Background(), &sqs.DeleteQueueInput{QueueUrl: &q}); err != nil {
		t.Fatal(err)
	}
	_, err := l.GetQueueUrl(context.Background(), &sqs.GetQueueUrlInput{QueueName: aws.String("q")})
	wantCode(t, err, "AWS.SimpleQueueService.NonExistentQueue")
	_, err = l.SendMessage(context.Background(), &sqs.SendMessageInput{QueueUrl: &q, MessageBody: aws.String("late")})
	wantCode(t, err, "AWS.SimpleQueueService.NonExistentQueue")
	_, err = l.CreateQueue(context.Background(), &sqs.CreateQueueInput{QueueName: aws.String("q")})
	wantCode(t, err, "AWS.SimpleQueueService.QueueDeletedRecently")
	l.advance(time.Minute)
	l.create("q")
	if got := l.receive(q, 10); len(got) != 0 {
		t.Errorf("the new queue has %v of the old one", bodies(got))
	}
}

func TestPurgingEmptiesAQueueOnceAMinute(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.create("q")
	l.send(q, "a")
	l.receiveOne(q)
	l.send(q, "b")
	purge := func() error {
		_, err := l.PurgeQueue(context.Background(), &sqs.PurgeQueueInput{QueueUrl: &q})
		return err
	}
	if err := purge(); err != nil {
		t.Fatal(err)
	}
	again := purge()
	wantCode(t, again, "AWS.SimpleQueueService.PurgeQueueInProgress")
	var answered *awshttp.ResponseError
	if !errors.As(again, &answered) || answered.HTTPStatusCode() != http.StatusForbidden {
		t.Errorf("it is refused with %v, want status 403", again)
	}
	l.advance(time.Minute)
	if got := l.receive(q, 10); len(got) != 0 {
		t.Errorf("received %v after the purge", bodies(got))
	}
	if err := purge(); err != nil {
		t.Error(err)
	}
	l.send(q, "c")
	if m := l.receiveOne(q); *m.Body != "c" {
		t.Errorf("received %q, want c", *m.Body)
	}
}

func TestPurgingResetsDeduplication(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.create("q.fifo")
	l.send(q, "m", inGroup("g", "d"))
	if _, err := l.PurgeQueue(t.Context(), &sqs.PurgeQueueInput{QueueUrl: &q}); err != nil {
		t.Fatal(err)
	}
	l.send(q, "again", inGroup("g", "d"))
	l.wantReceived(q, 10, "again")
}

func TestTagsAreAddedReplacedAndRemoved(t *testing.T) {
	t.Parallel()
	l := start(t)
	ctx := context.Background()
	out, err := l.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("q"), Tags: map[string]string{"a": "1", "b": "2"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.TagQueue(ctx, &sqs.TagQueueInput{QueueUrl: out.QueueUrl, Tags: map[string]string{"b": "3", "c": ""}}); err != nil {
		t.Fatal(err)
	}
	if _, err := l.UntagQueue(ctx, &sqs.UntagQueueInput{QueueUrl: out.QueueUrl, TagKeys: []string{"a", "z"}}); err != nil {
		t.Fatal(err)
	}
	tags, err := l.ListQueueTags(ctx, &sqs.ListQueueTagsInput{QueueUrl: out.QueueUrl})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"b": "3", "c": ""}, tags.Tags); diff != "" {
		t.Errorf("tags differ (-want +got):\n%s", diff)
	}
}
