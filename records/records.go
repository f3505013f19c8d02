// Package records reads and writes rows of the records table. Package schema names the rows.
package records

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// Client is the part of DynamoDB that a Table needs.
type Client interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

// ErrRefused means that a condition of a write does not hold.
var ErrRefused = errors.New("a condition does not hold")

// Table is the records table. It is safe for concurrent use. If DynamoDB does not answer, the error is
// *portal.Postponed around a portal.Error with the code Unavailable: workers wait, and people are told
// to try again.
type Table struct {
	client Client
	name   string
}

// New returns the Table of that name.
func New(client Client, name string) Table { return Table{client: client, name: name} }

func unavailable(doing string, err error) error {
	if err == nil {
		return nil
	}
	return portal.Postpone("the records do not answer", &portal.Error{
		Code: portal.Unavailable, Message: "The portal cannot read or write its data right now. Try again in a moment.", Err: fmt.Errorf("%s: %w", doing, err),
	})
}

// Get reads a row consistently into a struct with dynamodbav tags; found is false if there is none.
func (t Table) Get(ctx context.Context, key schema.Key, into any) (found bool, err error) {
	out, err := t.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &t.name, Key: key.Attributes(), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return false, unavailable("reading row "+key.PK+" "+key.SK, err)
	}
	if len(out.Item) == 0 {
		return false, nil
	}
	if err := attributevalue.UnmarshalMap(out.Item, into); err != nil {
		return false, fmt.Errorf("decoding row %s %s: %w", key.PK, key.SK, err)
	}
	return true, nil
}

// Select chooses rows of a range. The zero value is all rows, newest first.
type Select struct {
	// From and To bound the rest of the sort keys after the range's beginning, both inclusive; "" is
	// no bound.
	From, To string
	// Before is the sort key after which the list goes on, "" at first.
	Before string
	// Limit is how many rows one request to DynamoDB reads; 0 is as many as fit.
	Limit       int
	OldestFirst bool
}

// last sorts after every id.
const last = "~"

// Each visits rows of a range, read consistently, until visit returns false.
func (t Table) Each(ctx context.Context, of schema.Range, chosen Select, visit func(key schema.Key, row map[string]types.AttributeValue) (more bool, err error)) error {
	in := &dynamodb.QueryInput{
		TableName: &t.name, ConsistentRead: aws.Bool(true), ScanIndexForward: aws.Bool(chosen.OldestFirst),
		KeyConditionExpression: of.Condition(), ExpressionAttributeValues: of.Values(),
	}
	if chosen.From != "" || chosen.To != "" {
		to := chosen.To
		if to == "" {
			to = last
		}
		in.KeyConditionExpression = aws.String("pk = :pk AND sk BETWEEN :from AND :to")
		in.ExpressionAttributeValues = map[string]types.AttributeValue{
			":pk": schema.Text(of.PK), ":from": schema.Text(of.Begins + chosen.From), ":to": schema.Text(of.Begins + to),
		}
		if of.Begins+chosen.From == "" { // DynamoDB refuses an empty bound
			in.KeyConditionExpression = aws.String("pk = :pk AND sk <= :to")
			delete(in.ExpressionAttributeValues, ":from")
		}
	}
	if chosen.Before != "" {
		in.ExclusiveStartKey = schema.Key{PK: of.PK, SK: chosen.Before}.Attributes()
	}
	if chosen.Limit > 0 {
		in.Limit = aws.Int32(int32(min(chosen.Limit, 1000)))
	}
	pages := dynamodb.NewQueryPaginator(t.client, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return unavailable("listing "+of.PK, err)
		}
		for _, row := range page.Items {
			more, err := visit(schema.KeyOf(row), row)
			if err != nil {
				return fmt.Errorf("decoding a row of %s: %w", of.PK, err)
			}
			if !more {
				return nil
			}
		}
	}
	return nil
}

// Decode appends a row to a list.
func Decode[T any](row map[string]types.AttributeValue, list *[]T) error {
	var one T
	err := attributevalue.UnmarshalMap(row, &one)
	*list = append(*list, one)
	return err
}

// DecodeReadable appends a row to a list. A row that this version cannot read, perhaps a newer one's, is
// logged and left out, so that it does not hide the others.
func DecodeReadable[T any](ctx context.Context, key schema.Key, row map[string]types.AttributeValue, list *[]T) {
	var one T
	if err := attributevalue.UnmarshalMap(row, &one); err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Str("partition", key.PK).Str("row", key.SK).Msg("a row cannot be read, and is left out")
		return
	}
	*list = append(*list, one)
}

// Transact carries out all writes or none. The error is ErrRefused if a condition does not hold.
func (t Table) Transact(ctx context.Context, doing string, writes ...Write) error {
	items := make([]types.TransactWriteItem, 0, len(writes))
	for _, w := range writes {
		item, err := w.item(t.name)
		if err != nil {
			return err
		}
		items = append(items, item)
	}
	_, err := t.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: items})
	var canceled *types.TransactionCanceledException
	if errors.As(err, &canceled) {
		for _, reason := range canceled.CancellationReasons {
			if aws.ToString(reason.Code) == "ConditionalCheckFailed" {
				return ErrRefused
			}
		}
	}
	return unavailable(doing, err)
}
