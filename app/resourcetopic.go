package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
)

const fifoTopic = "FifoTopic"

var topicAttributes = map[string]string{
	fifoTopic: "true", "ContentBasedDeduplication": "false", "FifoThroughputScope": "MessageGroup",
}

// feedbackTopic is a standard topic, which e-mail addresses can subscribe to.
func (e estate) feedbackTopic() resource {
	name, arn := e.names.Feedback, e.arn("sns", e.names.Feedback)
	return resource{what: "topic " + name, inspect: func(ctx context.Context) (finding, error) {
		_, err := e.sns.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &arn})
		var none *types.NotFoundException
		if errors.As(err, &none) {
			return missing(func(ctx context.Context) error {
				if _, err := e.sns.CreateTopic(ctx, &sns.CreateTopicInput{Name: &name}); err != nil {
					return fmt.Errorf("creating topic %s: %w", name, err)
				}
				return nil
			})
		}
		if err != nil {
			return finding{}, err
		}
		return found()
	}}
}

func (e estate) topic() resource {
	name, arn := e.names.Events, e.arn("sns", e.names.Events)
	return resource{what: "topic " + name, inspect: func(ctx context.Context) (finding, error) {
		out, err := e.sns.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &arn})
		var none *types.NotFoundException
		if errors.As(err, &none) {
			return missing(func(ctx context.Context) error {
				_, err := e.sns.CreateTopic(ctx, &sns.CreateTopicInput{Name: &name, Attributes: topicAttributes})
				if err != nil {
					return fmt.Errorf("creating topic %s: %w", name, err)
				}
				return nil
			})
		}
		if err != nil {
			return finding{}, err
		}
		var all []fault
		for _, attribute := range slices.Sorted(maps.Keys(topicAttributes)) {
			want, is := topicAttributes[attribute], out.Attributes[attribute]
			if is == want || attribute == fifoTopic || (want == "false" && is == "") {
				continue
			}
			all = append(all, fault{
				says:    fmt.Sprintf("Its %s is %q and must be %q.", attribute, is, want),
				mending: fmt.Sprintf("set %s to %q", attribute, want),
				mend: func(ctx context.Context) error {
					_, err := e.sns.SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{TopicArn: &arn, AttributeName: &attribute, AttributeValue: &want})
					if err != nil {
						return fmt.Errorf("setting %s of topic %s: %w", attribute, name, err)
					}
					return nil
				},
			})
		}
		return found(all...)
	}}
}

func (e estate) consequence(queue string) string {
	if queue == e.names.Notices {
		return "nobody gets notices"
	}
	return "nothing new is shown"
}

func (e estate) subscription(name string) resource {
	topic, queue := e.arn("sns", e.names.Events), e.arn("sqs", name)
	return resource{what: "subscription of " + name, inspect: func(ctx context.Context) (finding, error) {
		arn, err := e.findSubscription(ctx, topic, queue)
		var none *types.NotFoundException
		switch {
		case errors.As(err, &none):
			return finding{}, blocked("the topic " + e.names.Events + " does not exist")
		case err != nil:
			return finding{}, err
		case arn == "":
			return found(fault{
				says:    "The queue does not subscribe to the topic, so " + e.consequence(name) + ".",
				mending: "subscribe the queue to the topic",
				mend:    func(ctx context.Context) error { return e.subscribe(ctx, topic, queue, name) },
			})
		case !strings.HasPrefix(arn, "arn:"):
			return found(fault{says: "The subscription is not confirmed.", advice: "Delete it in the SNS console, then run `gatehouse setup`."})
		}
		out, err := e.sns.GetSubscriptionAttributes(ctx, &sns.GetSubscriptionAttributesInput{SubscriptionArn: &arn})
		if err != nil {
			return finding{}, err
		}
		var all []fault
		set := func(attribute, value, says, mending string) {
			all = append(all, fault{says: says, mending: mending, mend: func(ctx context.Context) error {
				_, err := e.sns.SetSubscriptionAttributes(ctx, &sns.SetSubscriptionAttributesInput{
					SubscriptionArn: &arn, AttributeName: &attribute, AttributeValue: &value,
				})
				if err != nil {
					return fmt.Errorf("setting %s of the subscription of %s: %w", attribute, name, err)
				}
				return nil
			}})
		}
		if !strings.EqualFold(out.Attributes["RawMessageDelivery"], "true") {
			set("RawMessageDelivery", "true", "Raw message delivery is off, so workers cannot read the facts and "+e.consequence(name)+".", "turn on raw message delivery")
		}
		if policy := out.Attributes["FilterPolicy"]; policy != "" && policy != "{}" {
			// SNS has no call that removes a filter policy; an empty one passes everything.
			set("FilterPolicy", "{}", "A filter policy keeps facts from the queue: "+policy, "remove the filter policy")
		}
		return found(all...)
	}}
}

func (e estate) findSubscription(ctx context.Context, topic, queue string) (arn string, err error) {
	pages := sns.NewListSubscriptionsByTopicPaginator(e.sns, &sns.ListSubscriptionsByTopicInput{TopicArn: &topic})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", err
		}
		for _, s := range page.Subscriptions {
			if aws.ToString(s.Endpoint) == queue {
				return aws.ToString(s.SubscriptionArn), nil
			}
		}
	}
	return "", nil
}

func (e estate) subscribe(ctx context.Context, topic, queue, name string) error {
	_, err := e.sns.Subscribe(ctx, &sns.SubscribeInput{
		TopicArn: &topic, Protocol: aws.String("sqs"), Endpoint: &queue,
		Attributes: map[string]string{"RawMessageDelivery": "true"}, ReturnSubscriptionArn: true,
	})
	if err != nil {
		return fmt.Errorf("subscribing queue %s to the topic: %w", name, err)
	}
	return nil
}
