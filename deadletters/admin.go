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
	gets
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
}

type sender interface {
	SendAgain(ctx context.Context, messages ...events.Event) error
}

// Admin is for operators.
type Admin struct {
	Tables   tables
	Records  string
	Sender   sender
	Now      func() time.Time
	Operator string
}

// summary is all but the body, which may be large.
var summary = []string{
	"message_id", "queue", "consumer", "type", "subject", "operation", "body_hash", "class", "error", "attempts",
	"first", "first_ever", "last", "replays", "replayed_at", "settled", "settled_at",
	"discard",
}

// Each visits every letter, by id and without bodies. It returns visit's first error at once, and
// keeps no more than a page of a query in memory.
func (a Admin) Each(ctx context.Context, visit func(Letter) error) error {
	names := map[string]string{}
	for _, name := range summary {
		names["#"+name] = name // some of them are reserved words
	}
	return a.each(ctx, &dynamodb.QueryInput{
		ProjectionExpression:     aws.String("#" + strings.Join(summary, ", #")),
		ExpressionAttributeNames: names,
	}, visit)
}

// EachWhole is Each with bodies.
func (a Admin) EachWhole(ctx context.Context, choice Choice, visit func(Letter) error) error {
	return a.each(ctx, &dynamodb.QueryInput{}, func(l Letter) (err error) {
		if !choice.Chooses(l) {
			return nil
		}
		if l.BodyHash != "" {
			if l.Body, err = a.body(ctx, l.BodyHash); err != nil {
				return fmt.Errorf("reading dead letter %s: %w", l.ID, err)
			}
		}
		return visit(l)
	})
}

func (a Admin) each(ctx context.Context, in *dynamodb.QueryInput, visit func(Letter) error) error {
	in.TableName, in.ConsistentRead = &a.Records, aws.Bool(true)
	in.KeyConditionExpression, in.ExpressionAttributeValues = schema.DeadLetters().Condition(), schema.DeadLetters().Values()
	pages := dynamodb.NewQueryPaginator(a.Tables, in)
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

// Find returns a letter with its body, or NotFound.
func (a Admin) Find(ctx context.Context, id string) (Letter, error) {
	letter, err := a.row(ctx, id)
	if err != nil || letter.BodyHash == "" {
		return letter, err
	}
	if letter.Body, err = a.body(ctx, letter.BodyHash); err != nil {
		return Letter{}, fmt.Errorf("reading dead letter %s: %w", letter.ID, err)
	}
	return letter, nil
}

func (a Admin) row(ctx context.Context, id string) (Letter, error) {
	return row(ctx, a.Tables, a.Records, id)
}

func row(ctx context.Context, tables gets, records, id string) (Letter, error) {
	id = keyOf(id)
	out, err := tables.GetItem(ctx, &dynamodb.GetItemInput{TableName: &records, Key: schema.DeadLetter(id).Attributes(), ConsistentRead: aws.Bool(true)})
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

// Replay sends a letter returned by Find to its queue again, with the same operation id and
// intent, and records it. It never undoes a newer request of the same person. Replaying twice
// is harmless. Without a Message it returns Message's error. State tells later whether a
// worker handled the replay.
func (a Admin) Replay(ctx context.Context, letter Letter) error {
	msg, err := letter.Message()
	if err != nil {
		return err
	}
	now := a.Now()
	msg.Replay = letter.Replays + 1
	if err := a.Sender.SendAgain(ctx, msg); err != nil {
		return fmt.Errorf("replaying %s: %w", letter.ID, err)
	}
	_, err = a.Tables.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &a.Records, Key: schema.DeadLetter(letter.ID).Attributes(),
		// The letter may have been buried again, or its row may have expired.
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
