package dynamodb

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// ReturnItemCollectionMetrics has no effect: AWS returns metrics only with local secondary
// indexes.
type writeOptions struct {
	TableName                           string
	ConditionExpression                 *string
	ReturnValues                        string
	ReturnConsumedCapacity              string
	ReturnItemCollectionMetrics         string
	ReturnValuesOnConditionCheckFailure string
	placeholders
}

type putItemRequest struct {
	Item Item
	writeOptions
}

type deleteItemRequest struct {
	Key Item
	writeOptions
}

type updateItemRequest struct {
	Key              Item
	UpdateExpression *string
	writeOptions
}

type writeAnswer struct {
	Attributes       json.RawMessage `json:",omitzero"`
	ConsumedCapacity *capacity       `json:",omitempty"`
}

func (s *Service) putItem(_ context.Context, in *putItemRequest) (*writeAnswer, error) {
	table, err := s.checkWrite(&in.writeOptions, putVerb)
	if err != nil {
		return nil, err
	}
	b, err := s.bind(in.placeholders, expressionText{conditionKind, in.ConditionExpression})
	if err != nil {
		return nil, err
	}
	a, err := newPut(table, in.Item, b)
	if err != nil {
		return nil, err
	}
	return s.write(a, &in.writeOptions)
}

func (s *Service) deleteItem(_ context.Context, in *deleteItemRequest) (*writeAnswer, error) {
	table, err := s.checkWrite(&in.writeOptions, deleteVerb)
	if err != nil {
		return nil, err
	}
	b, err := s.bind(in.placeholders, expressionText{conditionKind, in.ConditionExpression})
	if err != nil {
		return nil, err
	}
	a, err := newKeyed(deleteVerb, table, in.Key, b)
	if err != nil {
		return nil, err
	}
	return s.write(a, &in.writeOptions)
}

func (s *Service) updateItem(_ context.Context, in *updateItemRequest) (*writeAnswer, error) {
	table, err := s.checkWrite(&in.writeOptions, updateVerb)
	if err != nil {
		return nil, err
	}
	b, err := s.bind(in.placeholders, expressionText{updateKind, in.UpdateExpression}, expressionText{conditionKind, in.ConditionExpression})
	if err != nil {
		return nil, err
	}
	a, err := newKeyed(updateVerb, table, in.Key, b)
	if err != nil {
		return nil, err
	}
	return s.write(a, &in.writeOptions)
}

// checkWrite validates a write's options and returns the table's name. Only an update can return more
// than the old item.
func (s *Service) checkWrite(in *writeOptions, v verb) (table string, err error) {
	if table, err = s.tableName("tableName", in.TableName); err != nil {
		return "", err
	}
	if err := checkEnum("returnValues", in.ReturnValues, "ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"); err != nil {
		return "", err
	}
	if err := checkReturnConsumedCapacity(in.ReturnConsumedCapacity); err != nil {
		return "", err
	}
	if err := checkEnum("returnItemCollectionMetrics", in.ReturnItemCollectionMetrics, "SIZE", "NONE"); err != nil {
		return "", err
	}
	if err := checkEnum("returnValuesOnConditionCheckFailure", in.ReturnValuesOnConditionCheckFailure, "ALL_OLD", "NONE"); err != nil {
		return "", err
	}
	if v != updateVerb && !slices.Contains([]string{"", "ALL_OLD", "NONE"}, in.ReturnValues) {
		return "", invalid("ReturnValues can only be ALL_OLD or NONE")
	}
	return table, nil
}

func (s *Service) write(a *action, in *writeOptions) (*writeAnswer, error) {
	var answer *writeAnswer
	err := s.env.DB.Update(func(tx *store.Tx) error {
		t, err := s.tables.find(tx, a.table)
		if err != nil {
			return err
		}
		if err := a.check(t); err != nil {
			return err
		}
		e, err := a.decide(tx, t)
		if err != nil {
			return err
		}
		if e.failed {
			return conditionFailed(e, in.ReturnValuesOnConditionCheckFailure)
		}
		if answer, err = e.answer(in); err != nil {
			return err
		}
		return e.apply(tx)
	})
	return answer, err
}

func conditionFailed(e *effect, returned string) error {
	failure := wire.Errorf("ConditionalCheckFailedException", conditionFailedText)
	if returned == "ALL_OLD" && e.old != nil {
		failure.Fields = map[string]any{"Item": e.old.json()}
	}
	return failure
}

func (e *effect) answer(in *writeOptions) (*writeAnswer, error) {
	answer := &writeAnswer{
		ConsumedCapacity: capacityOf(in.ReturnConsumedCapacity, e.table.Name, writeUnits(e.old.size(), e.next.size())),
	}
	switch in.ReturnValues {
	case "ALL_OLD":
		answer.Attributes = e.old.json()
	case "ALL_NEW":
		answer.Attributes = e.next.json()
	case "UPDATED_OLD":
		old, err := e.old.item()
		if err != nil {
			return nil, err
		}
		answer.setUpdated(old, e.action.bound.update)
	case "UPDATED_NEW":
		answer.setUpdated(e.item, e.action.bound.update)
	}
	return answer, nil
}

func (a *writeAnswer) setUpdated(it Item, update []change) {
	if len(update) == 0 {
		return
	}
	paths := make([]path, len(update))
	for i, c := range update {
		paths[i] = c.path
	}
	if part := it.project(paths); len(part) > 0 {
		a.Attributes = part.appendJSON(nil)
	}
}
