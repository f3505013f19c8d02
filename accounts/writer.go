package accounts

import (
	"context"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
)

type appending interface {
	Read(ctx context.Context, stream portal.Stream, after int64) ([]events.Event, error)
	Append(ctx context.Context, stream portal.Stream, after int64, facts []events.Event, rows ...journal.Row) error
	Write(ctx context.Context, rows ...journal.Row) error
}

// Writer is the journal for processes that append to accounts. The reader remembers what they
// append.
type Writer struct {
	Journal appending
	Reader  *Reader
}

// Read is Journal.Read.
func (w Writer) Read(ctx context.Context, stream portal.Stream, after int64) ([]events.Event, error) {
	return w.Journal.Read(ctx, stream, after)
}

// Write is Journal.Write.
func (w Writer) Write(ctx context.Context, rows ...journal.Row) error {
	return w.Journal.Write(ctx, rows...)
}

// Append is Journal.Append.
func (w Writer) Append(ctx context.Context, stream portal.Stream, after int64, facts []events.Event, rows ...journal.Row) error {
	err := w.Journal.Append(ctx, stream, after, facts, rows...)
	if err == nil {
		w.Reader.appended(stream, after, facts)
	}
	return err
}

// appended remembers facts as they will be read, if the reader remembers the stream up to them.
func (r *Reader) appended(stream portal.Stream, after int64, facts []events.Event) {
	id, ok := stream.Account()
	if !ok {
		return
	}
	known, ok := r.memory.recall(stream)
	if after == 0 {
		known, ok = nothing(id), true
	}
	if !ok || known.account.Sequence != after {
		return
	}
	recorded := make([]events.Event, len(facts))
	for i, fact := range facts {
		body, err := events.Encode(fact)
		if err != nil {
			return
		}
		if recorded[i], err = events.DecodeRecorded(body); err != nil {
			return
		}
	}
	r.memory.keep(stream, known.with(recorded))
}
