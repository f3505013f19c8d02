// Package transport carries events over SQS and SNS with Watermill: it publishes
// them in batches, receives them in lanes, dispatches them to handlers and sees to
// the ones that fail. It knows how a message travels, not what it means.
//
//	Sender --> Publisher ------> SQS --> Subscriber --> Worker --> Handler
//	     \---> TopicPublisher -> SNS ------^               \-----> dead letters
//
// A message is handled at least once. Of a FIFO queue the messages of one group
// are handled one after the other, in order; everything else runs at the same time.
// What a handler's error leads to is written down at RetryLimit.
package transport
