package deploytest

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

var makers = map[string]func(m *maker, properties map[string]any) made{
	"AWS::DynamoDB::Table":   (*maker).table,
	"AWS::SQS::Queue":        (*maker).queue,
	"AWS::SQS::QueuePolicy":  (*maker).queuePolicy,
	"AWS::SNS::Topic":        (*maker).topic,
	"AWS::SNS::TopicPolicy":  (*maker).topicPolicy,
	"AWS::SNS::Subscription": (*maker).subscription,
	"AWS::KMS::Key":          (*maker).key,
	"AWS::KMS::Alias":        (*maker).alias,
	"AWS::Events::Rule":      (*maker).rule,

	"AWS::Cognito::UserPool":       (*maker).pool,
	"AWS::Cognito::UserPoolClient": (*maker).client,
	"AWS::Cognito::UserPoolDomain": (*maker).domain,
	"AWS::Cognito::UserPoolGroup":  (*maker).group,
	"AWS::Cognito::UserPoolUser":   (*maker).user,

	"AWS::Cognito::UserPoolUserToGroupAttachment": (*maker).member,
	"AWS::Cognito::ManagedLoginBranding":          (*maker).branding,

	// The local AWS has no CloudWatch.
	"AWS::CloudWatch::Alarm": func(*maker, map[string]any) made { return made{} },
}

func (m *maker) table(properties map[string]any) made {
	client, ctx := dynamodb.NewFromConfig(m.cfg), m.t.Context()
	var expiry ddbtypes.TimeToLiveSpecification
	var recovery ddbtypes.PointInTimeRecoverySpecification
	expires := m.take(properties, "TimeToLiveSpecification", &expiry)
	recoverable := m.take(properties, "PointInTimeRecoverySpecification", &recovery)
	var in dynamodb.CreateTableInput
	m.decode(properties, &in)
	out, err := client.CreateTable(ctx, &in)
	m.ok(err)
	if expires {
		_, err := client.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{TableName: in.TableName, TimeToLiveSpecification: &expiry})
		m.ok(err)
	}
	if recoverable {
		_, err := client.UpdateContinuousBackups(ctx, &dynamodb.UpdateContinuousBackupsInput{TableName: in.TableName, PointInTimeRecoverySpecification: &recovery})
		m.ok(err)
	}
	return made{*in.TableName, map[string]string{"Arn": aws.ToString(out.TableDescription.TableArn)}}
}

func (m *maker) queue(properties map[string]any) made {
	client, ctx := sqs.NewFromConfig(m.cfg), m.t.Context()
	name := m.generatedName()
	m.take(properties, "QueueName", &name)
	attributes := map[string]string{}
	for property, value := range properties {
		attributes[property] = fmt.Sprint(value)
		if number, ok := value.(float64); ok {
			attributes[property] = fmt.Sprint(int(number))
		}
		if document, ok := value.(map[string]any); ok {
			attributes[property] = m.json(document)
		}
	}
	out, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	m.ok(err)
	is, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: out.QueueUrl, AttributeNames: []sqstypes.QueueAttributeName{"QueueArn"}})
	m.ok(err)
	return made{aws.ToString(out.QueueUrl), map[string]string{"Arn": is.Attributes["QueueArn"], "QueueName": name}}
}

func (m *maker) queuePolicy(properties map[string]any) made {
	var queues []string
	m.take(properties, "Queues", &queues)
	policy := m.json(properties["PolicyDocument"])
	for _, url := range queues {
		_, err := sqs.NewFromConfig(m.cfg).SetQueueAttributes(m.t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: map[string]string{"Policy": policy}})
		m.ok(err)
	}
	return made{}
}

func (m *maker) topic(properties map[string]any) made {
	name := m.generatedName()
	m.take(properties, "TopicName", &name)
	attributes := map[string]string{}
	for property, value := range properties {
		attributes[property] = fmt.Sprint(value)
	}
	out, err := sns.NewFromConfig(m.cfg).CreateTopic(m.t.Context(), &sns.CreateTopicInput{Name: &name, Attributes: attributes})
	m.ok(err)
	arn := aws.ToString(out.TopicArn)
	return made{arn, map[string]string{"TopicArn": arn, "TopicName": name}}
}

func (m *maker) topicPolicy(properties map[string]any) made {
	var topics []string
	m.take(properties, "Topics", &topics)
	policy := m.json(properties["PolicyDocument"])
	for _, arn := range topics {
		_, err := sns.NewFromConfig(m.cfg).SetTopicAttributes(m.t.Context(), &sns.SetTopicAttributesInput{TopicArn: &arn, AttributeName: aws.String("Policy"), AttributeValue: &policy})
		m.ok(err)
	}
	return made{}
}

func (m *maker) subscription(properties map[string]any) made {
	in := sns.SubscribeInput{Attributes: map[string]string{}, ReturnSubscriptionArn: true}
	m.take(properties, "TopicArn", &in.TopicArn)
	m.take(properties, "Protocol", &in.Protocol)
	m.take(properties, "Endpoint", &in.Endpoint)
	for property, value := range properties {
		in.Attributes[property] = fmt.Sprint(value)
		if document, ok := value.(map[string]any); ok {
			in.Attributes[property] = m.json(document)
		}
	}
	out, err := sns.NewFromConfig(m.cfg).Subscribe(m.t.Context(), &in)
	m.ok(err)
	return made{ref: aws.ToString(out.SubscriptionArn)}
}

func (m *maker) key(properties map[string]any) made {
	var in kms.CreateKeyInput
	policy := m.json(properties["KeyPolicy"])
	delete(properties, "KeyPolicy")
	delete(properties, "PendingWindowInDays") // concerns the deletion only
	m.decode(properties, &in)
	in.Policy = &policy
	out, err := kms.NewFromConfig(m.cfg).CreateKey(m.t.Context(), &in)
	m.ok(err)
	return made{aws.ToString(out.KeyMetadata.KeyId), map[string]string{"Arn": aws.ToString(out.KeyMetadata.Arn)}}
}

func (m *maker) alias(properties map[string]any) made {
	var in kms.CreateAliasInput
	m.decode(properties, &in)
	_, err := kms.NewFromConfig(m.cfg).CreateAlias(m.t.Context(), &in)
	m.ok(err)
	return made{ref: aws.ToString(in.AliasName)}
}
