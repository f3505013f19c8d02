package operations

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// MaxPerMinute is how many requests of one account are accepted in a minute.
const MaxPerMinute = 120

var errCondition = errors.New("the condition does not hold")

type client interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
}

// rows keeps operation rows and the counters of accounts in the records table.
type rows struct {
	client client
	table  string
}

// operationRow is what is written down of a request: enough to hand it on again.
type operationRow struct {
	ID          portal.OperationID `dynamodbav:"id"`
	Account     portal.AccountID   `dynamodbav:"account"`
	Type        string             `dynamodbav:"type"`
	Hash        string             `dynamodbav:"hash"`
	Body        string             `dynamodbav:"body"`
	Intent      portal.Intent      `dynamodbav:"intent"`
	Correlation string             `dynamodbav:"correlation"`
	CreatedAt   time.Time          `dynamodbav:"created_at"`
}

func (r operationRow) operation(now projections.Progress) Operation {
	if now.UpdatedAt.IsZero() {
		now.UpdatedAt = r.CreatedAt
	}
	var about struct {
		Plan portal.PlanID `json:"plan"`
	}
	_ = json.Unmarshal([]byte(r.Body), &about) // a request without a plan is about none
	return Operation{ID: r.ID, Account: r.Account, Type: events.Name(r.Type), CreatedAt: r.CreatedAt, Plan: about.Plan, Progress: now}
}

func operationKey(id portal.OperationID) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: "operation#" + string(id)},
		"sk": &types.AttributeValueMemberS{Value: "operation"},
	}
}

func (r rows) find(ctx context.Context, id portal.OperationID) (row operationRow, found bool, err error) {
	out, err := r.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &r.table, Key: operationKey(id), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return row, false, fmt.Errorf("reading operation %s: %w", id, err)
	}
	if out.Item == nil {
		return row, false, nil
	}
	row, err = decodeOperation(id, out.Item)
	return row, true, err
}

func decodeOperation(id portal.OperationID, item map[string]types.AttributeValue) (row operationRow, err error) {
	if err := attributevalue.UnmarshalMap(item, &row); err != nil {
		return row, fmt.Errorf("decoding operation %s: %w", id, err)
	}
	return row, nil
}

// insert writes a new row; if there is one under that id it returns that instead.
func (r rows) insert(ctx context.Context, row operationRow) (known operationRow, isNew bool, err error) {
	item, err := attributevalue.MarshalMap(row)
	if err != nil {
		return known, false, fmt.Errorf("encoding operation %s: %w", row.ID, err)
	}
	for name, value := range operationKey(row.ID) {
		item[name] = value
	}
	_, err = r.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &r.table, Item: item, ConditionExpression: aws.String("attribute_not_exists(pk)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var exists *types.ConditionalCheckFailedException
	if errors.As(err, &exists) {
		known, err = decodeOperation(row.ID, exists.Item)
		return known, false, err
	}
	if err != nil {
		return known, false, fmt.Errorf("writing operation %s: %w", row.ID, err)
	}
	return row, true, nil
}

// nextIntent draws the account's next intent number and counts the request against the
// account's minute, in one write: within the running minute while there is room, else by
// beginning a new one.
func (r rows) nextIntent(ctx context.Context, account portal.AccountID, now time.Time) (portal.Intent, error) {
	minute := strconv.FormatInt(now.Unix()/60, 10)
	intent, err := r.count(ctx, account,
		"SET #minute = :minute, #count = :one ADD #intent :one",
		"attribute_not_exists(#minute) OR #minute < :minute",
		map[string]string{":minute": minute, ":one": "1"})
	if !errors.Is(err, errCondition) {
		return intent, err
	}
	intent, err = r.count(ctx, account,
		"ADD #intent :one, #count :one",
		"#minute >= :minute AND #count < :most",
		map[string]string{":minute": minute, ":one": "1", ":most": strconv.Itoa(MaxPerMinute)})
	if errors.Is(err, errCondition) {
		return 0, portal.Fail(portal.TooManyRequests, fmt.Sprintf("More than %d requests in a minute. Wait a minute, then go on.", MaxPerMinute))
	}
	return intent, err
}

// count updates the counters; errCondition if the condition does not hold.
func (r rows) count(ctx context.Context, account portal.AccountID, update, condition string, numbers map[string]string) (portal.Intent, error) {
	values := make(map[string]types.AttributeValue, len(numbers))
	for name, n := range numbers {
		values[name] = &types.AttributeValueMemberN{Value: n}
	}
	out, err := r.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &r.table,
		Key: map[string]types.AttributeValue{
			"pk": &types.AttributeValueMemberS{Value: "account#" + string(account)},
			"sk": &types.AttributeValueMemberS{Value: "intent"},
		},
		UpdateExpression:    &update,
		ConditionExpression: &condition,
		ExpressionAttributeNames: map[string]string{
			"#minute": "minute", "#count": "count", "#intent": "intent",
		},
		ExpressionAttributeValues: values,
		ReturnValues:              types.ReturnValueUpdatedNew,
	})
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		return 0, errCondition
	}
	if err != nil {
		return 0, fmt.Errorf("drawing an intent number for %s: %w", account, err)
	}
	var drawn struct {
		Intent portal.Intent `dynamodbav:"intent"`
	}
	if err := attributevalue.UnmarshalMap(out.Attributes, &drawn); err != nil {
		return 0, fmt.Errorf("decoding the intent number of %s: %w", account, err)
	}
	return drawn.Intent, nil
}
