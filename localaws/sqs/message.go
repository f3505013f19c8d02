package sqs

import (
	"container/list"
	"encoding/binary"
	"fmt"
	"time"
)

// AttributeValue is a message attribute, as on the wire.
type AttributeValue struct {
	DataType         string   `json:"DataType"`
	StringValue      *string  `json:"StringValue,omitempty"`
	BinaryValue      []byte   `json:"BinaryValue,omitempty"`
	StringListValues []string `json:"StringListValues,omitempty"`
	BinaryListValues [][]byte `json:"BinaryListValues,omitempty"`
}

type message struct {
	// seq orders a queue's messages and is never reused.
	seq uint64
	sent
	receipt
	hidden hiding

	// Positions in the queue's indices. flying: the group counts it as in flight.
	readySlot, timedSlot, ageSlot int
	flying                        bool
	group                         *group
	place                         *list.Element
}

// sent is the part that never changes.
type sent struct {
	ID          string
	Body        string
	Attributes  map[string]AttributeValue `json:",omitempty"`
	TraceHeader string                    `json:",omitempty"`
	Group       string                    `json:",omitempty"`
	Dedup       string                    `json:",omitempty"`
	Sender      string
	// Retention counts from At.
	At      time.Time
	Delayed time.Time `json:",omitzero"`
	// Source is, in a dead-letter queue, the original queue's ARN.
	Source string `json:",omitempty"`
}

type receipt struct {
	Count       int64
	First, Last time.Time
	Until       time.Time
	// Nonce differs for each receive.
	Nonce uint64
}

type hiding int

const (
	visible hiding = iota
	delayed
	inFlight
)

// sequenceNumber has 20 digits, as on AWS: too many for 64 bits, so that clients do not parse
// it.
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
