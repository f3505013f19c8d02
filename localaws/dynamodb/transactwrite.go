package dynamodb

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

const (
	maxTransactActions = 100
	maxTransactSize    = 4 << 20
)

type transactWriteRequest struct {
	TransactItems               []transactWrite
	ClientRequestToken          string
	ReturnConsumedCapacity      string
	ReturnItemCollectionMetrics string
}

// transactWrite has exactly one member set.
type transactWrite struct {
	Put            *transactAction
	Update         *transactAction
	Delete         *transactAction
	ConditionCheck *transactAction
}

type transactAction struct {
	TableName                           string
	Item                                Item    // Put
	Key                                 Item    // the others
	UpdateExpression                    *string // Update
	ConditionExpression                 *string
	ReturnValuesOnConditionCheckFailure string
	placeholders
}

type transactWriteAnswer struct {
	ConsumedCapacity []capacity `json:",omitempty"`
}

// transactWriteItems executes all actions or none. If the transaction was completed with
// this token in the last ten minutes, it does nothing and succeeds.
func (s *Service) transactWriteItems(_ context.Context, in *transactWriteRequest) (*transactWriteAnswer, error) {
	token := newToken(in) // before the numbers are normalized
	actions, err := s.newTransaction(in)
	if err != nil {
		return nil, err
	}
	now := s.env.Now()
	var answer *transactWriteAnswer
	err = s.env.DB.Update(func(tx *store.Tx) error {
		answer = &transactWriteAnswer{}
		done, err := token.isDone(tx, now)
		if done || err != nil {
			return err
		}
		effects, err := s.decideTransaction(tx, actions)
		if err != nil {
			return err
		}
		tables, units := consumed(effects, 2)
		answer.ConsumedCapacity = transactionCapacity(in.ReturnConsumedCapacity, tables, units, true)
		if err := applyAll(tx, effects); err != nil {
			return err
		}
		return token.setDone(tx, now)
	})
	return answer, err
}

func (s *Service) newTransaction(in *transactWriteRequest) ([]*action, error) {
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
	case len(in.ClientRequestToken) > maxToken:
		return nil, violated("clientRequestToken", in.ClientRequestToken, fmt.Sprintf("Member must have length less than or equal to %d", maxToken))
	}
	size := 0
	actions := make([]*action, len(in.TransactItems))
	for i, w := range in.TransactItems {
		var err error
		if actions[i], err = s.newTransactAction(w, i); err != nil {
			return nil, err
		}
		size += actions[i].size()
	}
	if size > maxTransactSize {
		return nil, invalid("Transaction payload size cannot exceed 4 MB")
	}
	return actions, nil
}

// size counts what is sent, not the stored item.
func (a *action) size() int {
	return a.item.size() + a.key.size() + a.bound.values.size()
}

func (s *Service) newTransactAction(w transactWrite, index int) (*action, error) {
	type given struct {
		verb    verb
		content *transactAction
	}
	set := slices.DeleteFunc([]given{
		{putVerb, w.Put}, {updateVerb, w.Update}, {deleteVerb, w.Delete}, {checkVerb, w.ConditionCheck},
	}, func(g given) bool { return g.content == nil })
	if len(set) != 1 {
		return nil, invalid("TransactItems can only contain one of Check, Put, Update or Delete")
	}
	verb, in := set[0].verb, set[0].content
	at := fmt.Sprintf("transactItems.%d.member.%s%s.", index+1, strings.ToLower(string(verb[:1])), verb[1:])
	if err := in.checkMembers(verb, at); err != nil {
		return nil, err
	}
	table, err := s.tableName(at+"tableName", in.TableName)
	if err != nil {
		return nil, err
	}
	texts := []expressionText{{conditionKind, in.ConditionExpression}}
	if verb == updateVerb {
		texts = slices.Insert(texts, 0, expressionText{updateKind, in.UpdateExpression})
	}
	b, err := s.bind(in.placeholders, texts...)
	if err != nil {
		return nil, err
	}
	var a *action
	if verb == putVerb {
		a, err = newPut(table, in.Item, b)
	} else {
		a, err = newKeyed(verb, table, in.Key, b)
	}
	if err != nil {
		return nil, err
	}
	a.oldOnFailure = in.ReturnValuesOnConditionCheckFailure == "ALL_OLD"
	return a, nil
}

func (in *transactAction) checkMembers(v verb, at string) error {
	missing := func(member string) error { return violated(at+member, nil, "Member must not be null") }
	switch {
	case v == putVerb && in.Item == nil:
		return missing("item")
	case v != putVerb && in.Key == nil:
		return missing("key")
	case v == updateVerb && in.UpdateExpression == nil:
		return missing("updateExpression")
	case v == checkVerb && in.ConditionExpression == nil:
		return missing("conditionExpression")
	case v == putVerb && in.Key != nil:
		return wire.NotImplemented("The member Key of a Put")
	case v != putVerb && in.Item != nil:
		return wire.NotImplemented("The member Item of " + string(v))
	case v != updateVerb && in.UpdateExpression != nil:
		return wire.NotImplemented("The member UpdateExpression of " + string(v))
	}
	return checkEnum(at+"returnValuesOnConditionCheckFailure", in.ReturnValuesOnConditionCheckFailure, "ALL_OLD", "NONE")
}

// decideTransaction returns the reasons of all failed actions as an error. Like AWS, it
// checks all keys, up to the first wrong one, before any condition. An empty key is an
// error without reasons.
func (s *Service) decideTransaction(tx *store.Tx, actions []*action) ([]*effect, error) {
	tables := make([]*table, len(actions))
	for i, a := range actions {
		var err error
		if tables[i], err = s.tables.find(tx, a.table); err != nil {
			return nil, err
		}
	}
	for i, a := range actions {
		if err := tables[i].checkNotEmpty(a); err != nil {
			return nil, err
		}
	}
	reasons := make(cancellation, len(actions))
	seen := map[string]bool{}
	for i, a := range actions {
		if err := a.check(tables[i]); err != nil {
			reasons[i] = invalidReason(err)
			return nil, reasons.err()
		}
		id := tables[i].ID + string(a.place(tables[i]))
		if seen[id] {
			return nil, invalid("Transaction request cannot include multiple operations on one item")
		}
		seen[id] = true
	}
	effects := make([]*effect, len(actions))
	for i, a := range actions {
		e, err := a.decide(tx, tables[i])
		switch {
		case isInvalid(err):
			reasons[i] = invalidReason(err)
		case err != nil:
			return nil, err
		case e.failed:
			reasons[i] = failedReason(e)
		}
		effects[i] = e
	}
	return effects, reasons.err()
}
