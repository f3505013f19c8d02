package projections

import (
	"context"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/portal"
)

type client interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
}

// Tables are the names of the tables that projections use.
type Tables struct {
	// Views holds what is shown and how far; all of it can be rebuilt from the journal.
	Views string
	// Records holds the reveals of keys, which are shown among an account's activity.
	Records string
}

// store reads and writes the rows of the views.
type store struct {
	client      client
	tables      Tables
	generations *generations
}

func newStore(client client, tables Tables) store {
	return store{client: client, tables: tables, generations: newGenerations(client, tables.Views)}
}

// live is the partition of what readers see.
func (s store) live(ctx context.Context, of string) (pk string, err error) {
	now, err := s.generations.current(ctx)
	return partition(now.Live, of), err
}

// get reads one row into value; found is false if there is none.
func (s store) get(ctx context.Context, table, pk, sk string, value any) (found bool, err error) {
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &table, ConsistentRead: aws.Bool(true),
		Key: map[string]types.AttributeValue{"pk": textValue(pk), "sk": textValue(sk)},
	})
	if err != nil {
		return false, unavailable(err, "reading row "+pk)
	}
	if out.Item == nil {
		return false, nil
	}
	if err := attributevalue.UnmarshalMap(out.Item, value); err != nil {
		return false, fmt.Errorf("decoding row %s %s: %w", pk, sk, err)
	}
	return true, nil
}

// query reads the rows of a partition whose sort key begins so, in order.
func (s store) query(ctx context.Context, pk, begins string, visit func(sk string, item map[string]types.AttributeValue) error) error {
	pages := dynamodb.NewQueryPaginator(s.client, &dynamodb.QueryInput{
		TableName:              &s.tables.Views,
		ConsistentRead:         aws.Bool(true),
		KeyConditionExpression: aws.String("pk = :pk AND begins_with(sk, :sk)"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":pk": textValue(pk), ":sk": textValue(begins),
		},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return unavailable(err, "reading rows of "+pk)
		}
		for _, item := range page.Items {
			sk, _ := item["sk"].(*types.AttributeValueMemberS)
			if err := visit(sk.Value, item); err != nil {
				return fmt.Errorf("decoding row %s %s: %w", pk, sk.Value, err)
			}
		}
	}
	return nil
}

func unavailable(err error, doing string) error {
	if err == nil {
		return nil
	}
	return portal.Postpone("the views do not answer", fmt.Errorf("%s: %w", doing, err))
}

func textValue(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func numberValue(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}
