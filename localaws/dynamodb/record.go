package dynamodb

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
)

// record is an item as stored: its size as a varint, then its wire JSON. Reads
// that want the whole item pass the JSON on as it is. A nil record is no item.
type record []byte

func newRecord(it Item) (record, error) {
	content, err := json.Marshal(it)
	if err != nil {
		return nil, fmt.Errorf("encoding an item: %w", err)
	}
	rec := binary.AppendUvarint(make([]byte, 0, len(content)+3), uint64(it.size()))
	return append(rec, content...), nil
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

// item is nil for no item.
func (r record) item() (Item, error) {
	if r == nil {
		return nil, nil
	}
	_, n := binary.Uvarint(r)
	var it Item
	if err := json.Unmarshal(r[n:], &it); err != nil {
		return nil, fmt.Errorf("decoding an item: %w", err)
	}
	return it, nil
}
