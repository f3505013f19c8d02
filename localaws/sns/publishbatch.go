package sns

import (
	"context"
	"errors"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

const (
	maxBatch   = 10
	maxEntryID = 80
)

type publishBatchOut struct {
	Successful members[publishedEntry]
	Failed     members[failedEntry]
}

type publishedEntry struct {
	ID             string `xml:"Id"`
	MessageID      string `xml:"MessageId"`
	SequenceNumber string `xml:",omitempty"`
}

type failedEntry struct {
	ID          string `xml:"Id"`
	Code        string
	Message     string
	SenderFault bool
}

// publishBatch reports entries that fail. A malformed attribute, or an entry without a required
// FIFO parameter, fails the whole batch, as on AWS.
func (s *Service) publishBatch(ctx context.Context, in form) (*publishBatchOut, error) {
	entries := in.list("PublishBatchRequestEntries", "member")
	if err := checkBatch(entries); err != nil {
		return nil, err
	}
	total := 0
	messages := make([]message, len(entries))
	for i, e := range entries {
		e := e.in("")
		if err := e.only(append([]string{"Id"}, messageMembers...)); err != nil {
			return nil, err
		}
		var err error
		if messages[i], err = parseMessage(e); err != nil {
			return nil, err
		}
		total += messages[i].size()
	}
	if total > maxMessage {
		return nil, wire.Errorf("BatchRequestTooLong", "The length of all the messages put together is more than the limit.")
	}
	out := &publishBatchOut{}
	return out, s.deliver(ctx, "TopicArn", in.text("TopicArn"), func(p *publication) error {
		for _, m := range messages {
			if err := p.topic.admit(m); err != nil {
				return err
			}
		}
		for i, m := range messages {
			out.add(entries[i].text(".Id"), p, m)
		}
		return nil
	})
}

func (out *publishBatchOut) add(id string, p *publication, m message) {
	if err := m.check(); err != nil {
		failure := failedEntry{ID: id, Message: err.Error(), SenderFault: true}
		var refused *wire.Error
		if errors.As(err, &refused) {
			failure.Code, failure.Message = refused.Code, refused.Message
		}
		out.Failed.add(failure)
		return
	}
	published := p.add(m)
	out.Successful.add(publishedEntry{id, published.MessageID, published.SequenceNumber})
}

func checkBatch(entries []form) error {
	switch {
	case len(entries) == 0:
		return wire.Errorf("EmptyBatchRequest", "The batch request doesn't contain any entries.")
	case len(entries) > maxBatch:
		return wire.Errorf("TooManyEntriesInBatchRequest", "The batch request contains more entries than permissible.")
	}
	seen := map[string]bool{}
	for _, e := range entries {
		id := e.text(".Id")
		if len(id) > maxEntryID {
			return wire.Errorf("InvalidBatchEntryId", "The Id of a batch entry in the batch request is too long: %s", id)
		}
		for _, c := range id {
			if !isAlphanumeric(c) && c != '-' && c != '_' {
				return wire.Errorf("InvalidBatchEntryId", "The Id of a batch entry in the batch request contains an impermissible character: %s", id)
			}
		}
		if seen[id] {
			return wire.Errorf("BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id.")
		}
		seen[id] = true
	}
	return nil
}
