// Package transport carries events from senders to handlers. It chooses each event's queue or
// topic, dispatches received events by type, and decides whether a failed one is retried or
// becomes a dead letter. Package pubsub moves the messages over SQS and SNS.
//
//	Sender --> pubsub.Publisher ------> SQS --> pubsub.Subscriber --> Worker --> Handler
//	     \---> pubsub.TopicPublisher -> SNS ------^                       \----> dead letters
//
// A message is handled at least once: those of one group of a FIFO queue one after the other, in
// order, all others concurrently.
//
// The files in reading order, each of which uses only those after it: sender; worker, logging,
// tracing, metrics, failure, deadletter, dispatch, class, recover, handling, consumer, logger.
package transport
