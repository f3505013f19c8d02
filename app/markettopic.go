package app

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/marketplace"
	"github.com/gatehouse-portal/gatehouse/marketplace/notice"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// pending is what SNS lists in place of the ARN of a subscription that is not confirmed.
const pending = "PendingConfirmation"

// subscribed is the subscription of the queue to a topic. Only the seller may subscribe to the topics of
// AWS Marketplace (Marketplace Seller Guide, "Amazon SNS notifications for SaaS products").
func (m market) subscribed(topic string) resource {
	asked := false // by this command; SNS has just sent its request
	return resource{what: "subscription to " + nameOf(topic), inspect: func(ctx context.Context) (finding, error) {
		subscription, attributes, err := m.subscriptionTo(ctx, topic)
		switch {
		case err != nil:
			return finding{}, m.inSellersWords(err)
		case subscription == "":
			return found(fault{
				says: "The queue is not subscribed, so the notices of this topic do not arrive.", advice: m.subscribing(topic), mending: "subscribe the queue " + nameOf(m.queue),
				mend: func(ctx context.Context) error { asked = true; return m.subscribe(ctx, topic) },
			})
		case subscription == pending:
			return m.unconfirmed(ctx, topic, asked)
		}
		var faults []fault
		if policy := attributes["FilterPolicy"]; policy != "" && policy != "{}" {
			faults = append(faults, fault{
				says:   "A filter policy keeps notices of the topic from the queue.",
				advice: fmt.Sprintf("Remove it:\naws sns set-subscription-attributes --region %s --subscription-arn %s --attribute-name FilterPolicy --attribute-value '{}'", regionOf(topic), subscription),
			})
		}
		if redrivenTo(attributes["RedrivePolicy"]) == "" {
			faults = append(faults, fault{
				says: "It has no dead-letter queue, so notices that cannot be delivered are lost.", advice: m.subscribing(topic), mending: "have SNS keep what it cannot deliver in " + nameOf(m.undeliveredQueue()),
				mend: func(ctx context.Context) error { return m.redrive(ctx, topic, subscription) },
			})
		}
		note := "subscribed and confirmed"
		if attributes["RawMessageDelivery"] == "true" {
			note += ", with raw delivery"
		}
		return finding{note: note, faults: faults}, nil
	}}
}

// redrive gives a subscription a dead-letter queue.
func (m market) redrive(ctx context.Context, topic, subscription string) error {
	_, err := m.topics(topic).SetSubscriptionAttributes(ctx, &sns.SetSubscriptionAttributesInput{
		SubscriptionArn: &subscription, AttributeName: aws.String("RedrivePolicy"), AttributeValue: aws.String(RedrivePolicy(m.undeliveredQueue())),
	})
	return m.inSellersWords(err)
}

// subscriptionTo returns what findSubscription does, with the subscription's attributes if it is confirmed.
func (m market) subscriptionTo(ctx context.Context, topic string) (subscription string, attributes map[string]string, err error) {
	subscription, err = m.findSubscription(ctx, topic)
	if err != nil || subscription == "" || subscription == pending {
		return subscription, nil, err
	}
	out, err := m.topics(topic).GetSubscriptionAttributes(ctx, &sns.GetSubscriptionAttributesInput{SubscriptionArn: &subscription})
	if err != nil {
		return "", nil, err
	}
	return subscription, out.Attributes, nil
}

// subscribing is the command that subscribes the queue.
func (m market) subscribing(topic string) string {
	if product := notice.ProductOf(topic); product != "" {
		return fmt.Sprintf("Subscribe it:\ngatehouse marketplace subscribe --product %s --notices %s --yes", product, marketplace.ByTopic)
	}
	return subscribeAdvice
}

