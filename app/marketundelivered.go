package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// SNS and EventBridge want the dead-letter queue of a subscription or rule in its own Region and AWS account (SNS
// Developer Guide, "Amazon SNS dead-letter queues"; EventBridge User Guide, "Using dead-letter queues"). So the
// notices that could not be delivered to the portal's queue are in a standard queue of the seller's. No worker reads
// it: the portal may be in another AWS account.

// CreateUndeliveredQueue creates the queue for notices that these topics, and the rule of set-up, cannot deliver, or
// corrects its policy, and returns its ARN. A second call changes nothing.
func CreateUndeliveredQueue(ctx context.Context, p Process, topics []string) (queue string, err error) {
	m, sellerErr, err := openMarket(ctx, p)
	if err == nil {
		err = sellerErr
	}
	if err != nil {
		return "", err
	}
	var result MarketplaceResult
	return m.undeliveredQueue(), result.apply(ctx, MarketplaceOptions{Yes: true}, m.undelivered(topics, true))
}

// undeliveredQueue is the ARN of the queue that `gatehouse marketplace subscribe` makes for such notices.
func (m market) undeliveredQueue() string {
	return fmt.Sprintf("arn:%s:sqs:%s:%s:%s", m.seller.partition, eventsRegion, m.seller.account, m.names.Undelivered())
}

// ruleARN is that of the rule that set-up makes.
func (m market) ruleARN() string {
	return fmt.Sprintf("arn:%s:events:%s:%s:rule/%s", m.seller.partition, eventsRegion, m.seller.account, m.names.Marketplace)
}

// sellersQueues calls SQS as the seller, where the topics and the event bus are.
func (m market) sellersQueues() *sqs.Client {
	return sqs.NewFromConfig(m.sellers, func(o *sqs.Options) { o.Region = eventsRegion })
}

// allowSend is the statement by which the queue takes what a topic or a rule could not deliver.
func allowSend(queue, service, source string) admission {
	return admission{statement: map[string]any{
		"Sid": "From" + portal.DeriveID("undelivered", source), "Effect": "Allow", "Principal": map[string]any{"Service": service},
		"Action": "sqs:SendMessage", "Resource": queue, "Condition": map[string]any{"ArnEquals": map[string]any{"aws:SourceArn": source}},
	}}
}

// undelivered is the queue for notices that these topics, and the rule if it is meant, cannot deliver.
func (m market) undelivered(topics []string, rule bool) resource {
	arn := m.undeliveredQueue()
	var wanted []admission
	for _, topic := range topics {
		wanted = append(wanted, allowSend(arn, "sns.amazonaws.com", topic))
	}
	if rule {
		wanted = append(wanted, allowSend(arn, "events.amazonaws.com", m.ruleARN()))
	}
	return resource{what: "queue " + nameOf(arn), inspect: func(ctx context.Context) (finding, error) {
		is, url, err := m.deadLetterQueue(ctx, arn)
		switch {
		case err != nil:
			return finding{}, m.inSellersWords(err)
		case url == "":
			return found(fault{
				says: "It does not exist, so notices that cannot be delivered are lost.", advice: subscribeAdvice, mending: "create it in " + eventsRegion + " for notices that cannot be delivered",
				mend: func(ctx context.Context) error { return m.makeUndelivered(ctx, wanted) },
			})
		}
		statements, err := statementsOf(is[queuePolicy])
		if err != nil {
			return finding{}, fmt.Errorf("reading the access policy of queue %s: %w", nameOf(arn), err)
		}
		missing := slices.ContainsFunc(wanted, func(a admission) bool { return !slices.ContainsFunc(statements, a.is) })
		if missing {
			return found(fault{
				says: "Its access policy does not let in what cannot be delivered, so such notices are lost.", advice: subscribeAdvice, mending: "let in what cannot be delivered",
				mend: func(ctx context.Context) error {
					_, err := m.sellersQueues().SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: map[string]string{queuePolicy: withStatements(statements, wanted)}})
					return m.inSellersWords(err)
				},
			})
		}
		return finding{note: "for notices that cannot be delivered"}, nil
	}}
}

func (m market) makeUndelivered(ctx context.Context, wanted []admission) error {
	_, err := m.sellersQueues().CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(nameOf(m.undeliveredQueue())), Attributes: map[string]string{
		retention: seconds(longRetention), queuePolicy: withStatements(nil, wanted),
	}})
	return m.inSellersWords(err)
}

