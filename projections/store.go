package projections

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

type client interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
}

// Tables are the names of the tables that projections use.
type Tables struct {
	Views string
	// Records has the reveals of keys. The views can be rebuilt, this table cannot.
	Records string
}

type store struct {
	client      client
	tables      Tables
	generations *generations
}

func newStore(client client, tables Tables) store {
	return store{client: client, tables: tables, generations: newGenerations(client, tables.Views)}
}

func (s store) live(ctx context.Context) (schema.Generation, error) {
	now, err := s.generations.current(ctx)
	return now.Live, err
}

// get: found is false if there is no such row.
func (s store) get(ctx context.Context, table string, key schema.Key, value any) (found bool, err error) {
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &table, ConsistentRead: aws.Bool(true),
		Key: key.Attributes(),
	})
	if err != nil {
		return false, unavailable(err, "reading row "+key.PK)
	}
	if out.Item == nil {
		return false, nil
	}
	if err := attributevalue.UnmarshalMap(out.Item, value); err != nil {
		return false, fmt.Errorf("decoding row %s %s: %w", key.PK, key.SK, err)
	}
	return true, nil
}

func (s store) query(ctx context.Context, of schema.Range, visit func(sk string, item map[string]types.AttributeValue) error) error {
	pages := dynamodb.NewQueryPaginator(s.client, &dynamodb.QueryInput{
		TableName:                 &s.tables.Views,
		ConsistentRead:            aws.Bool(true),
		KeyConditionExpression:    of.Condition(),
		ExpressionAttributeValues: of.Values(),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return unavailable(err, "reading rows of "+of.PK)
		}
		for _, item := range page.Items {
			sk := schema.KeyOf(item).SK
			if err := visit(sk, item); err != nil {
				return fmt.Errorf("decoding row %s %s: %w", of.PK, sk, err)
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
