// Package pubsub is a Watermill Pub/Sub over SQS and SNS. It sends messages in batches, receives
// them, and extends their leases (visibility timeouts) until they are acked or nacked. Bodies and
// handlers are package transport's.
//
//	Publisher -------> SQS --> Subscriber
//	TopicPublisher --> SNS -------^
//
// The two packages meet in Watermill's interfaces, the metadata keys of Wire, and three things in
// the context of a received message: its Lease, its Redelivery, and the cause ErrClosing.
//
// The files in reading order, each of which uses only those after it:
//
//   - sending: publish_sqs, publish_sns, publisher, sendqueue, call, publisherror
//   - receiving: subscriber, subscription, pollers, grouprun, acker, leases, receiptcalls,
//     coalescer, credit, delivery, redelivery, closing
//   - both: config, wire, batch, queues, backoff
package pubsub
