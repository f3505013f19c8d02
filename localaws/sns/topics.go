package sns

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

type createTopicOut struct {
	TopicARN string `xml:"TopicArn"`
}

// createTopic returns an existing topic if no given attribute or tag differs.
func (s *Service) createTopic(ctx context.Context, in form) (*createTopicOut, error) {
	attributes := in.pairs("Attributes")
	tags, err := parseTags(in)
	if err != nil {
		return nil, err
	}
	fifo := strings.EqualFold(attributes["FifoTopic"], "true")
	name := in.text("Name")
	if !validTopicName(name, fifo) {
		return nil, invalidParameter("Topic Name")
	}
	delete(attributes, "FifoTopic")
	wanted := &topic{ARN: s.env.In(s.env.Caller(ctx)).ARN("sns", name), Name: name, Owner: s.stored(ctx), FIFO: fifo, Attributes: map[string]string{}, Tags: tags}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		if err := wanted.set(name, attributes[name], "Attributes Reason: "); err != nil {
			return nil, err
		}
	}
	return &createTopicOut{wanted.ARN}, s.change(func(st *state) (func(*store.Tx) error, error) {
		if existing, ok := st.topics[wanted.ARN]; ok {
			return nil, covers(s.attributes(existing, 0), existing.Tags, wanted)
		}
		st.topics[wanted.ARN] = wanted
		return putTopic(wanted), nil
	})
}

func covers(attributes, tags map[string]string, wanted *topic) error {
	for name, value := range wanted.Attributes {
		if attributes[name] != value {
			return invalidParameter("Attributes Reason: Topic already exists with different attributes")
		}
	}
	for key, value := range wanted.Tags {
		if have, ok := tags[key]; !ok || have != value {
			return invalidParameter("Tags Reason: Topic already exists with different tags")
		}
	}
	return nil
}

func validTopicName(name string, fifo bool) bool {
	base := name
	if fifo {
		var ok bool
		if base, ok = strings.CutSuffix(name, ".fifo"); !ok {
			return false
		}
	}
	return base != "" && len(name) <= 256 && !strings.ContainsFunc(base, func(c rune) bool {
		return !isAlphanumeric(c) && c != '-' && c != '_'
	})
}

func isAlphanumeric(c rune) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// set changes one attribute. context starts the error's reason.
func (t *topic) set(name, value, context string) error {
	refuse := func() error { return invalidParameter("%s%s: Invalid value [%s].", context, name, value) }
	switch name {
	case "DisplayName":
		if len([]rune(value)) > 100 {
			return refuse()
		}
	case "Policy":
		// For services only; see DeliveriesFrom. The local AWS checks no permissions of clients.
		if !json.Valid([]byte(value)) {
			return invalidParameter("Policy Error: null")
		}
	case "SignatureVersion":
		if value != "1" && value != "2" {
			return refuse()
		}
	case "ContentBasedDeduplication", "FifoThroughputScope":
		if !t.FIFO {
			return invalidParameter("AttributeName")
		}
		allowed := []string{"true", "false"}
		if name == "FifoThroughputScope" {
			allowed = []string{"Topic", "MessageGroup"}
		}
		if !slices.Contains(allowed, value) {
			return refuse()
		}
	case "DeliveryPolicy", "KmsMasterKeyId", "TracingConfig", "ArchivePolicy", "DataProtectionPolicy", "MaximumMessageSize":
		return wire.NotImplemented("The topic attribute " + name)
	default:
		if err := checkDeliveryStatus(name, value); err != nil {
			return err
		}
	}
	t.Attributes[name] = value
	return nil
}

// deliveryStatus matches the attributes for delivery logs (SNS API Reference,
// SetTopicAttributes), which are only stored.
var deliveryStatus = regexp.MustCompile(`^(HTTP|Firehose|Lambda|Application|SQS)(SuccessFeedbackRoleArn|SuccessFeedbackSampleRate|FailureFeedbackRoleArn)$`)

func checkDeliveryStatus(name, value string) error {
	if !deliveryStatus.MatchString(name) {
		return invalidParameter("AttributeName")
	}
	if rate, err := strconv.Atoi(value); strings.HasSuffix(name, "Rate") && (err != nil || rate < 0 || rate > 100) {
		return invalidParameter("%s: Invalid value [%s].", name, value)
	}
	return nil
}