// findSubscription returns the ARN of the queue's subscription, pending, or "" if there is none. The seller
// may not list the subscriptions of a topic that belongs to AWS Marketplace, so this lists the seller's own.
func (m market) findSubscription(ctx context.Context, topic string) (string, error) {
	client, in := m.topics(topic), &sns.ListSubscriptionsInput{}
	for {
		page, err := client.ListSubscriptions(ctx, in)
		if err != nil {
			return "", err
		}
		for _, s := range page.Subscriptions {
			if aws.ToString(s.TopicArn) == topic && aws.ToString(s.Endpoint) == m.queue {
				return aws.ToString(s.SubscriptionArn), nil
			}
		}
		if in.NextToken = page.NextToken; aws.ToString(in.NextToken) == "" {
			return "", nil
		}
	}
}

func (m market) subscribe(ctx context.Context, topic string) error {
	_, err := m.topics(topic).Subscribe(ctx, &sns.SubscribeInput{TopicArn: &topic, Protocol: aws.String("sqs"), Endpoint: &m.queue, Attributes: map[string]string{"RedrivePolicy": RedrivePolicy(m.undeliveredQueue())}})
	var none *types.NotFoundException
	if errors.As(err, &none) {
		return portal.Fail(portal.NotFound, fmt.Sprintf("There is no topic %s. Compare it with the ARN in the e-mail that AWS sent when the listing was made, and give --product and --topic-account accordingly. "+
			"A listing that announces purchases by events has no topics: write \"notices: eventbridge\" in product.yaml.", topic))
	}
	var refused *types.AuthorizationErrorException
	if errors.As(err, &refused) && accountOf(topic) != m.seller.account {
		return portal.Fail(portal.Unavailable, fmt.Sprintf("AWS does not let the seller (%s) subscribe to %s. Only the AWS account that published the listing may: if that is not %s, correct GATEHOUSE_MARKETPLACE_ROLE_ARN for portal and workers. "+
			"If it is, the seller lacks the permission sns:Subscribe. See docs/marketplace.md#permissions.", m.sellersName(), nameOf(topic), m.seller.account))
	}
	return m.inSellersWords(err)
}

const unconfirmed = "The subscription waits for a confirmation, so no notice arrives."

// unconfirmed is a subscription of a queue of another AWS account. SNS has sent the queue a token, which a
// worker has recorded, and the owner of the queue gives it back. If none is recorded, SNS can be asked to send it again,
// unless this command has just had it sent.
func (m market) unconfirmed(ctx context.Context, topic string, asked bool) (finding, error) {
	if m.queue != m.arn("sqs", m.names.Marketplace) {
		return found(fault{says: unconfirmed, advice: "Have the operator of the portal set the variables and the access policy of the queue that this command prints, and restart portal and workers. " +
			"Then the operator runs this command without --queue, with --yes, which confirms the subscription."})
	}
	token, err := m.confirmation(ctx, topic)
	switch {
	case err != nil:
		return finding{}, err
	case token != "":
		return found(fault{says: unconfirmed, advice: m.subscribing(topic), mending: "confirm the subscription", mend: func(ctx context.Context) error {
			return m.confirm(ctx, topic, token)
		}})
	case !slices.Contains(m.process.Config.MarketplaceOrigins().Topics, topic):
		return found(fault{says: unconfirmed, advice: "Set GATEHOUSE_MARKETPLACE_TOPICS as printed, restart portal and workers, and run this command again: it confirms."})
	}
	waits := fault{says: unconfirmed, advice: "A worker records the request of SNS within seconds. Then run this command again: it confirms. If it does not, look for the request in `gatehouse dlq list`."}
	if asked {
		return found(waits)
	}
	again := fault{
		says: "No worker has recorded the request for a confirmation that SNS sends to the queue.", advice: m.subscribing(topic),
		mending: "have SNS ask the queue for a confirmation again", mend: func(ctx context.Context) error { return m.subscribe(ctx, topic) },
	}
	return found(again, waits)
}

