// Package transport carries events from senders to handlers. It chooses the queue or topic
// and the group of each event, dispatches received events to handlers by type, and decides
// whether an event that failed is tried again or becomes a dead letter. Package pubsub moves
// the messages over SQS and SNS.
//
//	Sender --> pubsub.Publisher ------> SQS --> pubsub.Subscriber --> Worker --> Handler
//	     \---> pubsub.TopicPublisher -> SNS ------^                       \----> dead letters
//
// A message is handled at least once. On a FIFO queue the messages of one group are handled
// one after the other, in order; all others are handled concurrently. The comment on policy says
// what a handler's error leads to.
//
// The files in reading order, each of which uses only those after it: sender; worker,
// logging, metrics, failure, deadletter, dispatch, class, recover, handling, consumer,
// logger.
package transport
