package operations

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/schema"
)

type client interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

type rows struct {
	client  client
	table   string
	maxOpen int
}

type operationRow struct {
	ID          portal.OperationID `dynamodbav:"id"`
	Actor       portal.Actor       `dynamodbav:"actor"`
	Operator    string             `dynamodbav:"operator,omitempty"`
	Subject     portal.Stream      `dynamodbav:"subject"`
	Type        string             `dynamodbav:"type"`
	Hash        string             `dynamodbav:"hash"`
	Body        string             `dynamodbav:"body"`
	Intent      portal.Intent      `dynamodbav:"intent"`
	Correlation string             `dynamodbav:"correlation"`
	// TraceParent names the span that accepted the request, if any; see events.Event.
	TraceParent string    `dynamodbav:"traceparent,omitempty"`
	CreatedAt   time.Time `dynamodbav:"created_at"`
	// PublishedAt is when the request was last published, or the zero time if that failed.
	PublishedAt time.Time `dynamodbav:"handed_at"`
}

func (r operationRow) operation(now projections.Progress) Operation {
	if now.UpdatedAt.IsZero() {
		now.UpdatedAt = r.CreatedAt
	}
	var about struct {
		Plan portal.PlanID `json:"plan"`
		At   *time.Time    `json:"at"`
		Keep bool          `json:"keep"`
	}
	_ = json.Unmarshal([]byte(r.Body), &about) // a request without a plan is about none
	operation := Operation{
		ID: r.ID, Actor: r.Actor, Subject: r.Subject, Type: events.Name(r.Type), CreatedAt: r.CreatedAt, Plan: about.Plan, Progress: now,
	}
	operation.EndsKey = r.Type == events.KeyEndRequested{}.EventType() && about.At == nil && !about.Keep
	return operation
}

func (r rows) find(ctx context.Context, id portal.OperationID) (row operationRow, found bool, err error) {
	out, err := r.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &r.table, Key: schema.Operation(id).Attributes(), ConsistentRead: aws.Bool(true),
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

// insert writes a new row, its entry in the actor's list, the due row that publishes the request
// again, and the audit's row of an admin's request. If the row exists, insert returns it instead.
// After an error the rows may exist all the same, unless the error is notWritten.
func (r rows) insert(ctx context.Context, row operationRow) (known operationRow, isNew bool, err error) {
	writes, err := r.newOperation(row)
	if err != nil {
		return known, false, err
	}
	for range insertTries {
		_, err = r.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: writes})
		var canceled *types.TransactionCanceledException
		if !errors.As(err, &canceled) || len(canceled.CancellationReasons) == 0 {
			break
		}
		if first := canceled.CancellationReasons[0]; aws.ToString(first.Code) == "ConditionalCheckFailed" {
			known, err = decodeOperation(row.ID, first.Item)
			return known, false, err
		}
		// The same request was written at the same time; the next try finds its row.
		if !slices.ContainsFunc(canceled.CancellationReasons, func(reason types.CancellationReason) bool {
			return aws.ToString(reason.Code) == "TransactionConflict"
		}) {
			break
		}
	}
	if err != nil {
		return known, false, fmt.Errorf("writing operation %s: %w", row.ID, err)
	}
	return row, true, nil
}

// notWritten: DynamoDB cancelled the transaction of insert. Any other error may follow an earlier
// try that succeeded without an answer, since the SDK reports only its last try. All tries carry
// one token, so a retry of a successful one is never cancelled.
func notWritten(err error) bool {
	var cancelled *types.TransactionCanceledException
	return errors.As(err, &cancelled)
}

