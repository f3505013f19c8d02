package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

type database interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

// table is a DynamoDB table. Its errors are Unavailable, so that a failed lookup is not taken
// for a missing item.
type table struct {
	db   database
	name string
}

func (t table) find(ctx context.Context, key schema.Key) (item, error) {
	out, err := t.db.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &t.name, Key: key.Attributes(), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return nil, t.unavailable("reading", key.SK, err)
	}
	return out.Item, nil
}

func (t table) put(ctx context.Context, it item) error {
	_, err := t.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &t.name, Item: it})
	return t.unavailable("writing", it.text(schema.SK), err)
}

type write struct {
	table         string
	put           item
	delete, check schema.Key
	condition     string
	values        item
}

func (w write) item() types.TransactWriteItem {
	condition, values := &w.condition, map[string]types.AttributeValue(w.values)
	if w.condition == "" {
		condition = nil
	}
	switch {
	case w.put != nil:
		return types.TransactWriteItem{Put: &types.Put{TableName: &w.table, Item: w.put, ConditionExpression: condition, ExpressionAttributeValues: values}}
	case w.delete != (schema.Key{}):
		return types.TransactWriteItem{Delete: &types.Delete{TableName: &w.table, Key: w.delete.Attributes(), ConditionExpression: condition, ExpressionAttributeValues: values}}
	}
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &w.table, Key: w.check.Attributes(), ConditionExpression: condition, ExpressionAttributeValues: values,
	}}
}

const transactTries = 4

// transact carries out all writes or none. It returns false if a condition does not hold.
func (t table) transact(ctx context.Context, doing string, writes []write) (bool, error) {
	items := make([]types.TransactWriteItem, len(writes))
	for i, w := range writes {
		items[i] = w.item()
	}
	var err error
	for range transactTries {
		_, err = t.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: items})
		var canceled *types.TransactionCanceledException
		if !errors.As(err, &canceled) {
			break
		}
		codes := map[string]bool{}
		for _, reason := range canceled.CancellationReasons {
			codes[aws.ToString(reason.Code)] = true
		}
		if codes["ConditionalCheckFailed"] {
			return false, nil
		}
		if !codes["TransactionConflict"] {
			break
		}
	}
	return err == nil, t.unavailable(doing, "of several tables", err)
}

func (t table) query(ctx context.Context, of schema.Range) ([]item, error) {
	var found []item
	pages := dynamodb.NewQueryPaginator(t.db, &dynamodb.QueryInput{
		TableName: &t.name, ConsistentRead: aws.Bool(true),
		KeyConditionExpression: of.Condition(), ExpressionAttributeValues: of.Values(),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, t.unavailable("listing", of.PK, err)
		}
		for _, it := range page.Items {
			found = append(found, it)
		}
	}
	return found, nil
}

func (t table) remove(ctx context.Context, key schema.Key) (item, error) {
	out, err := t.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &t.name, Key: key.Attributes(), ReturnValues: types.ReturnValueAllOld,
	})
	if err != nil {
		return nil, t.unavailable("removing", key.SK, err)
	}
	return out.Attributes, nil
}

// strip removes two attributes of an item, if it has the first. Of concurrent callers only one
// gets true.
func (t table) strip(ctx context.Context, key schema.Key, first, second string) (bool, error) {
	_, err := t.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &t.name, Key: key.Attributes(),
		ConditionExpression:      aws.String("attribute_exists(#first)"),
		UpdateExpression:         aws.String("REMOVE #first, #second"),
		ExpressionAttributeNames: map[string]string{"#first": first, "#second": second},
	})
	return t.condition("stripping", key.SK, err)
}

func (t table) extend(ctx context.Context, key schema.Key, expires, seen time.Time) error {
	_, err := t.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &t.name, Key: key.Attributes(),
		ConditionExpression:       aws.String("attribute_exists(pk)"),
		UpdateExpression:          aws.String("SET expires_at = :expires, seen_at = :seen"),
		ExpressionAttributeValues: item{":expires": epoch(expires), ":seen": epoch(seen)},
	})
	_, err = t.condition("extending", key.SK, err)
	return err
}

func (t table) set(ctx context.Context, key schema.Key, attribute, value string) error {
	_, err := t.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &t.name, Key: key.Attributes(), ConditionExpression: aws.String("attribute_exists(pk)"),
		UpdateExpression: aws.String("SET #name = :value"), ExpressionAttributeNames: map[string]string{"#name": attribute},
		ExpressionAttributeValues: item{":value": text(value)},
	})
	_, err = t.condition("changing", key.SK, err)
	return err
}

func (t table) condition(doing, sk string, err error) (bool, error) {
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		return false, nil
	}
	return err == nil, t.unavailable(doing, sk, err)
}

func (t table) unavailable(doing, sk string, err error) error {
	if err == nil {
		return nil
	}
	return &portal.Error{
		Code:    portal.Unavailable,
		Message: "We cannot look up who you are right now. Try again in a moment.",
		Err:     fmt.Errorf("%s item %s of table %s: %w", doing, sk, t.name, err),
	}
}

type item map[string]types.AttributeValue

func newItem(key schema.Key) item { return key.Attributes() }

func text(value string) types.AttributeValue { return schema.Text(value) }

func epoch(t time.Time) types.AttributeValue { return schema.Expiry(t) }

func texts(values []string) types.AttributeValue {
	list := make([]types.AttributeValue, 0, len(values))
	for _, value := range values {
		list = append(list, text(value))
	}
	return &types.AttributeValueMemberL{Value: list}
}

func (it item) text(name string) string {
	if s, ok := it[name].(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

func (it item) texts(name string) []string {
	list, _ := it[name].(*types.AttributeValueMemberL)
	if list == nil {
		return nil
	}
	var values []string
	for _, v := range list.Value {
		if s, ok := v.(*types.AttributeValueMemberS); ok {
			values = append(values, s.Value)
		}
	}
	return values
}

func (it item) time(name string) (at time.Time, ok bool) {
	n, ok := it[name].(*types.AttributeValueMemberN)
	if !ok {
		return time.Time{}, false
	}
	seconds, err := strconv.ParseInt(n.Value, 10, 64)
	return time.Unix(seconds, 0), err == nil
}

// DynamoDB deletes expired items days late. An item without an expiry counts as expired.
func (it item) expired(now time.Time) bool {
	at, ok := it.time(schema.TTL)
	return !ok || now.Unix() >= at.Unix()
}

const secretLength = 43

func newSecret() string {
	var bits [32]byte
	_, _ = rand.Read(bits[:]) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(bits[:])
}

// hash needs no salt or stretching, since a secret has 256 random bits.
func hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
