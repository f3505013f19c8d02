package sqs

import (
	"container/list"
	"encoding/binary"
	"fmt"
	"time"
)

// AttributeValue is one message attribute, with the member names of the wire.
type AttributeValue struct {
	DataType         string   `json:"DataType"`
	StringValue      *string  `json:"StringValue,omitempty"`
	BinaryValue      []byte   `json:"BinaryValue,omitempty"`
	StringListValues []string `json:"StringListValues,omitempty"`
	BinaryListValues [][]byte `json:"BinaryListValues,omitempty"`
}

// message is one message in one queue.
type message struct {
	// seq orders the messages of a queue; it is never given twice.
	seq uint64
	sent
	receipt
	hidden hiding

	// Positions in the queue's indices, and whether its group counts it as in flight.
	readySlot, timedSlot, ageSlot int
	flying                        bool
	group                         *group
	place                         *list.Element
}

// sent is what does not change while a message is in a queue.
type sent struct {
	ID          string
	Body        string
	Attributes  map[string]AttributeValue `json:",omitempty"`
	TraceHeader string                    `json:",omitempty"`
	Group       string                    `json:",omitempty"`
	Dedup       string                    `json:",omitempty"`
	Sender      string
	// At is when it was sent; retention counts from here.
	At time.Time
	// Delayed is until when it is withheld at first.
	Delayed time.Time `json:",omitzero"`
	// Source is the ARN of the queue that gave the message up, in a dead-letter queue.
	Source string `json:",omitempty"`
}

// receipt is what the receives of a message leave behind.
type receipt struct {
	// Count is how often it was received, First and Last when.
	Count       int64
	First, Last time.Time
	// Until is when the message becomes visible again.
	Until time.Time
	// Nonce tells the newest receipt handle from the earlier ones.
	Nonce uint64
}

// hiding says why a message cannot be received at the moment.
type hiding int

const (
	visible hiding = iota
	delayed
	inFlight
)

// sequenceNumber has the 20 digits of AWS's: more than 64 bits hold, so that
// nobody comes to parse it.
func sequenceNumber(seq uint64) string { return fmt.Sprintf("188%017d", seq) }

type receiptRecord struct {
	Count              int64
	First, Last, Until int64
	Nonce              uint64
}

func (r receipt) encode() []byte {
	raw, err := binary.Append(nil, binary.BigEndian, receiptRecord{
		Count: r.Count, First: nanos(r.First), Last: nanos(r.Last), Until: nanos(r.Until), Nonce: r.Nonce,
	})
	if err != nil {
		panic(err) // the record has a fixed size
	}
	return raw
}

func decodeReceipt(raw []byte) (receipt, error) {
	var rec receiptRecord
	if _, err := binary.Decode(raw, binary.BigEndian, &rec); err != nil {
		return receipt{}, fmt.Errorf("decoding a receipt: %w", err)
	}
	return receipt{
		Count: rec.Count, First: fromNanos(rec.First), Last: fromNanos(rec.Last),
		Until: fromNanos(rec.Until), Nonce: rec.Nonce,
	}, nil
}

func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func fromNanos(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

func seqKey(seq uint64) []byte { return binary.BigEndian.AppendUint64(nil, seq) }
