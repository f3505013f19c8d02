package sqs

import (
	"context"
	"errors"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

const maxBatch = 10

type failed struct {
	ID          string `json:"Id"`
	Code        string
	Message     string
	SenderFault bool
}

func failedEntry(id string, err error) failed {
	f := failed{ID: id, Code: "InternalError", Message: "The local AWS failed."}
	var refused *wire.Error
	if errors.As(err, &refused) {
		f.Code, f.Message, f.SenderFault = refused.Code, refused.Message, true
		if refused.QueryCode != "" {
			f.Code = refused.QueryCode
		}
	}
	return f
}

func checkBatch(member string, ids []string) error {
	switch {
	case len(ids) == 0:
		return refusal("EmptyBatchRequest", "There should be at least one %s in the request.", member)
	case len(ids) > maxBatch:
		return refusal("TooManyEntriesInBatchRequest", "Maximum number of entries per request are %d. You have sent %d.", maxBatch, len(ids))
	}
	seen := map[string]bool{}
	for _, id := range ids {
		if !validName(id) || len(id) > 80 {
			return refusal("InvalidBatchEntryId",
				"A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")
		}
		if seen[id] {
			return refusal("BatchEntryIdsNotDistinct", "Id %s repeated.", id)
		}
		seen[id] = true
	}
	return nil
}

type sendEntry struct {
	ID string `json:"Id"`
	entry
}

type sendMessageBatchIn struct {
	QueueURL string `json:"QueueUrl"`
	Entries  []sendEntry
}

type sentEntry struct {
	ID string `json:"Id"`
	sendMessageOut
}

type sendMessageBatchOut struct {
	Successful []sentEntry `json:",omitempty"`
	Failed     []failed    `json:",omitempty"`
}

func (s *Service) sendMessageBatch(ctx context.Context, in *sendMessageBatchIn) (*sendMessageBatchOut, error) {
	total := 0
	ids := make([]string, len(in.Entries))
	faults := make([]error, len(in.Entries))
	for i, e := range in.Entries {
		ids[i], faults[i] = e.ID, e.check()
		total += e.size()
	}
	if err := checkBatch("SendMessageBatchRequestEntry", ids); err != nil {
		return nil, err
	}
	if total > maxMessageSize {
		return nil, refusal("BatchRequestTooLong", "Batch requests cannot be longer than %d bytes. You have sent %d bytes.", maxMessageSize, total)
	}
	from := originOf(ctx)
	out := &sendMessageBatchOut{}
	return out, s.engine.do(func(r *round) error {
		q, err := r.queues.byURL(s.by(ctx, "SendMessage"), in.QueueURL)
		if err != nil {
			return err
		}
		if err := q.admitBatch(in.Entries); err != nil {
			return err
		}
		for i, e := range in.Entries {
			err := faults[i]
			if err == nil {
				err = q.admit(e.entry, "cannot be validated")
			}
			if err != nil {
				out.Failed = append(out.Failed, failedEntry(e.ID, err))
				continue
			}
			out.Successful = append(out.Successful, sentEntry{e.ID, r.enqueue(q, e.entry, from)})
		}
		return nil
	})
}

// admitBatch refuses the whole batch if an entry lacks a FIFO parameter, as AWS does.
func (q *queue) admitBatch(entries []sendEntry) error {
	for _, e := range entries {
		switch {
		case q.FIFO && e.MessageGroupID == nil:
			return invalidParameter("The request must contain the parameter MessageGroupId.")
		case q.FIFO && !q.identifies(e.entry):
			return invalidParameter("The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
		}
	}
	return nil
}
