package dynamodb

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

const maxBatchWrites = 25

type batchWriteRequest struct {
	RequestItems                map[string][]batchWrite
	ReturnConsumedCapacity      string
	ReturnItemCollectionMetrics string
}

type batchWrite struct {
	PutRequest    *struct{ Item Item }
	DeleteRequest *struct{ Key Item }
}

type batchWriteAnswer struct {
	UnprocessedItems map[string][]batchWrite
	ConsumedCapacity []capacity `json:",omitempty"`
}

// batchWriteItem writes all items or none. AWS writes them one by one, so callers must not
// rely on it.
func (s *Service) batchWriteItem(_ context.Context, in *batchWriteRequest) (*batchWriteAnswer, error) {
	if err := checkReturnConsumedCapacity(in.ReturnConsumedCapacity); err != nil {
		return nil, err
	}
	actions, err := s.newBatchWrites(in.RequestItems)
	if err != nil {
		return nil, err
	}
	var answer *batchWriteAnswer
	err = s.env.DB.Update(func(tx *store.Tx) error {
		effects, err := s.decideAll(tx, actions, "Provided list of item keys contains duplicates")
		if err != nil {
			return err
		}
		tables, units := consumed(effects, 1)
		answer = &batchWriteAnswer{UnprocessedItems: map[string][]batchWrite{}}
		for _, name := range tables {
			if c := capacityOf(in.ReturnConsumedCapacity, name, units[name]); c != nil {
				answer.ConsumedCapacity = append(answer.ConsumedCapacity, *c)
			}
		}
		return applyAll(tx, effects)
	})
	return answer, err
}

func (s *Service) newBatchWrites(requested map[string][]batchWrite) ([]*action, error) {
	total := 0
	for _, writes := range requested {
		total += len(writes)
	}
	switch {
	case len(requested) == 0:
		return nil, violated("requestItems", "{}", "Member must have length greater than or equal to 1")
	case total > maxBatchWrites:
		return nil, invalid("Too many items requested for the BatchWriteItem call")
	}
	var actions []*action
	for _, given := range slices.Sorted(maps.Keys(requested)) {
		table, err := s.tableName("requestItems", given)
		if err != nil {
			return nil, err
		}
		if len(requested[given]) == 0 {
			return nil, violated(fmt.Sprintf("requestItems.%s.member", given), "[]", "Member must have length greater than or equal to 1")
		}
		for _, w := range requested[given] {
			a, err := w.action(table)
			if err != nil {
				return nil, err
			}
			actions = append(actions, a)
		}
	}
	return actions, nil
}

func (w batchWrite) action(table string) (*action, error) {
	switch {
	case w.PutRequest != nil && w.DeleteRequest != nil:
		return nil, invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
	case w.PutRequest != nil:
		return newPut(table, w.PutRequest.Item, &bound{})
	case w.DeleteRequest != nil:
		return newKeyed(deleteVerb, table, w.DeleteRequest.Key, &bound{})
	}
	return nil, invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
}

// decideAll checks and decides unconditional actions. duplicate is the error for two on one
// item.
func (s *Service) decideAll(tx *store.Tx, actions []*action, duplicate string) ([]*effect, error) {
	effects := make([]*effect, len(actions))
	seen := map[string]bool{}
	for i, a := range actions {
		t, err := s.tables.find(tx, a.table)
		if err != nil {
			return nil, err
		}
		if a.verb == putVerb && !t.hasKeys(a.item) {
			return nil, errKeyMismatch
		}
		if err := a.check(t); err != nil {
			return nil, err
		}
		id := t.ID + string(a.place(t))
		if seen[id] {
			return nil, invalid("%s", duplicate)
		}
		seen[id] = true
		if effects[i], err = a.decide(tx, t); err != nil {
			return nil, err
		}
	}
	return effects, nil
}

func applyAll(tx *store.Tx, effects []*effect) error {
	for _, e := range effects {
		if err := e.apply(tx); err != nil {
			return err
		}
	}
	return nil
}

// consumed returns write units by table, times factor, and the tables in order.
func consumed(effects []*effect, factor float64) (tables []string, units map[string]float64) {
	units = map[string]float64{}
	for _, e := range effects {
		if _, ok := units[e.table.Name]; !ok {
			tables = append(tables, e.table.Name)
		}
		units[e.table.Name] += factor * writeUnits(e.old.size(), e.next.size())
	}
	return tables, units
}
