// Package members keeps what the portal knows about its people beside the journal: settings,
// feedback, invitations, and who was promoted to admin, with an audit of what admins have done. It
// also deletes all of that with an account. Its rows are in the records table, and hold personal data;
// facts do not.
package members

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

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

type client interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

// Store holds the rows. It is safe for concurrent use. If the table does not answer, the error is
// portal.Unavailable.
type Store struct {
	client  client
	records string
	now     func() time.Time
	admins  adminCache
}

// NewStore returns a Store in the table named records.
func NewStore(client client, records string, now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	return &Store{client: client, records: records, now: now}
}

func unavailable(doing string, err error) error {
	if err == nil {
		return nil
	}
	return &portal.Error{Code: portal.Unavailable, Message: "The portal cannot read or write its data right now. Try again in a moment.", Err: fmt.Errorf("%s: %w", doing, err)}
}

func (s *Store) get(ctx context.Context, key schema.Key, into any) (found bool, err error) {
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.records, Key: key.Attributes(), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return false, unavailable("reading row "+key.PK, err)
	}
	if out.Item == nil {
		return false, nil
	}
	if err := attributevalue.UnmarshalMap(out.Item, into); err != nil {
		return false, fmt.Errorf("decoding row %s %s: %w", key.PK, key.SK, err)
	}
	return true, nil
}

// rows visits the rows of a range whose sort keys come before a text, newest first, at most limit; ""
// and 0 do not restrict them. visit returns false to stop.
func (s *Store) rows(ctx context.Context, of schema.Range, before string, limit int32, visit func(key schema.Key, item map[string]types.AttributeValue) (bool, error)) error {
	in := &dynamodb.QueryInput{
		TableName: &s.records, ConsistentRead: aws.Bool(true), ScanIndexForward: aws.Bool(false),
		KeyConditionExpression: of.Condition(), ExpressionAttributeValues: of.Values(),
	}
	if before != "" {
		in.ExclusiveStartKey = schema.Key{PK: of.PK, SK: before}.Attributes()
	}
	if limit > 0 {
		in.Limit = &limit
	}
	pages := dynamodb.NewQueryPaginator(s.client, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return unavailable("listing "+of.PK, err)
		}
		for _, item := range page.Items {
			more, err := visit(schema.KeyOf(item), item)
			if err != nil || !more {
				return err
			}
		}
	}
	return nil
}

func (s *Store) remove(ctx context.Context, key schema.Key) error {
	_, err := s.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &s.records, Key: key.Attributes()})
	return unavailable("deleting row "+key.PK, err)
}

// write is one write of a transaction.
type write struct {
	key schema.Key
	// value is what is put, with dynamodbav tags; nil deletes, and check only checks.
	value     any
	check     bool
	expires   time.Time
	condition string
}

// errRefused: a condition does not hold.
var errRefused = errors.New("a condition does not hold")

func (s *Store) transact(ctx context.Context, doing string, writes ...write) error {
	items := make([]types.TransactWriteItem, 0, len(writes))
	for _, w := range writes {
		item, err := s.item(w)
		if err != nil {
			return err
		}
		items = append(items, item)
	}
	_, err := s.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: items})
	var canceled *types.TransactionCanceledException
	if errors.As(err, &canceled) {
		for _, reason := range canceled.CancellationReasons {
			if aws.ToString(reason.Code) == "ConditionalCheckFailed" {
				return errRefused
			}
		}
	}
	return unavailable(doing, err)
}

func (s *Store) item(w write) (types.TransactWriteItem, error) {
	condition := &w.condition
	if w.condition == "" {
		condition = nil
	}
	switch {
	case w.check:
		return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{TableName: &s.records, Key: w.key.Attributes(), ConditionExpression: condition}}, nil
	case w.value == nil:
		return types.TransactWriteItem{Delete: &types.Delete{TableName: &s.records, Key: w.key.Attributes(), ConditionExpression: condition}}, nil
	}
	item, err := attributevalue.MarshalMap(w.value)
	if err != nil {
		return types.TransactWriteItem{}, fmt.Errorf("encoding row %s %s: %w", w.key.PK, w.key.SK, err)
	}
	maps.Copy(item, w.key.Attributes())
	if !w.expires.IsZero() {
		item[schema.TTL] = schema.Expiry(w.expires)
	}
	return types.TransactWriteItem{Put: &types.Put{TableName: &s.records, Item: item, ConditionExpression: condition}}, nil
}

// ofAPerson is the part of a transaction that fails once the account is erased, so that nothing is
// written about a person after that.
func ofAPerson(account portal.AccountID) write {
	return write{key: schema.Person(account), check: true, condition: "attribute_exists(pk)"}
}

// gone explains errRefused to the owner of an account that was erased.
func gone(err error) error {
	if errors.Is(err, errRefused) {
		return portal.Fail(portal.Unauthorized, "This account was deleted a moment ago. Sign in again to open a new one.")
	}
	return err
}
