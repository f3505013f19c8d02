package serverless

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// received translates the messages of an event source, which has one queue.
func received(in events.SQSEvent) (queue string, messages []types.Message, err error) {
	for i := range in.Records {
		r := &in.Records[i]
		name := r.EventSourceARN[strings.LastIndex(r.EventSourceARN, ":")+1:]
		switch {
		case r.EventSource != "aws:sqs" || name == "":
			return "", nil, fmt.Errorf("an event of %q is not one of a queue", r.EventSource)
		case r.MessageId == "" || r.ReceiptHandle == "":
			return "", nil, errors.New("a record has no message id or receipt")
		case queue != "" && name != queue:
			return "", nil, fmt.Errorf("the event has messages of the queues %s and %s", queue, name)
		}
		queue = name
		messages = append(messages, messageOf(r))
	}
	return queue, messages, nil
}

func messageOf(r *events.SQSMessage) types.Message {
	m := types.Message{
		MessageId: aws.String(r.MessageId), ReceiptHandle: aws.String(r.ReceiptHandle), Body: aws.String(r.Body), Attributes: r.Attributes,
		MessageAttributes: map[string]types.MessageAttributeValue{},
	}
	for name, a := range r.MessageAttributes {
		m.MessageAttributes[name] = types.MessageAttributeValue{DataType: aws.String(a.DataType), StringValue: a.StringValue, BinaryValue: a.BinaryValue}
	}
	return m
}

// failures tells the event source which messages must come again. It returns an empty list if none
// must: without a list, all would (AWS Lambda Developer Guide, "Handling errors for an SQS event
// source").
func failures(ids []string) events.SQSEventResponse {
	out := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	for _, id := range ids {
		out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: id})
	}
	return out
}
