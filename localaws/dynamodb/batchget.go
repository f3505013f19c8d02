package dynamodb

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

const (
	maxBatchKeys   = 100
	maxBatchAnswer = 16 << 20
)

type batchGetRequest struct {
	RequestItems           map[string]batchKeys
	ReturnConsumedCapacity string
}

type batchKeys struct {
	Keys                     []Item
	ProjectionExpression     *string           `json:",omitempty"`
	ExpressionAttributeNames map[string]string `json:",omitempty"`
	ConsistentRead           bool              `json:",omitempty"`
}

type batchGetAnswer struct {
	Responses        map[string][]json.RawMessage
	UnprocessedKeys  map[string]batchKeys
	ConsumedCapacity []capacity `json:",omitempty"`
}

// batchGetItem leaves keys unprocessed after maxBatchAnswer bytes of items.
func (s *Service) batchGetItem(_ context.Context, in *batchGetRequest) (*batchGetAnswer, error) {
	if err := checkReturnConsumedCapacity(in.ReturnConsumedCapacity); err != nil {
		return nil, err
	}
	lookups, err := s.newBatchLookups(in.RequestItems)
	if err != nil {
		return nil, err
	}
	var answer *batchGetAnswer
	err = s.env.DB.View(func(tx *store.Tx) error {
		answer, err = s.readBatch(tx, in, lookups)
		return err
	})
	return answer, err
}

func (s *Service) newBatchLookups(requested map[string]batchKeys) (map[string][]*lookup, error) {
	total := 0
	for _, keys := range requested {
		total += len(keys.Keys)
	}
	switch {
	case len(requested) == 0:
		return nil, violated("requestItems", "{}", "Member must have length greater than or equal to 1")
	case total > maxBatchKeys:
		return nil, invalid("Too many items requested for the BatchGetItem call")
	}
	lookups := map[string][]*lookup{}
	for table, keys := range requested {
		if len(keys.Keys) == 0 {
			return nil, violated(fmt.Sprintf("requestItems.%s.member.keys", table), "[]", "Member must have length greater than or equal to 1")
		}
		for _, key := range keys.Keys {
			// newLookup normalizes the key, but UnprocessedKeys must be as sent.
			l, err := s.newLookup(table, maps.Clone(key), keys.ProjectionExpression, keys.ExpressionAttributeNames)
			if err != nil {
				return nil, err
			}
			if slices.ContainsFunc(lookups[table], func(before *lookup) bool { return maps.EqualFunc(before.key, l.key, Value.equal) }) {
				return nil, invalid("Provided list of item keys contains duplicates")
			}
			lookups[table] = append(lookups[table], l)
		}
	}
	return lookups, nil
}

func (s *Service) readBatch(tx *store.Tx, in *batchGetRequest, lookups map[string][]*lookup) (*batchGetAnswer, error) {
	answer := &batchGetAnswer{Responses: map[string][]json.RawMessage{}, UnprocessedKeys: map[string]batchKeys{}}
	read := 0
	for _, table := range slices.Sorted(maps.Keys(lookups)) {
		keys, units := in.RequestItems[table], 0.0
		answer.Responses[table] = []json.RawMessage{}
		for i, l := range lookups[table] {
			at, err := l.find(tx, s.tables)
			if err != nil {
				return nil, err
			}
			found, size, err := l.read(tx, at)
			if err != nil {
				return nil, err
			}
			if read += size; read > maxBatchAnswer {
				rest := keys
				rest.Keys = keys.Keys[i:]
				answer.UnprocessedKeys[table] = rest
				break
			}
			if found != nil {
				answer.Responses[table] = append(answer.Responses[table], found)
			}
			units += readUnits(size, keys.ConsistentRead)
		}
		if c := capacityOf(in.ReturnConsumedCapacity, table, units); c != nil {
			answer.ConsumedCapacity = append(answer.ConsumedCapacity, *c)
		}
	}
	return answer, nil
}
