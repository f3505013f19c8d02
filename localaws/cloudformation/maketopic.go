package cloudformation

import (
	"reflect"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

func (m maker) topics() *sns.Client { return sns.NewFromConfig(m.cfg) }

// topic refuses an existing topic, which SNS itself would return.
func (m maker) topic(properties map[string]any) (string, map[string]string, error) {
	name := m.generatedName()
	if fifo, _ := properties["FifoTopic"].(bool); fifo {
		name += ".fifo"
	}
	if _, err := take(properties, "TopicName", &name); err != nil {
		return "", nil, err
	}
	arn := m.env.ARN("sns", name)
	if _, err := m.topics().GetTopicAttributes(m.ctx, &sns.GetTopicAttributesInput{TopicArn: &arn}); err == nil {
		return "", nil, m.exists(name)
	}
	out, err := m.topics().CreateTopic(m.ctx, &sns.CreateTopicInput{Name: &name, Attributes: texts(properties)})
	if err != nil {
		return "", nil, err
	}
	arn = aws.ToString(out.TopicArn)
	return arn, map[string]string{"TopicArn": arn, "TopicName": name}, nil
}

func (m maker) changeTopic(id string, want, have map[string]any) error {
	for name, value := range texts(want) {
		if reflect.DeepEqual(want[name], have[name]) {
			continue
		}
		if err := m.setTopic(id, name, value); err != nil {
			return err
		}
	}
	return nil
}

func (m maker) setTopic(arn, name, value string) error {
	_, err := m.topics().SetTopicAttributes(m.ctx, &sns.SetTopicAttributesInput{TopicArn: &arn, AttributeName: &name, AttributeValue: &value})
	return err
}

func (m maker) removeTopic(id string, _ map[string]any) error {
	_, err := m.topics().DeleteTopic(m.ctx, &sns.DeleteTopicInput{TopicArn: &id})
	return unlessMissing(err, "NotFound")
}

func (m maker) topicPolicy(properties map[string]any) (string, map[string]string, error) {
	id := m.generatedName()
	return id, nil, m.changeTopicPolicy(id, properties, nil)
}

func (m maker) changeTopicPolicy(_ string, want, _ map[string]any) error {
	var topics []string
	if err := decode(want["Topics"], &topics); err != nil {
		return err
	}
	for _, arn := range topics {
		if err := m.setTopic(arn, "Policy", document(want["PolicyDocument"])); err != nil {
			return err
		}
	}
	return nil
}

// removeTopicPolicy leaves the policy, since a topic always has one.
func (maker) removeTopicPolicy(string, map[string]any) error { return nil }

// subscription only records the subscriber of an e-mail address, since this AWS sends no such mail.
func (m maker) subscription(properties map[string]any) (string, map[string]string, error) {
	in := sns.SubscribeInput{Attributes: map[string]string{}, ReturnSubscriptionArn: true}
	for name, into := range map[string]any{"TopicArn": &in.TopicArn, "Protocol": &in.Protocol, "Endpoint": &in.Endpoint} {
		if _, err := take(properties, name, into); err != nil {
			return "", nil, err
		}
	}
	if aws.ToString(in.Protocol) == "email" {
		return aws.ToString(in.TopicArn) + ":" + wire.NewID(12) + pending, nil, nil
	}
	in.Attributes = texts(properties)
	out, err := m.topics().Subscribe(m.ctx, &in)
	if err != nil {
		return "", nil, err
	}
	return aws.ToString(out.SubscriptionArn), nil, nil
}

const pending = ":pending-confirmation"

func (m maker) changeSubscription(id string, want, have map[string]any) error {
	if strings.HasSuffix(id, pending) {
		return nil
	}
	for name, value := range texts(want) {
		if reflect.DeepEqual(want[name], have[name]) {
			continue
		}
		if _, err := m.topics().SetSubscriptionAttributes(m.ctx, &sns.SetSubscriptionAttributesInput{SubscriptionArn: &id, AttributeName: &name, AttributeValue: &value}); err != nil {
			return err
		}
	}
	return nil
}

func (m maker) removeSubscription(id string, _ map[string]any) error {
	if strings.HasSuffix(id, pending) {
		return nil
	}
	_, err := m.topics().Unsubscribe(m.ctx, &sns.UnsubscribeInput{SubscriptionArn: &id})
	return unlessMissing(err, "NotFound")
}
