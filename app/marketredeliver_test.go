package app

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/gatehouse-portal/gatehouse/localaws/faults"
	"github.com/gatehouse-portal/gatehouse/marketplace/notice"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// refusing is a shop whose queue refused three notices and now takes them.
func refusing(t *testing.T) *sellingInstallation {
	t.Helper()
	s := connected(t)
	s.setQueue(t, s.names.Marketplace, "Policy", "")
	s.buy("newer1")
	s.buy(string(olderCode))
	return s
}

func (s *sellingInstallation) redeliver(how Redelivery) (Redelivered, error) {
	s.t.Helper()
	return RedeliverNotices(s.t.Context(), s.Process, how)
}

// bodies receives all messages of a queue, which are then hidden.
func (s *sellingInstallation) bodies(queue string) (all []string) {
	s.t.Helper()
	for {
		out, err := s.sqs.ReceiveMessage(s.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: s.url(s.t, queue), MaxNumberOfMessages: 10})
		ok(s.t, err)
		if len(out.Messages) == 0 {
			return all
		}
		for _, m := range out.Messages {
			all = append(all, aws.ToString(m.Body))
		}
	}
}

// ids are the ids by which workers know the notices.
func ids(t *testing.T, bodies []string) (all []string) {
	t.Helper()
	for _, body := range bodies {
		read, err := notice.Parse([]byte(body), notice.Delivery{ID: "sqs", At: time.Now()})
		ok(t, err)
		all = append(all, read.ID())
	}
	slices.Sort(all)
	return all
}

func TestUndeliveredNoticesAreListedAndStay(t *testing.T) {
	t.Parallel()
	s := refusing(t)
	for _, turn := range []string{"first", "second"} {
		found, err := s.redeliver(Redelivery{})
		ok(t, err)
		var kinds []string
		for _, n := range found.Notices {
			kinds = append(kinds, string(n.Notice.Data.Kind))
		}
		slices.Sort(kinds)
		if !slices.Equal(kinds, []string{"agreement-created", "license-updated", "subscribe-success"}) || found.Sent() != 0 || found.Left() != 0 || found.Hidden != 0 {
			t.Errorf("the %s time it finds %q: %+v", turn, kinds, found)
		}
	}
	if n := s.received(); n > 0 {
		t.Errorf("%d messages were sent", n)
	}
}

func TestUndeliveredNoticesGetToTheQueueAsTheyAre(t *testing.T) {
	t.Parallel()
	s := refusing(t)
	done, err := s.redeliver(Redelivery{Yes: true})
	ok(t, err)
	if done.Sent() != 3 || done.Left() != 0 {
		t.Errorf("it did %+v", done)
	}
	got := ids(t, s.bodies(s.names.Marketplace))
	var want []string
	for _, n := range done.Notices {
		want = append(want, n.Notice.ID())
	}
	slices.Sort(want)
	if len(got) != 3 || !slices.Equal(got, want) {
		t.Errorf("the queue has %q, want %q", got, want)
	}
	again, err := s.redeliver(Redelivery{Yes: true})
	ok(t, err)
	if len(again.Notices) != 0 || len(again.Queues) != 1 {
		t.Errorf("the second time it finds %+v", again)
	}
	if left := s.undelivered(); len(left) > 0 {
		t.Errorf("the dead-letter queue still has %q", left)
	}
}

// The answer to the deletion is lost, or the command dies before it.
func TestANoticeThatCouldNotBeDeletedIsSentAgainUnderItsID(t *testing.T) {
	t.Parallel()
	s := refusing(t)
	ok(t, s.local.SetFaults(faults.Plan{Rules: []faults.Rule{{Service: "sqs", Operation: "DeleteMessage", Kind: faults.Error, Error: "internal"}}}))
	done, err := s.redeliver(Redelivery{Yes: true})
	if err == nil || !strings.Contains(err.Error(), "queue gatehouse-marketplace-undelivered: A notice was sent and could not be deleted here") || done.Sent() != 0 {
		t.Fatalf("it says %v, and did %+v", err, done)
	}
	ok(t, s.local.SetFaults(faults.Plan{}))
	done, err = s.redeliver(Redelivery{Yes: true})
	ok(t, err)
	if done.Sent() != 3 {
		t.Errorf("the second time it sends %+v", done)
	}
	all := ids(t, s.bodies(s.names.Marketplace))
	if len(all) != 4 || len(slices.Compact(all)) != 3 {
		t.Errorf("the queue has %q, want three notices, one of them twice", all)
	}
}

func TestAnInterruptedRedeliveryLeavesTheRestVisible(t *testing.T) {
	t.Parallel()
	s := refusing(t)
	ctx, cancel := context.WithCancel(t.Context())
	ok(t, s.local.SetFaults(faults.Plan{Rules: []faults.Rule{{Service: "sqs", Operation: "SendMessage", Kind: faults.Error, Error: "internal"}}}))
	if _, err := RedeliverNotices(ctx, s.Process, Redelivery{Yes: true}); err == nil {
		t.Fatal("a queue that refuses notices is no error")
	}
	cancel()
	ok(t, s.local.SetFaults(faults.Plan{}))
	if found, err := s.redeliver(Redelivery{}); err != nil || len(found.Notices) != 3 || found.Hidden != 0 {
		t.Errorf("then it finds %+v, %v", found, err)
	}
}

