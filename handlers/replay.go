package handlers

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// letterTable is what reading and marking dead letters needs.
type letterTable interface {
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
}

// LetterBox is where operators find dead letters and replay them.
type LetterBox struct {
	Tables  letterTable
	Records string
	Sender  sender
	Now     func() time.Time
}

// Each calls visit for every dead letter, by message id, until visit returns an error,
// which it returns.
func (b LetterBox) Each(ctx context.Context, visit func(DeadLetter) error) error {
	pages := dynamodb.NewQueryPaginator(b.Tables, &dynamodb.QueryInput{
		TableName:                 &b.Records,
		ConsistentRead:            aws.Bool(true),
		KeyConditionExpression:    aws.String("pk = :letters"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":letters": &types.AttributeValueMemberS{Value: letterPartition}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("reading dead letters: %w", err)
		}
		for _, item := range page.Items {
			var letter DeadLetter
			if err := attributevalue.UnmarshalMap(item, &letter); err != nil {
				return fmt.Errorf("decoding a dead letter: %w", err)
			}
			if err := visit(letter); err != nil {
				return err
			}
		}
	}
	return nil
}

// Find reads one dead letter; an unknown one is NotFound.
func (b LetterBox) Find(ctx context.Context, id string) (DeadLetter, error) {
	out, err := b.Tables.GetItem(ctx, &dynamodb.GetItemInput{TableName: &b.Records, Key: letterKey(id), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return DeadLetter{}, fmt.Errorf("reading dead letter %s: %w", id, err)
	}
	if out.Item == nil {
		return DeadLetter{}, portal.Fail(portal.NotFound, "There is no dead letter "+id+".")
	}
	var letter DeadLetter
	if err := attributevalue.UnmarshalMap(out.Item, &letter); err != nil {
		return DeadLetter{}, fmt.Errorf("decoding dead letter %s: %w", id, err)
	}
	return letter, nil
}

// Replay sends a dead letter to its queue again, under the same operation id and intent
// and with a deduplication id of its own, and marks the row. What was asked newer has won
// by then: a replay never undoes it. Replaying again is harmless; a letter that cannot be
// read is refused.
func (b LetterBox) Replay(ctx context.Context, letter DeadLetter) error {
	msg, err := events.Decode(letter.Body)
	if err != nil {
		return fmt.Errorf("replaying %s: %w", letter.MessageID, err)
	}
	if err := b.Sender.Repeat(ctx, msg); err != nil {
		return fmt.Errorf("replaying %s: %w", letter.MessageID, err)
	}
	_, err = b.Tables.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &b.Records, Key: letterKey(letter.MessageID),
		UpdateExpression: aws.String("SET replayed_at = :now ADD replays :one"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":now": &types.AttributeValueMemberS{Value: b.Now().UTC().Format(time.RFC3339Nano)},
			":one": &types.AttributeValueMemberN{Value: strconv.Itoa(1)},
		},
	})
	if err != nil {
		return fmt.Errorf("marking %s as replayed: %w", letter.MessageID, err)
	}
	return nil
}

const letterPartition = "deadletter"

func letterKey(id string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: letterPartition},
		"sk": &types.AttributeValueMemberS{Value: id},
	}
}
