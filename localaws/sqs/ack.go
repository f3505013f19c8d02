package sqs

import (
	"context"
	"time"
)

type deleteMessageIn struct {
	QueueURL      string `json:"QueueUrl"`
	ReceiptHandle string
}

func (s *Service) deleteMessage(ctx context.Context, in *deleteMessageIn) (*nothing, error) {
	if in.ReceiptHandle == "" {
		return nil, missingParameter("ReceiptHandle")
	}
	return &nothing{}, s.engine.do(func(r *round) error {
		q, err := r.queues.byURL(s.by(ctx, "DeleteMessage"), in.QueueURL)
		if err != nil {
			return err
		}
		return r.delete(r.open(q), in.ReceiptHandle, "DeleteMessage")
	})
}

// delete deletes a handle's message, if it still exists. A FIFO queue refuses a handle that is
// not the latest or whose visibility timeout is over (observed on AWS). A standard queue
// accepts any handle, even while another receiver has the message, unless it ignores it.
func (r *round) delete(q *queue, handle, operation string) error {
	m, current, err := q.received(handle)
	switch {
	case err != nil:
		return err
	case m == nil:
		return nil
	case q.FIFO && (!current || m.hidden != inFlight):
		return expiredHandle(handle)
	case current || !r.ignores(operation):
		r.remove(q, m)
	}
	return nil
}

// ignores reports whether a standard queue does nothing for an old handle: "If you don't
// provide the most recent receipt handle, the request succeeds, but the message might not be
// deleted" (SQS API Reference, DeleteMessage).
func (r *round) ignores(operation string) bool {
	return r.queues.oldReceipt != nil && r.queues.oldReceipt(operation)
}

type handleEntry struct {
	ID            string `json:"Id"`
	ReceiptHandle string
	// VisibilityTimeout is only for ChangeMessageVisibilityBatch.
	VisibilityTimeout *int
}

type handleBatchIn struct {
	QueueURL string `json:"QueueUrl"`
	Entries  []handleEntry
}

type doneEntry struct {
	ID string `json:"Id"`
}

type handleBatchOut struct {
	Successful []doneEntry `json:",omitempty"`
	Failed     []failed    `json:",omitempty"`
}

func (s *Service) deleteMessageBatch(ctx context.Context, in *handleBatchIn) (*handleBatchOut, error) {
	return s.handleBatch(s.by(ctx, "DeleteMessage"), in, "DeleteMessageBatchRequestEntry", func(r *round, q *queue, e handleEntry) error {
		return r.delete(q, e.ReceiptHandle, "DeleteMessageBatch")
	})
}

func (s *Service) handleBatch(by caller, in *handleBatchIn, member string, do func(*round, *queue, handleEntry) error) (*handleBatchOut, error) {
	ids := make([]string, len(in.Entries))
	for i, e := range in.Entries {
		ids[i] = e.ID
	}
	if err := checkBatch(member, ids); err != nil {
		return nil, err
	}
	out := &handleBatchOut{}
	return out, s.engine.do(func(r *round) error {
		q, err := r.queues.byURL(by, in.QueueURL)
		if err != nil {
			return err
		}
		r.open(q)
		for _, e := range in.Entries {
			if err := do(r, q, e); err != nil {
				out.Failed = append(out.Failed, failedEntry(e.ID, err))
				continue
			}
			out.Successful = append(out.Successful, doneEntry{e.ID})
		}
		return nil
	})
}

type changeMessageVisibilityIn struct {
	QueueURL          string `json:"QueueUrl"`
	ReceiptHandle     string
	VisibilityTimeout *int
}

func (s *Service) changeMessageVisibility(ctx context.Context, in *changeMessageVisibilityIn) (*nothing, error) {
	switch {
	case in.ReceiptHandle == "":
		return nil, missingParameter("ReceiptHandle")
	case in.VisibilityTimeout == nil:
		return nil, missingParameter("VisibilityTimeout")
	}
	return &nothing{}, s.engine.do(func(r *round) error {
		q, err := r.queues.byURL(s.by(ctx, "ChangeMessageVisibility"), in.QueueURL)
		if err != nil {
			return err
		}
		return r.changeVisibility(r.open(q), in.ReceiptHandle, *in.VisibilityTimeout, "ChangeMessageVisibility")
	})
}

func (s *Service) changeMessageVisibilityBatch(ctx context.Context, in *handleBatchIn) (*handleBatchOut, error) {
	return s.handleBatch(s.by(ctx, "ChangeMessageVisibility"), in, "ChangeMessageVisibilityBatchRequestEntry", func(r *round, q *queue, e handleEntry) error {
		if e.VisibilityTimeout == nil {
			return missingParameter("VisibilityTimeout")
		}
		return r.changeVisibility(q, e.ReceiptHandle, *e.VisibilityTimeout, "ChangeMessageVisibilityBatch")
	})
}

// changeVisibility hides the message for timeout seconds from now, or shows it if 0. One
// receive can hide it for 12 hours in total. Old handles are treated as in delete.
func (r *round) changeVisibility(q *queue, handle string, timeout int, operation string) error {
	if err := checkVisibility(timeout); err != nil {
		return err
	}
	m, current, err := q.received(handle)
	switch {
	case err != nil:
		return err
	case m == nil:
		return invalidValue(handle, "ReceiptHandle", "Message does not exist or is not available for visibility timeout change.")
	case q.FIFO && !current:
		return expiredHandle(handle)
	case m.hidden != inFlight:
		return refusal("MessageNotInflight", "The message referred to is not in flight.")
	case !current && r.ignores(operation):
		return nil
	}
	until := r.now.Add(seconds(timeout))
	if until.Sub(m.Last) > maxVisibility*time.Second {
		return invalidValue(timeout, "VisibilityTimeout", "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]")
	}
	m.Until = until
	if timeout == 0 {
		q.show(m)
	} else {
		q.hide(m)
	}
	r.putReceipt(q, m)
	return nil
}
