package alarms

import (
	"context"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
)

// TopicName and WebhookName are the channels' names in rows, JSON and commands.
const (
	TopicName   = "topic"
	WebhookName = "webhook"
)

// maxSubject is how long the subject of an SNS message may be: less than 100 characters (SNS API Reference, Publish).
const maxSubject = 99

type publisher interface {
	Publish(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error)
}

// Topic is a standard SNS topic. Its subscribers get a message as plain text, so that mail is
// readable, and as attributes what programs need: alarm, phase, count and id.
type Topic struct {
	SNS publisher
	ARN string
	// Words turns an error of AWS into a sentence with what to do; nil keeps it.
	Words func(error) error
}

// Name implements Channel.
func (t Topic) Name() string { return TopicName }

// Send publishes the message. A second Send delivers it again, since a standard topic drops no duplicates.
func (t Topic) Send(ctx context.Context, m Message) error {
	attribute := func(value string) types.MessageAttributeValue {
		return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
	}
	count := types.MessageAttributeValue{DataType: aws.String("Number"), StringValue: aws.String(strconv.Itoa(m.Count))}
	_, err := t.SNS.Publish(ctx, &sns.PublishInput{
		TopicArn: &t.ARN, Subject: aws.String(subject("Gatehouse: " + m.Title)), Message: aws.String(m.Plain()),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"alarm": attribute(string(m.Alarm)), "phase": attribute(string(m.Phase)), "id": attribute(m.ID), "count": count,
		},
	})
	if err != nil && t.Words != nil {
		return t.Words(err)
	}
	return err
}

// subject replaces everything but printable ASCII, which SNS refuses, with "?". It cuts the text at maxSubject.
func subject(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text)
	return text[:min(len(text), maxSubject)]
}
