package dynamodb

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
)

// record is an item as stored: its size as a varint, then its wire JSON. nil is no item.
type record []byte

func newRecord(it Item) record {
	size := it.size()
	// Quotes and braces make the JSON about twice the item's size.
	rec := binary.AppendUvarint(make([]byte, 0, 2*size+64), uint64(size))
	return it.appendJSON(rec)
}

func (r record) size() int {
	size, _ := binary.Uvarint(r)
	return int(size)
}

// json returns a copy, which outlives the transaction.
func (r record) json() json.RawMessage {
	if r == nil {
		return nil
	}
	_, n := binary.Uvarint(r)
	return append(json.RawMessage{}, r[n:]...)
}

// projected returns the wire form of the parts at the paths, or of the whole item. It is
// valid during the transaction.
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
