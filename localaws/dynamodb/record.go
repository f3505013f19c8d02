package dynamodb

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
)

// record is an item as stored: its size as a varint, then its wire JSON. Reads
// that want the whole item pass the JSON on as it is. A nil record is no item.
type record []byte

func newRecord(it Item) record {
	size := it.size()
	// Names and values in quotes and braces come to about twice the size.
	rec := binary.AppendUvarint(make([]byte, 0, 2*size+64), uint64(size))
	return it.appendJSON(rec)
}

// size is the item's size in DynamoDB's terms, 0 for no item.
func (r record) size() int {
	size, _ := binary.Uvarint(r)
	return int(size)
}

// json is a copy, which outlives the transaction; nil for no item.
func (r record) json() json.RawMessage {
	if r == nil {
		return nil
	}
	_, n := binary.Uvarint(r)
	return append(json.RawMessage{}, r[n:]...)
}

// projected is the wire form of the part of the item that the paths lead to, of the
// whole item if there are no paths; nil for no item. It is valid during the
// transaction.
func (r record) projected(paths []path) (json.RawMessage, error) {
	if r == nil || len(paths) == 0 {
		_, n := binary.Uvarint(r)
		return json.RawMessage(r[n:]), nil
	}
	it, err := r.item()
	if err != nil {
		return nil, err
	}
	return it.project(paths).appendJSON(nil), nil
}

// item is nil for no item.
func (r record) item() (Item, error) {
	if r == nil {
		return nil, nil
	}
	_, n := binary.Uvarint(r)
	var it Item
	if err := it.UnmarshalJSON(r[n:]); err != nil {
		return nil, fmt.Errorf("decoding an item: %w", err)
	}
	return it, nil
}
