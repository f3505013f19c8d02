package dynamodb

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

type getItemRequest struct {
	TableName                string
	Key                      Item
	ProjectionExpression     *string
	ExpressionAttributeNames map[string]string
	ConsistentRead           bool
	ReturnConsumedCapacity   string
}

type getItemAnswer struct {
	Item             json.RawMessage `json:"-"`
	ConsumedCapacity *capacity       `json:",omitempty"`
}

// MarshalJSON keeps encoding/json from going over the item again.
func (a *getItemAnswer) MarshalJSON() ([]byte, error) {
	type rest getItemAnswer
	return withJSON("Item", a.Item, (*rest)(a))
}

type lookup struct {
	table string
	key   Item
	paths []path
	bound *bound
}

func (s *Service) newLookup(tableName string, key Item, projection *string, names map[string]string) (*lookup, error) {
	table, err := s.tableName("tableName", tableName)
	if err != nil {
		return nil, err
	}
	if key == nil {
		return nil, violated("key", nil, "Member must not be null")
	}
	if err := key.normalize(); err != nil {
		return nil, err
	}
	b, err := s.bind(placeholders{ExpressionAttributeNames: names}, expressionText{projectionKind, projection})
	if err != nil {
		return nil, err
	}
	return &lookup{table: table, key: key, paths: b.projection, bound: b}, nil
}

type target struct {
	table *table
	place []byte
}

func (t target) id() string { return t.table.ID + string(t.place) }

func (l *lookup) find(tx *store.Tx, tables *tableCache) (target, error) {
	t, err := tables.find(tx, l.table)
	if err != nil {
		return target{}, err
	}
	if err := l.bound.checkKeyPaths(t); err != nil {
		return target{}, err
	}
	if err := t.checkKey(l.key); err != nil {
		return target{}, err
	}
	return target{table: t, place: t.place(l.key)}, nil
}

// read returns the requested part of the item, or nil, and the whole item's size.
func (l *lookup) read(tx *store.Tx, at target) (found json.RawMessage, size int, err error) {
	rec := record(at.table.items(tx).Get(at.place))
	found, err = rec.projected(l.paths)
	return bytes.Clone(found), rec.size(), err
}

// getItem is always consistent.
func (s *Service) getItem(_ context.Context, in *getItemRequest) (*getItemAnswer, error) {
	if err := checkReturnConsumedCapacity(in.ReturnConsumedCapacity); err != nil {
		return nil, err
	}
	l, err := s.newLookup(in.TableName, in.Key, in.ProjectionExpression, in.ExpressionAttributeNames)
	if err != nil {
		return nil, err
	}
	answer := &getItemAnswer{}
	err = s.env.DB.View(func(tx *store.Tx) error {
		at, err := l.find(tx, s.tables)
		if err != nil {
			return err
		}
		found, size, err := l.read(tx, at)
		answer.Item = found
		answer.ConsumedCapacity = capacityOf(in.ReturnConsumedCapacity, l.table, readUnits(size, in.ConsistentRead))
		return err
	})
	return answer, err
}