func (s *Service) deleteTopic(ctx context.Context, in form) (*nothing, error) {
	arn := in.text("TopicArn")
	if err := checkARN("TopicArn", arn); err != nil {
		return nil, err
	}
	return &nothing{}, s.change(func(st *state) (func(*store.Tx) error, error) {
		t, ok := st.topics[arn]
		switch {
		case !ok:
			return nil, nil
		case t.Owner != s.stored(ctx):
			return nil, notAuthorized("DeleteTopic", arn)
		}
		subscribers := st.subscribers(t)
		delete(st.topics, arn)
		for _, sub := range subscribers {
			delete(st.subscriptions, sub.ARN)
		}
		return func(tx *store.Tx) error {
			for _, sub := range subscribers {
				if err := tx.Bucket("sns", subscriptionsBucket).Delete([]byte(sub.ARN)); err != nil {
					return err
				}
			}
			if err := tx.Bucket("sns", sequencesBucket).Delete([]byte(arn)); err != nil {
				return err
			}
			if err := tx.Drop("sns", dedupBucket, arn); err != nil {
				return err
			}
			return tx.Bucket("sns", topicsBucket).Delete([]byte(arn))
		}, nil
	})
}

type topicMember struct {
	TopicARN string `xml:"TopicArn"`
}

type listTopicsOut struct {
	Topics    members[topicMember]
	NextToken string `xml:",omitempty"`
}

func (s *Service) listTopics(ctx context.Context, in form) (*listTopicsOut, error) {
	out := &listTopicsOut{}
	return out, s.read(func(st *state) error {
		var arns []string
		for arn, t := range st.topics {
			if t.Owner == s.stored(ctx) {
				arns = append(arns, arn)
			}
		}
		slices.Sort(arns)
		arns, out.NextToken = after(arns, in.text("NextToken"))
		for _, arn := range arns {
			out.Topics.add(topicMember{arn})
		}
		return nil
	})
}

type attributesOut struct {
	Attributes []pair `xml:"Attributes>entry"`
}

func (s *Service) getTopicAttributes(ctx context.Context, in form) (*attributesOut, error) {
	out := &attributesOut{}
	return out, s.read(func(st *state) error {
		t, err := s.owned(ctx, st, "TopicArn", in.text("TopicArn"), "GetTopicAttributes")
		if err != nil {
			return err
		}
		out.Attributes = sortedPairs(s.attributes(t, len(st.subscribers(t))))
		return nil
	})
}

// defaultDelivery is AWS's default. It has no effect without HTTP subscribers.
const defaultDelivery = `{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,` +
	`"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},` +
	`"disableSubscriptionOverrides":false,"defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}}`

func (s *Service) attributes(t *topic, subscribers int) map[string]string {
	all := map[string]string{
		"TopicArn":                t.ARN,
		"Owner":                   s.account(t.Owner),
		"DisplayName":             "",
		"Policy":                  s.defaultPolicy(t),
		"EffectiveDeliveryPolicy": defaultDelivery,
		"SubscriptionsConfirmed":  strconv.Itoa(subscribers),
		"SubscriptionsDeleted":    strconv.Itoa(t.Unsubscribed),
		"SubscriptionsPending":    "0",
	}
	if t.FIFO {
		all["FifoTopic"] = "true"
		all["ContentBasedDeduplication"] = "false"
	}
	maps.Copy(all, t.Attributes)
	return all
}

func (s *Service) defaultPolicy(t *topic) string {
	return fmt.Sprintf(`{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{"Sid":"__default_statement_ID",`+
		`"Effect":"Allow","Principal":{"AWS":"*"},"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes",`+
		`"SNS:AddPermission","SNS:RemovePermission","SNS:DeleteTopic","SNS:Subscribe","SNS:ListSubscriptionsByTopic",`+
		`"SNS:Publish"],"Resource":%q,"Condition":{"StringEquals":{"AWS:SourceOwner":%q}}}]}`, t.ARN, s.account(t.Owner))
}

func (s *Service) setTopicAttributes(ctx context.Context, in form) (*nothing, error) {
	return &nothing{}, s.change(func(st *state) (func(*store.Tx) error, error) {
		t, err := s.owned(ctx, st, "TopicArn", in.text("TopicArn"), "SetTopicAttributes")
		if err != nil {
			return nil, err
		}
		if err := t.set(in.text("AttributeName"), in.text("AttributeValue"), ""); err != nil {
			return nil, err
		}
		return putTopic(t), nil
	})
}
