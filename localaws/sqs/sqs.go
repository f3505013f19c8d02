// Package sqs is the local Amazon SQS: standard and FIFO queues over the AWS
// JSON protocol, as strict as the service itself.
//
// All queues live in memory, as indices over what the data file holds, and all
// changes to them pass through one engine: it runs the operations that are
// waiting one after the other, writes everything they changed in one
// transaction, and only then answers them. So memory never runs ahead of the
// file by more than the round under way, a change may span queues (the move to
// a dead-letter queue, the fan-out of a topic), and many clients share one
// commit.
package sqs

import (
	"context"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// Service holds the queues.
type Service struct {
	env    wire.Env
	ctx    context.Context
	engine *engine
}

// New returns the service; ctx ends its waiting long polls. The queues are read
// from the data file at the first call.
func New(ctx context.Context, env wire.Env) *Service {
	return &Service{env: env, ctx: ctx, engine: newEngine(ctx, env)}
}

// JSON is the wire side. Operations it does not name answer as not implemented.
func (s *Service) JSON() wire.JSONService {
	return wire.JSONService{
		Target: "AmazonSQS",
		Shape:  "com.amazonaws.sqs",
		Operations: map[string]wire.Operation{
			"CreateQueue":                  wire.Op(s.createQueue),
			"DeleteQueue":                  wire.Op(s.deleteQueue),
			"PurgeQueue":                   wire.Op(s.purgeQueue),
			"GetQueueUrl":                  wire.Op(s.getQueueURL),
			"ListQueues":                   wire.Op(s.listQueues),
			"ListDeadLetterSourceQueues":   wire.Op(s.listDeadLetterSourceQueues),
			"GetQueueAttributes":           wire.Op(s.getQueueAttributes),
			"SetQueueAttributes":           wire.Op(s.setQueueAttributes),
			"TagQueue":                     wire.Op(s.tagQueue),
			"UntagQueue":                   wire.Op(s.untagQueue),
			"ListQueueTags":                wire.Op(s.listQueueTags),
			"AddPermission":                wire.Op(s.addPermission),
			"RemovePermission":             wire.Op(s.removePermission),
			"StartMessageMoveTask":         wire.Op(s.startMessageMoveTask),
			"ListMessageMoveTasks":         wire.Op(s.listMessageMoveTasks),
			"CancelMessageMoveTask":        wire.Op(s.cancelMessageMoveTask),
			"SendMessage":                  wire.Op(s.sendMessage),
			"SendMessageBatch":             wire.Op(s.sendMessageBatch),
			"ReceiveMessage":               wire.Op(s.receiveMessage),
			"DeleteMessage":                wire.Op(s.deleteMessage),
			"DeleteMessageBatch":           wire.Op(s.deleteMessageBatch),
			"ChangeMessageVisibility":      wire.Op(s.changeMessageVisibility),
			"ChangeMessageVisibilityBatch": wire.Op(s.changeMessageVisibilityBatch),
		},
	}
}

// HasQueue reports whether the queue with that ARN exists.
func (s *Service) HasQueue(arn string) (bool, error) {
	var found bool
	err := s.engine.do(func(r *round) error {
		_, found = r.queues.byARN(arn)
		return nil
	})
	return found, err
}

// nothing is the answer of operations that return no members.
type nothing struct{}
