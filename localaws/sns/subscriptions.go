package sns

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// protocols are AWS's other protocols.
var protocols = []string{"http", "https", "email", "email-json", "sms", "application", "lambda", "firehose"}

type subscribeOut struct {
	SubscriptionARN string `xml:"SubscriptionArn"`
}

// subscribe needs a confirmation if the queue is of another account than the caller. It ignores ReturnSubscriptionArn,
// and returns an existing subscription if no given attribute differs.
func (s *Service) subscribe(ctx context.Context, in form) (*subscribeOut, error) {
	if err := s.read(func(st *state) error {
		_, err := s.subscribable(ctx, st, in.text("TopicArn"))
		return err
	}); err != nil {
		return nil, err
	}
	switch protocol := in.text("Protocol"); {
	case slices.Contains(protocols, protocol):
		return nil, wire.NotImplemented("The protocol " + protocol)
	case protocol != "sqs":
		return nil, invalidParameter("Amazon SNS does not support this protocol string: %s", protocol)
	}
	wanted := &subscription{TopicARN: in.text("TopicArn"), Endpoint: in.text("Endpoint"), Owner: s.stored(ctx)}
	given := in.pairs("Attributes")
	const reason = "Attributes Reason: "
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if err := wanted.set(name, given[name], reason); err != nil {
			return nil, err
		}
	}
	if err := wanted.compile(reason); err != nil {
		return nil, err
	}
	if !isQueueARN(wanted.Endpoint) {
		return nil, invalidParameter("SQS endpoint ARN")
	}
	// AWS accepts a queue that does not exist yet. Warn, because otherwise nobody would
	// notice the missing messages.
	if found, err := s.queues.HasQueue(wanted.Endpoint); err != nil {
		return nil, err
	} else if !found {
		s.env.Log.Warn().Str("queue", wanted.Endpoint).Str("topic", wanted.TopicARN).Msg("subscribed a queue that does not exist")
	}
	out := &subscribeOut{}
	var asked *subscription
	err := s.change(func(st *state) (func(*store.Tx) error, error) {
		t, err := st.topic("TopicArn", wanted.TopicARN)
		if err != nil {
			return nil, err
		}
		if !t.FIFO && wanted.fifo() {
			return nil, invalidParameter("Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics")
		}
		for _, existing := range st.subscribers(t) {
			if existing.Endpoint != wanted.Endpoint {
				continue
			}
			if wanted.contradicts(existing, given) {
				return nil, invalidParameter("Attributes Reason: Subscription already exists with different attributes")
			}
			out.SubscriptionARN = existing.ARN
			if existing.pending() {
				copied := *existing
				asked = &copied
			}
			return nil, nil
		}
		wanted.ARN = t.ARN + ":" + wire.NewUUID()
		if wire.AccountIn(wanted.Endpoint) != s.env.Caller(ctx) {
			wanted.Token = wire.NewID(64)
			copied := *wanted
			asked = &copied
		}
		st.subscriptions[wanted.ARN] = wanted
		out.SubscriptionARN = wanted.ARN
		return putSubscription(wanted), nil
	})
	if err != nil || asked == nil {
		return out, err
	}
	out.SubscriptionARN = pendingAnswer
	return out, s.ask(*asked)
}

func checkSubscriptionARN(arn string) error {
	if err := checkARN("SubscriptionArn", arn); err != nil {
		return err
	}
	if parts := strings.Split(arn, ":"); len(parts) != 7 || len(parts[6]) != 36 {
		return invalidParameter("SubscriptionId")
	}
	return nil
}

func (s *Service) unsubscribe(ctx context.Context, in form) (*nothing, error) {
	arn := in.text("SubscriptionArn")
	if err := checkSubscriptionARN(arn); err != nil {
		return nil, err
	}
	return &nothing{}, s.change(func(st *state) (func(*store.Tx) error, error) {
		sub, ok := st.subscriptions[arn]
		if !ok {
			return nil, nil
		}
		if err := s.mayUse(ctx, st, sub, "Unsubscribe"); err != nil {
			return nil, err
		}
		delete(st.subscriptions, arn)
		t := st.topics[sub.TopicARN]
		t.Unsubscribed++
		put := putTopic(t)
		return func(tx *store.Tx) error {
			if err := tx.Bucket("sns", subscriptionsBucket).Delete([]byte(arn)); err != nil {
				return err
			}
			return put(tx)
		}, nil
	})
}