// portals reports whether a queue is in the portal's AWS account, and not in the seller's. The dead-letter queue of a
// subscription is in the AWS account that subscribed, which may be either.
func (m market) portals(arn string) bool {
	return accountOf(arn) == m.owner.account && accountOf(arn) != m.seller.account
}

// queuesOf calls SQS in the Region of a queue, as the portal or as the seller.
func (m market) queuesOf(arn string) *sqs.Client {
	as := m.sellers
	if m.portals(arn) {
		as = m.config
	}
	return sqs.NewFromConfig(as, func(o *sqs.Options) { o.Region = regionOf(arn) })
}

// wordsOf explains an error of a call about a queue to queuesOf.
func (m market) wordsOf(arn string, err error) error {
	if m.portals(arn) {
		return InWords(err)
	}
	return m.inSellersWords(err)
}

// deadLetterQueue reads a dead-letter queue. url is "" if there is none.
func (m market) deadLetterQueue(ctx context.Context, arn string) (attributes map[string]string, url string, err error) {
	client := m.queuesOf(arn)
	at, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String(nameOf(arn))})
	var none *types.QueueDoesNotExist
	if errors.As(err, &none) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: at.QueueUrl, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll}})
	if err != nil {
		return nil, "", err
	}
	return out.Attributes, aws.ToString(at.QueueUrl), nil
}

// RedrivePolicy has SNS put what it cannot deliver into the queue.
func RedrivePolicy(queue string) string {
	policy, _ := json.Marshal(map[string]string{"deadLetterTargetArn": queue})
	return string(policy)
}

// redrivenTo is the dead-letter queue of a subscription, "" if it has none.
func redrivenTo(policy string) string {
	var redrive struct {
		Target string `json:"deadLetterTargetArn"`
	}
	_ = json.Unmarshal([]byte(policy), &redrive) // SNS has checked it
	return redrive.Target
}

// nothingUndelivered checks the queues of notices that could not be delivered.
func (m market) nothingUndelivered() resource {
	return resource{what: "notices that could not be delivered", inspect: func(ctx context.Context) (finding, error) {
		queues, err := m.deadLetterQueues(ctx)
		if err != nil {
			return finding{}, m.inSellersWords(err)
		}
		if len(queues) == 0 {
			return finding{}, blocked("neither a subscription nor a rule has a dead-letter queue")
		}
		var faults []fault
		for _, queue := range queues {
			one, err := m.inspectUndelivered(ctx, queue)
			if err != nil {
				return finding{}, m.wordsOf(queue, err)
			}
			faults = append(faults, one...)
		}
		return finding{note: "none", faults: faults}, nil
	}}
}

func (m market) inspectUndelivered(ctx context.Context, queue string) ([]fault, error) {
	is, url, err := m.deadLetterQueue(ctx, queue)
	switch n := is[waiting]; {
	case err != nil:
		return nil, err
	case url == "":
		return []fault{{says: "The dead-letter queue " + nameOf(queue) + " does not exist, so notices that cannot be delivered are lost.", advice: subscribeAdvice}}, nil
	case n != "" && n != "0":
		return []fault{{
			says:   fmt.Sprintf("About %s in the queue %s could not be delivered.", n, nameOf(queue)),
			advice: "Correct what kept them from the portal's queue, and send them there:\ngatehouse marketplace redeliver --yes",
		}}, nil
	}
	return nil, nil
}

// deadLetterQueues lists those of the subscriptions and of the rule.
func (m market) deadLetterQueues(ctx context.Context) (queues []string, err error) {
	for _, topic := range m.origins.Topics {
		_, attributes, err := m.subscriptionTo(ctx, topic)
		if err != nil {
			return nil, err
		}
		queues = append(queues, redrivenTo(attributes["RedrivePolicy"]))
	}
	if len(m.origins.Accounts) > 0 {
		all, err := m.routes(ctx)
		if err != nil {
			return nil, err
		}
		for _, r := range all {
			queues = append(queues, r.deadLetters)
		}
	}
	slices.Sort(queues)
	return slices.DeleteFunc(slices.Compact(queues), func(queue string) bool { return queue == "" }), nil
}
