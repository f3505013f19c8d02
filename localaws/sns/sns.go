// Package sns imitates Amazon SNS: standard and FIFO topics over the Query protocol, with SQS
// queues as subscribers.
//
// A publish is answered once the message is in every subscribed queue. One transaction writes
// deliveries, sequence number and deduplication record, so an acknowledged message cannot be
// lost and a failed publish changes nothing.
package sns

import (
	"context"
	"errors"
	"net/url"
	"sync"

	"github.com/gatehouse-portal/gatehouse/localaws/sqs"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// Service holds the topics.
type Service struct {
	env    wire.Env
	queues *sqs.Service

	// mu protects topics. Do not hold it during calls of queues, which calls back for the
	// deliveries.
	mu    sync.Mutex
	state *state // nil until the first call
}

// New returns the service. The first call reads the topics from the data file.
func New(env wire.Env, queues *sqs.Service) *Service { return &Service{env: env, queues: queues} }

// Query returns the operations of the SNS API.
func (s *Service) Query() wire.QueryService {
	return wire.QueryService{
		Version:   "2010-03-31",
		Namespace: "http://sns.amazonaws.com/doc/2010-03-31/",
		Operations: map[string]wire.QueryOperation{
			"CreateTopic":               operation(s, s.createTopic, "Name", "Attributes", "Tags"),
			"DeleteTopic":               operation(s, s.deleteTopic, "TopicArn"),
			"ListTopics":                operation(s, s.listTopics, "NextToken"),
			"GetTopicAttributes":        operation(s, s.getTopicAttributes, "TopicArn"),
			"SetTopicAttributes":        operation(s, s.setTopicAttributes, "TopicArn", "AttributeName", "AttributeValue"),
			"Subscribe":                 operation(s, s.subscribe, "TopicArn", "Protocol", "Endpoint", "Attributes", "ReturnSubscriptionArn"),
			"ConfirmSubscription":       operation(s, s.confirmSubscription, "TopicArn", "Token", "AuthenticateOnUnsubscribe"),
			"Unsubscribe":               operation(s, s.unsubscribe, "SubscriptionArn"),
			"ListSubscriptions":         operation(s, s.listSubscriptions, "NextToken"),
			"ListSubscriptionsByTopic":  operation(s, s.listSubscriptionsByTopic, "TopicArn", "NextToken"),
			"GetSubscriptionAttributes": operation(s, s.getSubscriptionAttributes, "SubscriptionArn"),
			"SetSubscriptionAttributes": operation(s, s.setSubscriptionAttributes, "SubscriptionArn", "AttributeName", "AttributeValue"),
			"Publish":                   operation(s, s.publish, append(messageMembers, "TopicArn", "TargetArn")...),
			"PublishBatch":              operation(s, s.publishBatch, "TopicArn", "PublishBatchRequestEntries"),
			"TagResource":               operation(s, s.tagResource, "ResourceArn", "Tags"),
			"UntagResource":             operation(s, s.untagResource, "ResourceArn", "TagKeys"),
			"ListTagsForResource":       operation(s, s.listTagsForResource, "ResourceArn"),
		},
	}
}

// operation adapts a typed function. It refuses unknown request members.
func operation[Out any](s *Service, f func(context.Context, form) (*Out, error), members ...string) wire.QueryOperation {
	return func(ctx context.Context, values url.Values) (any, error) {
		in := form{values: values}
		if err := in.only(append([]string{"Action", "Version"}, members...)); err != nil {
			return nil, err
		}
		out, err := f(ctx, in)
		if err != nil {
			if refused := (*wire.Error)(nil); !errors.As(err, &refused) {
				s.env.Log.Error().Err(err).Str("action", in.text("Action")).Msg("SNS failed")
			}
			return nil, err
		}
		return out, nil
	}
}

type nothing struct{}
