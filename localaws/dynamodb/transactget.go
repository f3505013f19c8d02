package dynamodb

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

type transactGetRequest struct {
	TransactItems          []struct{ Get *transactGet }
	ReturnConsumedCapacity string
}

type transactGet struct {
	TableName                string
	Key                      Item
	ProjectionExpression     *string
	ExpressionAttributeNames map[string]string
}

type transactGetAnswer struct {
	Responses        []itemResponse
	ConsumedCapacity []capacity `json:",omitempty"`
}

// itemResponse is empty for a missing item.
type itemResponse struct {
	Item json.RawMessage `json:",omitzero"`
}

func (s *Service) transactGetItems(_ context.Context, in *transactGetRequest) (*transactGetAnswer, error) {
	lookups, err := s.newTransactLookups(in)
	if err != nil {
		return nil, err
	}
	var answer *transactGetAnswer
	err = s.env.DB.View(func(tx *store.Tx) error {
		answer, err = s.readTransaction(tx, lookups, in.ReturnConsumedCapacity)
		return err
	})
	return answer, err
}

func (s *Service) newTransactLookups(in *transactGetRequest) ([]*lookup, error) {
	if err := checkReturnConsumedCapacity(in.ReturnConsumedCapacity); err != nil {
		return nil, err
	}
	switch count := len(in.TransactItems); {
	case in.TransactItems == nil:
		return nil, violated("transactItems", nil, "Member must not be null")
	case count == 0:
		return nil, violated("transactItems", "[]", "Member must have length greater than or equal to 1")
	case count > maxTransactActions:
		return nil, invalid("1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have length less than or equal to %d", maxTransactActions)
	}
	lookups := make([]*lookup, len(in.TransactItems))
	for i, wanted := range in.TransactItems {
		if wanted.Get == nil {
			return nil, violated(fmt.Sprintf("transactItems.%d.member.get", i+1), nil, "Member must not be null")
		}
		var err error
		g := wanted.Get
		if lookups[i], err = s.newLookup(g.TableName, g.Key, g.ProjectionExpression, g.ExpressionAttributeNames); err != nil {
			return nil, err
		}
	}
	return lookups, nil
}

func (s *Service) readTransaction(tx *store.Tx, lookups []*lookup, returnCapacity string) (*transactGetAnswer, error) {
	targets, err := s.transactionTargets(tx, lookups)
	if err != nil {
		return nil, err
	}
	answer := &transactGetAnswer{Responses: make([]itemResponse, len(lookups))}
	var tables []string
	units := map[string]float64{}
	for i, l := range lookups {
		found, size, err := l.read(tx, targets[i])
		if err != nil {
			return nil, err
		}
		answer.Responses[i].Item = found
		if _, ok := units[l.table]; !ok {
			tables = append(tables, l.table)
		}
		units[l.table] += 2 * readUnits(size, true)
	}
	answer.ConsumedCapacity = transactionCapacity(returnCapacity, tables, units, false)
	return answer, nil
}

func (s *Service) transactionTargets(tx *store.Tx, lookups []*lookup) ([]target, error) {
	targets := make([]target, len(lookups))
	seen := map[string]bool{}
	for i, l := range lookups {
		at, err := l.find(tx, s.tables)
		switch {
		case isInvalid(err):
			reasons := make(cancellation, len(lookups))
			reasons[i] = invalidReason(err)
			return nil, reasons.err()
		case err != nil:
			return nil, err
		case seen[at.id()]:
			return nil, invalid("Transaction request cannot include multiple operations on one item")
		}
		seen[at.id()] = true
		targets[i] = at
	}
	return targets, nil
}
