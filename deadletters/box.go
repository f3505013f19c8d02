package deadletters

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

type tables interface {
	updates
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
}

type sender interface {
	Repeat(ctx context.Context, messages ...events.Event) error
}

// Box is where operators find letters, replay them and discard them.
type Box struct {
	Tables tables
	// Records is the name of the table.
	Records string
	Sender  sender
	Now     func() time.Time
	// Operator is who uses the box; it is recorded with what they discard.
	Operator string
}

// summary are the attributes that Each reads: all but the body, which may be large.
var summary = []string{
	"message_id", "queue", "consumer", "type", "subject", "operation", "body_hash", "class", "error", "attempts",
	"first", "last", "replays", "replayed_at", "settled", "settled_at",
	"discard",
}

// Each calls visit for every letter, without its body and in the order of the ids, until
// visit returns an error, which it returns.
func (b Box) Each(ctx context.Context, visit func(Letter) error) error {
	names := map[string]string{}
	for _, name := range summary {
		names["#"+name] = name // some of them are reserved words
	}
	pages := dynamodb.NewQueryPaginator(b.Tables, &dynamodb.QueryInput{
		TableName:                 &b.Records,
		ConsistentRead:            aws.Bool(true),
		KeyConditionExpression:    schema.DeadLetters().Condition(),
		ExpressionAttributeValues: schema.DeadLetters().Values(),
		ProjectionExpression:      aws.String("#" + strings.Join(summary, ", #")),
		ExpressionAttributeNames:  names,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("reading dead letters: %w", err)
		}
		for _, item := range page.Items {
			var letter Letter
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

// Find reads one letter, whole; an unknown one is NotFound.
func (b Box) Find(ctx context.Context, id string) (Letter, error) {
	letter, err := b.row(ctx, id)
	if err != nil || letter.BodyHash == "" {
		return letter, err
	}
	if letter.Body, err = b.body(ctx, letter.BodyHash); err != nil {
		return Letter{}, fmt.Errorf("reading dead letter %s: %w", letter.ID, err)
	}
	return letter, nil
}

// row reads the letter's own row, which has the body only if it is small.
func (b Box) row(ctx context.Context, id string) (Letter, error) {
	id = keyOf(id)
	out, err := b.Tables.GetItem(ctx, &dynamodb.GetItemInput{TableName: &b.Records, Key: schema.DeadLetter(id).Attributes(), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return Letter{}, fmt.Errorf("reading dead letter %s: %w", id, err)
	}
	if out.Item == nil {
		return Letter{}, portal.Fail(portal.NotFound, "There is no dead letter "+id+".")
	}
	var letter Letter
	if err := attributevalue.UnmarshalMap(out.Item, &letter); err != nil {
		return Letter{}, fmt.Errorf("decoding dead letter %s: %w", id, err)
	}
	return letter, nil
}

// Replay sends a letter that Find returned to its queue again, under the same operation
// id and intent and with a deduplication id of its own, and notes that in its row. What
// was asked newer has won by then: a replay never undoes it. Replaying again is harmless;
// a letter without a Message is refused. Whether the replay was handled tells its State.
func (b Box) Replay(ctx context.Context, letter Letter) error {
	msg, err := letter.Message()
	if err != nil {
		return err
	}
	now := b.Now()
	msg.Replay = letter.Replays + 1
	if err := b.Sender.Repeat(ctx, msg); err != nil {
		return fmt.Errorf("replaying %s: %w", letter.ID, err)
	}
	_, err = b.Tables.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &b.Records, Key: schema.DeadLetter(letter.ID).Attributes(),
		// It may have been buried again by now, and expired.
		ConditionExpression:       aws.String("replays < :replay"),
		UpdateExpression:          aws.String("SET replayed_at = :now, replays = :replay"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":now": schema.Time(now), ":replay": schema.Number(msg.Replay)},
	})
	var moot *types.ConditionalCheckFailedException
	if err != nil && !errors.As(err, &moot) {
		return fmt.Errorf("noting that %s was replayed: %w", letter.ID, err)
	}
	return nil
}
