package projections

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// parallelWrites bounds how many rows of one stream are written at once.
const parallelWrites = 8

// errRaced says that nothing of a transaction was written, since one of its rows is not
// what it was held for: somebody has written a newer one, is writing it, or deleted it.
var errRaced = errors.New("somebody else writes the same rows")

// together writes the rows, which must be in order, in as few transactions as they fit
// into: usually one. It stops at the first that was not written, with errRaced if rows
// had moved.
func (s store) together(ctx context.Context, list []row) error {
	puts, err := s.puts(list)
	if err != nil {
		return err
	}
	for _, part := range parts(puts) {
		err := s.commit(ctx, part)
		if isRaced(err) {
			return fmt.Errorf("writing rows of %s: %w", list[0].key.PK, errRaced)
		}
		if err != nil {
			return unavailable(err, "writing rows of "+list[0].key.PK)
		}
	}
	return nil
}

// togetherIfFew is together for rows that may be shown already. If they are of more facts
// than are decided at once, it is errRaced.
func (s store) togetherIfFew(ctx context.Context, list []row) error {
	if last := list[len(list)-1]; last.seq-last.from > journal.MaxFacts {
		return errRaced
	}
	return s.together(ctx, list)
}

// commit writes one row plainly (half the price of a transaction), several in a
// transaction. The SDK gives that a token of its own, so that its retry after a lost
// answer succeeds.
func (s store) commit(ctx context.Context, puts []*types.Put) error {
	if len(puts) == 1 {
		_, err := s.client.PutItem(ctx, plainly(puts[0]))
		return err
	}
	items := make([]types.TransactWriteItem, len(puts))
	for i, put := range puts {
		items[i].Put = put
	}
	_, err := s.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: items})
	return err
}

// oneByOne writes each of the rows, which must be in order, unless a newer one is there,
// and each wave after the one before. A checkpoint that is no longer there is not set:
// the next message then begins at the first fact.
func (s store) oneByOne(ctx context.Context, list []row) error {
	for wave := viewRows; wave <= checkpointRow; wave++ {
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(parallelWrites)
		for _, r := range list {
			if r.wave == wave {
				group.Go(portal.Guard(func() error { return s.put(ctx, r) }))
			}
		}
		if err := group.Wait(); err != nil {
			return err
		}
	}
	return nil
}

func (s store) put(ctx context.Context, r row) error {
	put, err := s.guarded(r)
	if err != nil {
		return err
	}
	_, err = s.client.PutItem(ctx, plainly(put))
	var refused *types.ConditionalCheckFailedException
	if errors.As(err, &refused) {
		return nil
	}
	return unavailable(err, "writing row "+r.key.PK)
}

func (s store) puts(list []row) ([]*types.Put, error) {
	puts := make([]*types.Put, len(list))
	for i, r := range list {
		var err error
		if puts[i], err = s.guarded(r); err != nil {
			return nil, err
		}
	}
	return puts, nil
}

// guarded is the row as a write that fails where its guard does not hold.
func (s store) guarded(r row) (*types.Put, error) {
	item, err := attributevalue.MarshalMap(r.value)
	if err != nil {
		return nil, fmt.Errorf("encoding row %s %s: %w", r.key.PK, r.key.SK, err)
	}
	maps.Copy(item, r.key.Attributes())
	item["seq"] = schema.Number(r.seq)
	condition, values := r.guard()
	return &types.Put{TableName: &s.tables.Views, Item: item, ConditionExpression: &condition, ExpressionAttributeValues: values}, nil
}

// plainly is the same write outside a transaction.
func plainly(put *types.Put) *dynamodb.PutItemInput {
	return &dynamodb.PutItemInput{
		TableName: put.TableName, Item: put.Item,
		ConditionExpression: put.ConditionExpression, ExpressionAttributeValues: put.ExpressionAttributeValues,
	}
}

// isRaced: somebody else wrote first or writes at this moment. A transaction that is in
// progress is our own, of an attempt whose answer was lost.
func isRaced(err error) bool {
	var inProgress *types.TransactionInProgressException
	return errors.As(err, &inProgress) || journal.LostRace(err)
}
