// Package transport carries events from those who send them to those who handle them. It
// chooses the queue or topic and the group of each event, dispatches received events to
// handlers by type, and decides what becomes of those that fail: tried again, or a dead
// letter. How messages travel over SQS and SNS is the business of package pubsub.
//
//	Sender --> pubsub.Publisher ------> SQS --> pubsub.Subscriber --> Worker --> Handler
//	     \---> pubsub.TopicPublisher -> SNS ------^                       \----> dead letters
//
// A message is handled at least once. On a FIFO queue the messages of one group are
// handled one after the other, in order; all others are handled at the same time.
// RetryLimit says what a handler's error leads to.
//
// The files in reading order, each of which uses only those after it: sender; worker, logging,
// metrics, failure, deadletter, dispatch, class, recover, codec, handling, consumer, logger.
package transport