// SQS hides messages that another run reads.
func TestMessagesThatAnotherRunReadsAreCounted(t *testing.T) {
	t.Parallel()
	s := refusing(t)
	if n := len(s.bodies(undeliveredName)); n != 3 {
		t.Fatalf("%d notices are kept", n)
	}
	found, err := s.redeliver(Redelivery{Yes: true})
	ok(t, err)
	if len(found.Notices) != 0 || found.Hidden != 3 {
		t.Errorf("it finds %+v", found)
	}
}

func TestWhatWorkersWouldRefuseStays(t *testing.T) {
	t.Parallel()
	s := connected(t)
	enveloped := func(topic string) string {
		body, err := notice.Enveloped("m-1", topic, `{"action":"subscribe-success","customer-identifier":"c","product-code":"older1"}`, time.Now())
		ok(t, err)
		return string(body)
	}
	bodies := map[string]string{
		"hello": "It is not a notice of AWS Marketplace",
		enveloped("arn:aws:sns:us-east-1:287250355862:aws-mp-subscription-notification-other"):                               "which GATEHOUSE_MARKETPLACE_TOPICS does not list",
		`{"id":"e","source":"aws.ec2","detail-type":"x","time":"2026-11-27T16:00:00Z","account":"000000000000","detail":{}}`: "It is an event of aws.ec2",
		`{"action":"subscribe-success","customer-identifier":"c","product-code":"other"}`:                                    "lists no topic of the product \"other\"",
	}
	for body := range bodies {
		_, err := s.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: s.url(t, undeliveredName), MessageBody: &body})
		ok(t, err)
	}
	done, err := s.redeliver(Redelivery{Yes: true})
	ok(t, err)
	if done.Left() != len(bodies) || done.Sent() != 0 || s.received() != 0 {
		t.Errorf("it did %+v", done)
	}
	for _, want := range bodies {
		if !slices.ContainsFunc(done.Notices, func(n UndeliveredNotice) bool { return strings.Contains(n.Problem, want) }) {
			t.Errorf("no problem is %q: %+v", want, done.Notices)
		}
	}
	if left := s.undelivered(); len(left) != len(bodies) {
		t.Errorf("the dead-letter queue has %q", left)
	}
}

// A subscription may have raw delivery and a dead-letter queue of its own.
func TestARawMessageGetsTheIDAndTimeOfTheDeadLetterQueue(t *testing.T) {
	t.Parallel()
	s := refusing(t)
	made, err := s.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("own-letters")})
	ok(t, err)
	_, err = s.sns.SetSubscriptionAttributes(t.Context(), &sns.SetSubscriptionAttributesInput{SubscriptionArn: s.subscriptionTo(olderTopic), AttributeName: aws.String("RedrivePolicy"), AttributeValue: aws.String(RedrivePolicy("arn:aws:sqs:us-east-1:000000000000:own-letters"))})
	ok(t, err)
	raw := `{"action":"unsubscribe-success","customer-identifier":"c","product-code":"older1"}`
	sent, err := s.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: made.QueueUrl, MessageBody: &raw, MessageAttributes: map[string]sqstypes.MessageAttributeValue{
		"ERROR_CODE":    {DataType: aws.String("String"), StringValue: aws.String("NO_PERMISSIONS")},
		"ERROR_MESSAGE": {DataType: aws.String("String"), StringValue: aws.String("not allowed")},
	}})
	ok(t, err)
	done, err := s.redeliver(Redelivery{Yes: true})
	ok(t, err)
	if done.Sent() != 4 || len(done.Queues) != 2 {
		t.Errorf("it did %+v", done)
	}
	if !slices.ContainsFunc(done.Notices, func(n UndeliveredNotice) bool { return n.Reason == "NO_PERMISSIONS: not allowed" }) {
		t.Errorf("no reason is right: %+v", done.Notices)
	}
	bodies := s.bodies(s.names.Marketplace)
	i := slices.IndexFunc(bodies, func(body string) bool { return strings.Contains(body, "unsubscribe-success") })
	if i < 0 {
		t.Fatalf("the queue has %q", bodies)
	}
	read, err := notice.Parse([]byte(bodies[i]), notice.Delivery{ID: "another", At: time.Now().Add(time.Hour)})
	ok(t, err)
	if read.Data.Source != aws.ToString(sent.MessageId) || read.Origin.Topic != olderTopic || time.Since(read.Data.At).Abs() > 10*time.Minute {
		t.Errorf("it was sent as %+v", read)
	}
}

func TestQueuesToReadAreChecked(t *testing.T) {
	t.Parallel()
	s := connected(t)
	for name, c := range map[string]struct {
		from string
		code portal.Code
		says string
	}{
		"no ARN":            {"gatehouse-marketplace-undelivered", portal.Invalid, "is not the ARN of a standard queue, such as arn:aws:sqs:us-east-1:000000000000:gatehouse-marketplace-undelivered."},
		"no account":        {"arn:aws:sqs:us-east-1::gatehouse-marketplace-undelivered", portal.Invalid, "is not the ARN of a standard queue"},
		"a FIFO queue":      {"arn:aws:sqs:us-east-1:000000000000:x.fifo", portal.Invalid, "is not the ARN of a standard queue"},
		"the portal's":      {ownQueue, portal.Invalid, "is the portal's own queue"},
		"one that is not":   {"arn:aws:sqs:us-east-1:000000000000:none", portal.NotFound, "queue none: It does not exist."},
		"another account's": {"arn:aws:sqs:us-east-1:111122223333:none", portal.NotFound, "queue none: It does not exist."},
	} {
		if _, err := s.redeliver(Redelivery{From: []string{c.from}}); err == nil || portal.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