func (r rows) newOperation(row operationRow) ([]types.TransactWriteItem, error) {
	again := due.OfOperation(row.Subject, row.ID, row.CreatedAt)
	type part struct {
		key   schema.Key
		value any
	}
	parts := []part{
		{schema.Operation(row.ID), row},
		{again.Place(), again},
		{schema.ListedOperation(row.Actor, row.CreatedAt, row.ID), listRow{
			ID: row.ID, Expires: row.CreatedAt.Add(listedFor).Unix(),
		}},
	}
	if key, entry, ok := row.entry(); ok {
		parts = append(parts, part{key, entry})
	}
	var writes []types.TransactWriteItem
	for _, part := range parts {
		item, err := attributevalue.MarshalMap(part.value)
		if err != nil {
			return nil, fmt.Errorf("encoding operation %s: %w", row.ID, err)
		}
		maps.Copy(item, part.key.Attributes())
		writes = append(writes, types.TransactWriteItem{Put: &types.Put{TableName: &r.table, Item: item}})
	}
	writes[0].Put.ConditionExpression = aws.String("attribute_not_exists(pk)")
	writes[0].Put.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	return writes, nil
}

// takeTurn records that the request is published now. mine is false if another process did so
// first.
func (r rows) takeTurn(ctx context.Context, row operationRow, now time.Time) (mine bool, err error) {
	_, err = r.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &r.table, Key: schema.Operation(row.ID).Attributes(),
		UpdateExpression: aws.String("SET handed_at = :now"), ConditionExpression: aws.String("handed_at = :last"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":now": schema.Time(now), ":last": schema.Time(row.PublishedAt)},
	})
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("recording that operation %s is sent: %w", row.ID, err)
	}
	return true, nil
}

func (r rows) notPublished(ctx context.Context, row operationRow) error {
	_, err := r.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &r.table, Key: schema.Operation(row.ID).Attributes(), UpdateExpression: aws.String("SET handed_at = :never"),
		ConditionExpression:       aws.String("attribute_exists(pk)"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":never": schema.Time(time.Time{})},
	})
	var failed *types.ConditionalCheckFailedException
	if err != nil && !errors.As(err, &failed) {
		return fmt.Errorf("recording that operation %s was not sent: %w", row.ID, err)
	}
	return nil
}

const insertTries = 8

const listedFor = 90 * 24 * time.Hour

type listRow struct {
	ID      portal.OperationID `dynamodbav:"id"`
	Expires int64              `dynamodbav:"expires_at"`
}

func (r rows) latest(ctx context.Context, actor portal.Actor, limit int32) ([]portal.OperationID, error) {
	list := schema.OperationList(actor)
	out, err := r.client.Query(ctx, &dynamodb.QueryInput{
		TableName: &r.table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression: list.Condition(), ExpressionAttributeValues: list.Values(),
		ScanIndexForward: aws.Bool(false), Limit: &limit,
	})
	if err != nil {
		return nil, fmt.Errorf("listing the operations of %s: %w", actor, err)
	}
	var ids []portal.OperationID
	for _, item := range out.Items {
		var row listRow
		if err := attributevalue.UnmarshalMap(item, &row); err != nil {
			return nil, fmt.Errorf("decoding an operation of %s: %w", actor, err)
		}
		ids = append(ids, row.ID)
	}
	return ids, nil
}

func (r rows) each(ctx context.Context, actor portal.Actor, visit func(portal.OperationID) error) error {
	list := schema.OperationList(actor)
	pages := dynamodb.NewQueryPaginator(r.client, &dynamodb.QueryInput{
		TableName: &r.table, ConsistentRead: aws.Bool(true), ScanIndexForward: aws.Bool(false),
		KeyConditionExpression: list.Condition(), ExpressionAttributeValues: list.Values(),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return unavailable("The operations could not be read right now. Try again in a moment.", err)
		}
		for _, item := range page.Items {
			var row listRow
			if err := attributevalue.UnmarshalMap(item, &row); err != nil {
				return fmt.Errorf("decoding an operation of %s: %w", actor, err)
			}
			if err := visit(row.ID); err != nil {
				return err
			}
		}
	}
	return nil
}
