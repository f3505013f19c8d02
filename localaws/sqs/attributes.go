package sqs

import (
	"context"
	"slices"
	"strconv"
)

type getQueueAttributesIn struct {
	QueueURL       string `json:"QueueUrl"`
	AttributeNames []string
}

type getQueueAttributesOut struct {
	Attributes map[string]string `json:",omitempty"`
}

// readableAttributes are valid in requests, though not in every queue.
var readableAttributes = []string{
	"All", "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed", "ApproximateNumberOfMessagesNotVisible",
	"ContentBasedDeduplication", "CreatedTimestamp", "DeduplicationScope", "DelaySeconds", "FifoQueue", "FifoThroughputLimit",
	"KmsDataKeyReusePeriodSeconds", "KmsMasterKeyId", "LastModifiedTimestamp", "MaximumMessageSize", "MessageRetentionPeriod",
	"Policy", "QueueArn", "ReceiveMessageWaitTimeSeconds", "RedriveAllowPolicy", "RedrivePolicy", "SqsManagedSseEnabled", "VisibilityTimeout",
}

func (s *Service) getQueueAttributes(ctx context.Context, in *getQueueAttributesIn) (*getQueueAttributesOut, error) {
	for _, name := range in.AttributeNames {
		if !slices.Contains(readableAttributes, name) {
			return nil, unknownAttribute(name)
		}
	}
	out := &getQueueAttributesOut{}
	return out, s.engine.do(func(r *round) error {
		q, err := r.queues.byURL(s.by(ctx, "GetQueueAttributes"), in.QueueURL)
		if err != nil {
			return err
		}
		all := r.open(q).allAttributes()
		if slices.Contains(in.AttributeNames, "All") {
			out.Attributes = all
			return nil
		}
		out.Attributes = map[string]string{}
		for _, name := range in.AttributeNames {
			if value, ok := all[name]; ok {
				out.Attributes[name] = value
			}
		}
		return nil
	})
}

// allAttributes includes exact message counts. Messages behind a hidden one of their FIFO group
// count as visible.
func (q *queue) allAttributes() map[string]string {
	all := q.attributes()
	all["QueueArn"] = q.arn
	all["CreatedTimestamp"] = epochSeconds(q.Created)
	all["LastModifiedTimestamp"] = epochSeconds(q.Modified)
	all["ApproximateNumberOfMessages"] = strconv.Itoa(q.hiddenAs[visible])
	all["ApproximateNumberOfMessagesNotVisible"] = strconv.Itoa(q.hiddenAs[inFlight])
	all["ApproximateNumberOfMessagesDelayed"] = strconv.Itoa(q.hiddenAs[delayed])
	return all
}

type setQueueAttributesIn struct {
	QueueURL   string `json:"QueueUrl"`
	Attributes map[string]string
}

func (s *Service) setQueueAttributes(ctx context.Context, in *setQueueAttributesIn) (*nothing, error) {
	if in.Attributes == nil {
		return nil, missingParameter("Attribute.Name")
	}
	return &nothing{}, s.engine.do(func(r *round) error {
		q, err := r.queues.byURL(s.by(ctx, "SetQueueAttributes"), in.QueueURL)
		if err != nil {
			return err
		}
		changed, err := q.settings.with(in.Attributes)
		if err != nil {
			return err
		}
		if _, given := in.Attributes["RedrivePolicy"]; given {
			if err := r.queues.checkRedrive(changed, q.arn); err != nil {
				return err
			}
		}
		changed.Modified = r.now
		q.settings = changed
		r.putSettings(q)
		return nil
	})
}