// confirm gives the token back. SNS takes a token for a few days only, and sends another then.
func (m market) confirm(ctx context.Context, topic, token string) error {
	client := sns.NewFromConfig(m.config, func(o *sns.Options) { o.Region = regionOf(topic) })
	_, err := client.ConfirmSubscription(ctx, &sns.ConfirmSubscriptionInput{TopicArn: &topic, Token: &token})
	var refused *types.InvalidParameterException
	if !errors.As(err, &refused) {
		return err
	}
	if err := m.subscribe(ctx, topic); err != nil {
		return err
	}
	return portal.Fail(portal.Unavailable, "SNS does not take the confirmation that a worker recorded, since it is too old, and has sent the queue another request. Run this command again in a minute.")
}

// confirmation returns the last token that SNS sent for the topic, "" if none was recorded.
func (m market) confirmation(ctx context.Context, topic string) (token string, err error) {
	kept, err := m.views().KeptNotices(ctx, 1000)
	for _, n := range kept {
		if token = tokenFor(topic, n.Text); token != "" && n.Kind == events.NoticeUnknown {
			return token, nil
		}
	}
	return "", err
}

// tokenFor reads the token from the address at the end of SNS's message.
func tokenFor(topic, text string) string {
	words := strings.Fields(text)
	if len(words) == 0 {
		return ""
	}
	address, err := url.Parse(words[len(words)-1])
	if err != nil || address.Query().Get("Action") != "ConfirmSubscription" || address.Query().Get("TopicArn") != topic {
		return ""
	}
	return address.Query().Get("Token")
}

// forwardingTopic takes events of the bus to a queue of another Region or AWS account.
func (m market) forwardingTopic() resource {
	topic := m.ownTopic()
	return resource{what: "topic " + nameOf(topic), inspect: func(ctx context.Context) (finding, error) {
		out, err := m.topics(topic).GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &topic})
		var none *types.NotFoundException
		if errors.As(err, &none) {
			return found(fault{says: "It does not exist.", advice: subscribeAdvice, mending: "create it in " + eventsRegion + ", and let the event bus publish", mend: m.makeTopic})
		}
		if err != nil {
			return finding{}, m.inSellersWords(err)
		}
		statements, err := statementsOf(out.Attributes["Policy"])
		if err != nil {
			return finding{}, fmt.Errorf("reading the policy of topic %s: %w", topic, err)
		}
		want := m.busPublishes()
		for _, s := range statements {
			if want.is(s) {
				return finding{}, nil
			}
		}
		return found(fault{says: "Its policy does not let the event bus publish.", advice: subscribeAdvice, mending: "let the event bus publish", mend: func(ctx context.Context) error {
			return m.setTopicPolicy(ctx, withStatements(statements, []admission{want}))
		}})
	}}
}

// busPublishes lets rules publish. EventBridge's own example has no condition (EventBridge User Guide,
// "Amazon SNS permissions"); an event of another account is refused when it is read.
func (m market) busPublishes() admission {
	return admission{statement: map[string]any{
		"Sid": "EventBus", "Effect": "Allow", "Principal": map[string]any{"Service": "events.amazonaws.com"},
		"Action": "sns:Publish", "Resource": m.ownTopic(),
	}}
}

func (m market) makeTopic(ctx context.Context) error {
	topic := m.ownTopic()
	if _, err := m.topics(topic).CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String(nameOf(topic))}); err != nil {
		return m.inSellersWords(err)
	}
	out, err := m.topics(topic).GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &topic})
	if err != nil {
		return m.inSellersWords(err)
	}
	statements, err := statementsOf(out.Attributes["Policy"])
	if err != nil {
		return fmt.Errorf("reading the policy of topic %s: %w", topic, err)
	}
	return m.setTopicPolicy(ctx, withStatements(statements, []admission{m.busPublishes()}))
}

func (m market) setTopicPolicy(ctx context.Context, policy string) error {
	topic := m.ownTopic()
	_, err := m.topics(topic).SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{TopicArn: &topic, AttributeName: aws.String("Policy"), AttributeValue: &policy})
	return m.inSellersWords(err)
}
