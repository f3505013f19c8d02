package notices

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

type client interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

// Store holds notices, deliveries, webhooks and settings in the records table. It is safe for
// concurrent use.
type Store struct {
	client  client
	records string
}

// NewStore returns a Store in the table named records.
func NewStore(client client, records string) *Store { return &Store{client: client, records: records} }

// errChanged: a row is not as the condition wants it, such as new, or as it was read.
var errChanged = errors.New("the row has changed")

func item(key schema.Key, value any, expires time.Time) (map[string]types.AttributeValue, error) {
	out, err := attributevalue.MarshalMap(value)
	if err != nil {
		return nil, fmt.Errorf("encoding row %s %s: %w", key.PK, key.SK, err)
	}
	maps.Copy(out, key.Attributes())
	if !expires.IsZero() {
		out[schema.TTL] = schema.Expiry(expires)
	}
	return out, nil
}

// put is a write of a transaction; condition "" has none.
func (s *Store) put(key schema.Key, value any, expires time.Time, condition string) (types.TransactWriteItem, error) {
	row, err := item(key, value, expires)
	if err != nil {
		return types.TransactWriteItem{}, err
	}
	put := &types.Put{TableName: &s.records, Item: row}
	if condition != "" {
		put.ConditionExpression = &condition
	}
	return types.TransactWriteItem{Put: put}, nil
}

// ofAPerson is the part of a transaction that fails once the account's personal data is erased, so
// that nothing is written about a person after that.
func (s *Store) ofAPerson(account portal.AccountID) types.TransactWriteItem {
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &s.records, Key: schema.Person(account).Attributes(), ConditionExpression: aws.String("attribute_exists(pk)"),
	}}
}

func errErased() error {
	return portal.Fail(portal.Unauthorized, "This account was deleted a moment ago, or your token names no e-mail address. Sign in again.")
}

func (s *Store) putDue(row due.Row) (types.TransactWriteItem, error) {
	return s.put(row.Place(), row, time.Time{}, "")
}

func (s *Store) transact(ctx context.Context, doing string, writes ...types.TransactWriteItem) error {
	_, err := s.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: writes})
	return outcome(doing, err)
}

// outcome names a failed condition errChanged. Anything else may succeed later.
func outcome(doing string, err error) error {
	var failed *types.ConditionalCheckFailedException
	var canceled *types.TransactionCanceledException
	switch {
	case err == nil:
		return nil
	case errors.As(err, &failed):
		return errChanged
	case errors.As(err, &canceled):
		for _, reason := range canceled.CancellationReasons {
			if aws.ToString(reason.Code) == "ConditionalCheckFailed" {
				return errChanged
			}
		}
	}
	return unavailable(fmt.Errorf("%s: %w", doing, err))
}

func unavailable(err error) error { return portal.Postpone("the records do not answer", err) }

// get reads a row; found is false if there is none, or if it has expired.
func (s *Store) get(ctx context.Context, key schema.Key, into any) (found bool, err error) {
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.records, Key: key.Attributes(), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return false, unavailable(fmt.Errorf("reading row %s %s: %w", key.PK, key.SK, err))
	}
	if len(out.Item) == 0 {
		return false, nil
	}
	if err := attributevalue.UnmarshalMap(out.Item, into); err != nil {
		return false, fmt.Errorf("decoding row %s %s: %w", key.PK, key.SK, err)
	}
	return true, nil
}

// list visits the rows of a range whose sort keys lie between two texts after its beginning, at
// most limit (0 is all), newest first.
func (s *Store) list(ctx context.Context, of schema.Range, from, to string, limit int, visit func(map[string]types.AttributeValue) error) error {
	in := &dynamodb.QueryInput{
		TableName: &s.records, ConsistentRead: aws.Bool(true), ScanIndexForward: aws.Bool(false),
		KeyConditionExpression: aws.String("pk = :pk AND sk BETWEEN :from AND :to"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":pk": schema.Text(of.PK), ":from": schema.Text(of.Begins + from), ":to": schema.Text(of.Begins + to),
		},
	}
	if limit > 0 {
		in.Limit = aws.Int32(int32(min(limit, 1000)))
	}
	seen := 0
	pages := dynamodb.NewQueryPaginator(s.client, in)
	for pages.HasMorePages() && (limit == 0 || seen < limit) {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return unavailable(fmt.Errorf("reading rows of %s: %w", of.PK, err))
		}
		for _, row := range page.Items {
			if seen++; limit > 0 && seen > limit {
				break
			}
			if err := visit(row); err != nil {
				return fmt.Errorf("decoding a row of %s: %w", of.PK, err)
			}
		}
	}
	return nil
}

// last sorts after every id.
const last = "~"

func decodeInto[T any](list *[]T) func(map[string]types.AttributeValue) error {
	return func(row map[string]types.AttributeValue) error {
		var one T
		if err := attributevalue.UnmarshalMap(row, &one); err != nil {
			return err
		}
		*list = append(*list, one)
		return nil
	}
}
