package app

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	bustypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
)

const undeliveredName = "gatehouse-marketplace-undelivered"

func (s *sellingInstallation) deleteQueue(name string) {
	s.t.Helper()
	at, err := s.sqs.GetQueueUrl(s.t.Context(), &sqs.GetQueueUrlInput{QueueName: &name})
	ok(s.t, err)
	_, err = s.sqs.DeleteQueue(s.t.Context(), &sqs.DeleteQueueInput{QueueUrl: at.QueueUrl})
	ok(s.t, err)
}

// undelivered returns the messages that could not be delivered.
func (s *sellingInstallation) undelivered() (bodies []string) {
	s.t.Helper()
	at, err := s.sqs.GetQueueUrl(s.t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String(undeliveredName)})
	ok(s.t, err)
	for {
		out, err := s.sqs.ReceiveMessage(s.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: at.QueueUrl, MaxNumberOfMessages: 10})
		ok(s.t, err)
		if len(out.Messages) == 0 {
			return bodies
		}
		for _, m := range out.Messages {
			bodies = append(bodies, aws.ToString(m.Body))
		}
	}
}

func (s *sellingInstallation) buy(product string) {
	s.t.Helper()
	_, err := s.local.Marketplace().Subscribe(marketplace.Order{Product: product, Paid: true})
	ok(s.t, err)
}

// The portal's queue may be gone, or let nothing in.
func TestNoticesThatCannotBeDeliveredAreKept(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(*sellingInstallation){
		"the queue is gone":         func(s *sellingInstallation) { s.deleteQueue(s.names.Marketplace) },
		"the queue refuses notices": func(s *sellingInstallation) { s.setQueue(s.t, s.names.Marketplace, "Policy", "") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := connected(t)
			harm(s)
			s.buy("newer1")
			s.buy(string(olderCode))
			got := s.undelivered()
			for _, want := range []string{"Purchase Agreement Created", "License Updated", "subscribe-success"} {
				if !slices.ContainsFunc(got, func(body string) bool { return strings.Contains(body, want) }) {
					t.Errorf("%q is not among %q", want, got)
				}
			}
			if len(got) != 3 {
				t.Errorf("%d notices are kept, want 3", len(got))
			}
		})
	}
}

// With a queue elsewhere, the rule sends to a topic, which may refuse the event.
func TestAnEventThatTheTopicRefusesIsKept(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	_, err := s.subscribe(Subscription{Product: "newer1", Notices: "eventbridge", Queue: "arn:aws:sqs:eu-west-1:111122223333:other-marketplace"}, true)
	ok(t, err)
	_, err = s.sns.SetTopicAttributes(t.Context(), &sns.SetTopicAttributesInput{TopicArn: aws.String("arn:aws:sns:us-east-1:000000000000:gatehouse-marketplace"), AttributeName: aws.String("Policy"), AttributeValue: aws.String(`{"Version":"2012-10-17","Statement":[]}`)})
	ok(t, err)
	s.buy("newer1")
	if got := s.undelivered(); len(got) != 2 || !strings.Contains(got[0], "aws.agreement-marketplace") {
		t.Errorf("these are kept: %q", got)
	}
}

// An installation that was connected before there were dead-letter queues gets them.
func TestSubscribeGivesEarlierSubscriptionsADeadLetterQueue(t *testing.T) {
	t.Parallel()
	s := connected(t)
	s.setQueue(t, undeliveredName, "Policy", "")
	_, err := s.sns.SetSubscriptionAttributes(t.Context(), &sns.SetSubscriptionAttributesInput{SubscriptionArn: s.subscriptionTo(olderTopic), AttributeName: aws.String("RedrivePolicy"), AttributeValue: aws.String("")})
	ok(t, err)
	_, err = s.bus.PutTargets(t.Context(), &eventbridge.PutTargetsInput{Rule: aws.String(ownRule), Targets: []bustypes.Target{{Id: aws.String("gatehouse"), Arn: aws.String(ownQueue)}}})
	ok(t, err)
	changes := []string{}
	for _, to := range []Subscription{{Product: olderCode}, {Product: "newer1"}} {
		did, err := s.subscribe(to, true)
		ok(t, err)
		changes = append(changes, changesOf(did.MarketplaceResult)...)
	}
	want := []string{
		"queue gatehouse-marketplace-undelivered: let in what cannot be delivered",
		"subscription to aws-mp-subscription-notification-older1: have SNS keep what it cannot deliver in gatehouse-marketplace-undelivered",
		"queue gatehouse-marketplace-undelivered: let in what cannot be delivered",
		"rule of the event bus: have the rule keep what it cannot deliver in gatehouse-marketplace-undelivered",
	}
	if !slices.Equal(changes, want) {
		t.Errorf("it did %q, want %q", changes, want)
	}
	if wrong := wrongs(ExamineMarketplace(t.Context(), s.Process, 0)); len(wrong) > 0 {
		t.Errorf("then these are wrong: %v", wrong)
	}
}

// Each topic, and the rule, may send only for itself.
func TestTheDeadLetterQueueTakesWhatItsOwnSourcesCannotDeliver(t *testing.T) {
	t.Parallel()
	s := connected(t)
	s.publish(s.plan("Pro", "", catalog.Listing{Product: "newer1", Meter: catalog.MeterNone, Notices: "eventbridge"}))
	policy, err := s.estate(t).policyOf(t.Context(), undeliveredName)
	ok(t, err)
	var document struct {
		Statement []struct {
			Principal map[string]string
			Action    string
			Condition map[string]map[string]string
		}
	}
	ok(t, json.Unmarshal([]byte(policy), &document))
	sources := []string{}
	for _, statement := range document.Statement {
		if statement.Action != "sqs:SendMessage" || statement.Principal["Service"] == "" {
			t.Errorf("it has the statement %+v", statement)
		}
		sources = append(sources, statement.Condition["ArnEquals"]["aws:SourceArn"])
	}
	slices.Sort(sources)
	want := []string{"arn:aws:events:us-east-1:000000000000:rule/gatehouse-marketplace", "arn:aws:sns:us-east-1:287250355862:aws-mp-entitlement-notification-older1", "arn:aws:sns:us-east-1:287250355862:aws-mp-subscription-notification-older1"}
	if !slices.Equal(sources, want) {
		t.Errorf("it lets in %q, want %q", sources, want)
	}
}
