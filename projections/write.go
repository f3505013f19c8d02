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

const parallelWrites = 8

// errRaced: nothing was written, because another writer changed, deleted or is writing one of the
// rows.
var errRaced = errors.New("another writer changes the same rows")

// together writes the rows in order, in as few transactions as possible. It stops at the first
// failure: errRaced if another writer changed its rows.
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

// togetherIfFew is together for rows that may be shown already. More facts than one append can
// hold are errRaced.
func (s store) togetherIfFew(ctx context.Context, list []row) error {
	if last := list[len(list)-1]; last.seq-last.from > journal.MaxFacts {
		return errRaced
	}
	return s.together(ctx, list)
}

// commit writes one row without a transaction, at half the price. The SDK gives a transaction a
// token, so its own retry after a lost answer succeeds.
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

// oneByOne writes each row unless a newer one is there, kind by kind. If the stored checkpoint is
// gone it sets none, so the next message starts at the first fact.
func (s store) oneByOne(ctx context.Context, list []row) error {
	for kind := viewRows; kind <= checkpointRow; kind++ {
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(parallelWrites)
		for _, r := range list {
			if r.kind == kind {
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
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
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

func plainly(put *types.Put) *dynamodb.PutItemInput {
	return &dynamodb.PutItemInput{
		TableName: put.TableName, Item: put.Item,
		ConditionExpression: put.ConditionExpression, ExpressionAttributeValues: put.ExpressionAttributeValues,
	}
}

// isRaced reports whether another writer was first or is writing now. TransactionInProgress is
// our own transaction, after a lost answer.
func isRaced(err error) bool {
	var inProgress *types.TransactionInProgressException
	return errors.As(err, &inProgress) || journal.LostRace(err)
}
