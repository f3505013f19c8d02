package catalog

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

type requestTable interface {
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
}

// Requests keeps the requests that wait for the next run, in the records table.
type Requests struct {
	db    requestTable
	table string
}

// NewRequests returns the Requests in the records table.
func NewRequests(db requestTable, records string) *Requests {
	return &Requests{db: db, table: records}
}

// Add keeps a request. Adding it again changes nothing.
func (q *Requests) Add(ctx context.Context, request events.Event) error {
	body, err := events.Encode(request)
	if err != nil {
		return fmt.Errorf("keeping request %s: %w", request.ID, err)
	}
	item := schema.CatalogRequest(request.ID).Attributes()
	item["event"] = schema.Text(string(body))
	_, err = q.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &q.table, Item: item})
	return doing("keeping request "+request.ID, err)
}

// All lists the requests, oldest first.
func (q *Requests) All(ctx context.Context) ([]events.Event, error) {
	pages := dynamodb.NewQueryPaginator(q.db, &dynamodb.QueryInput{
		TableName: &q.table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression: schema.CatalogRequests().Condition(), ExpressionAttributeValues: schema.CatalogRequests().Values(),
	})
	var all []events.Event
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, doing("listing requests for the catalog", err)
		}
		for _, item := range page.Items {
			body, _ := item["event"].(*types.AttributeValueMemberS)
			if body == nil {
				continue
			}
			request, err := events.Decode([]byte(body.Value))
			if err != nil {
				zerolog.Ctx(ctx).Error().Err(err).Msg("a request for the catalog cannot be read and is passed over")
				continue
			}
			all = append(all, request)
		}
	}
	slices.SortStableFunc(all, func(a, b events.Event) int { return a.Time.Compare(b.Time) })
	return all, nil
}

// Remove deletes the requests with those ids.
func (q *Requests) Remove(ctx context.Context, ids ...string) error {
	for _, id := range ids {
		_, err := q.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &q.table, Key: schema.CatalogRequest(id).Attributes()})
		if err != nil {
			return doing("removing request "+id, err)
		}
	}
	return nil
}

func doing(what string, err error) error {
	if err == nil {
		return nil
	}
	return portal.Postpone("the records do not answer", fmt.Errorf("%s: %w", what, err))
}