type subscriptionMember struct {
	SubscriptionARN string `xml:"SubscriptionArn"`
	Owner           string
	Protocol        string
	Endpoint        string
	TopicARN        string `xml:"TopicArn"`
}

type listSubscriptionsOut struct {
	Subscriptions members[subscriptionMember]
	NextToken     string `xml:",omitempty"`
}

func (s *Service) listSubscriptions(ctx context.Context, in form) (*listSubscriptionsOut, error) {
	out := &listSubscriptionsOut{}
	return out, s.read(func(st *state) error {
		var arns []string
		for arn, sub := range st.subscriptions {
			if sub.Owner == s.stored(ctx) {
				arns = append(arns, arn)
			}
		}
		slices.Sort(arns)
		s.listPage(out, st, arns, in.text("NextToken"))
		return nil
	})
}

func (s *Service) listSubscriptionsByTopic(ctx context.Context, in form) (*listSubscriptionsOut, error) {
	out := &listSubscriptionsOut{}
	return out, s.read(func(st *state) error {
		t, err := s.owned(ctx, st, "TopicArn", in.text("TopicArn"), "ListSubscriptionsByTopic")
		if err != nil {
			return err
		}
		var arns []string
		for _, sub := range st.subscribers(t) {
			arns = append(arns, sub.ARN)
		}
		s.listPage(out, st, arns, in.text("NextToken"))
		return nil
	})
}

func (s *Service) listPage(out *listSubscriptionsOut, st *state, arns []string, token string) {
	arns, out.NextToken = after(arns, token)
	for _, arn := range arns {
		sub := st.subscriptions[arn]
		if sub.pending() {
			arn = pendingListed
		}
		out.Subscriptions.add(subscriptionMember{
			SubscriptionARN: arn, Owner: s.account(sub.Owner), Protocol: "sqs", Endpoint: sub.Endpoint, TopicARN: sub.TopicARN,
		})
	}
}

func (s *Service) getSubscriptionAttributes(ctx context.Context, in form) (*attributesOut, error) {
	out := &attributesOut{}
	return out, s.read(func(st *state) error {
		sub, err := s.subscription(ctx, st, in.text("SubscriptionArn"), "GetSubscriptionAttributes")
		if err != nil {
			return err
		}
		all := sub.attributes()
		maps.Copy(all, map[string]string{
			"SubscriptionArn":              sub.ARN,
			"TopicArn":                     sub.TopicARN,
			"Protocol":                     "sqs",
			"Endpoint":                     sub.Endpoint,
			"Owner":                        s.account(sub.Owner),
			"SubscriptionPrincipal":        "arn:aws:iam::" + s.account(sub.Owner) + ":root",
			"PendingConfirmation":          strconv.FormatBool(sub.pending()),
			"ConfirmationWasAuthenticated": "true",
		})
		out.Attributes = sortedPairs(all)
		return nil
	})
}

// subscription refuses a caller that owns neither the subscription nor its topic.
func (s *Service) subscription(ctx context.Context, st *state, arn, action string) (*subscription, error) {
	if err := checkSubscriptionARN(arn); err != nil {
		return nil, err
	}
	sub, ok := st.subscriptions[arn]
	if !ok {
		return nil, notFound("Subscription")
	}
	return sub, s.mayUse(ctx, st, sub, action)
}

func (s *Service) setSubscriptionAttributes(ctx context.Context, in form) (*nothing, error) {
	return &nothing{}, s.change(func(st *state) (func(*store.Tx) error, error) {
		sub, err := s.subscription(ctx, st, in.text("SubscriptionArn"), "SetSubscriptionAttributes")
		if err != nil {
			return nil, err
		}
		changed := *sub
		if err := changed.set(in.text("AttributeName"), in.text("AttributeValue"), ""); err != nil {
			return nil, err
		}
		if err := changed.compile(""); err != nil {
			return nil, err
		}
		*sub = changed
		return putSubscription(sub), nil
	})
}

func (s *Service) mayUse(ctx context.Context, st *state, sub *subscription, action string) error {
	if by := s.stored(ctx); sub.Owner != by && st.topics[sub.TopicARN].Owner != by {
		return notAuthorized(action, sub.ARN)
	}
	return nil
}
