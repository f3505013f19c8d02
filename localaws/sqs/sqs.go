// Package sqs imitates Amazon SQS: standard and FIFO queues over the AWS JSON protocol, with
// the service's checks.
//
// Queues are held in memory and stored in the data file. An engine runs the waiting operations
// in turn, writes their changes in one transaction, and then answers them. So memory is ahead
// of the file by at most one round, a change can span queues, and many clients share one
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

// New returns the service. ctx ends waiting long polls. The first call reads the queues from
// the data file.
func New(ctx context.Context, env wire.Env) *Service {
	return &Service{env: env, ctx: ctx, engine: newEngine(ctx, env)}
}

// JSON returns the operations of the SQS API.
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

type nothing struct{}
