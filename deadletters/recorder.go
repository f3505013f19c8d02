package deadletters

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// failureTTL counts from a message's last failure; closedTTL is for settled and discarded
// letters.
const (
	failureTTL = 30 * 24 * time.Hour
	closedTTL  = 30 * 24 * time.Hour
)

type requests interface {
	// Fail records a request's failure for its operation, in the transaction of the
	// rows. Without an operation, it writes only the rows.
	Fail(ctx context.Context, msg events.Event, class string, rows ...journal.Row) error
}

type records interface {
	Write(ctx context.Context, rows ...journal.Row) error
}

type updates interface {
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
}

// Recorder counts failures, buries letters and settles replays, for workers.
type Recorder struct {
	Requests requests
	Rows     records
	Tables   lettersOfWorkers
	Records  string
	Now      func() time.Time
}

type lettersOfWorkers interface {
	gets
	updates
}

// Failed counts one more failure under the key, and returns their number and the time of the
// first. A second delivery is a second failure.
func (r Recorder) Failed(ctx context.Context, key string, at time.Time) (count int, first time.Time, err error) {
	row := failureRow(key)
	out, err := r.Tables.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                &r.Records,
		Key:                      row.Attributes(),
		UpdateExpression:         aws.String("SET #first = if_not_exists(#first, :at), expires_at = :expires ADD #count :one"),
		ExpressionAttributeNames: map[string]string{"#first": "first", "#count": "count"},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":at": schema.Time(at), ":expires": schema.Expiry(at.Add(failureTTL)), ":one": schema.Number(1),
		},
		ReturnValues: types.ReturnValueAllNew,
	})
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("counting a failure of %s: %w", key, err)
	}
	var counted struct {
		Count int       `dynamodbav:"count"`
		First time.Time `dynamodbav:"first"`
	}
	if err := attributevalue.UnmarshalMap(out.Attributes, &counted); err != nil {
		return 0, time.Time{}, fmt.Errorf("decoding the failures of %s: %w", key, err)
	}
	return counted.Count, counted.First, nil
}

// Bury writes a message's letter, has the admins told of it, and removes its failure count, in the
// transaction that records the failure for the operation. If that panics or can never work, because
// the stream is unreadable or lacks the message, Bury leaves out the operation. Burying a message again
// overwrites its letter and opens it again. The letter of a replay keeps when the message first failed.
func (r Recorder) Bury(ctx context.Context, report Report) error {
	msg, unreadable := events.Decode(report.Body)
	letter := Letter{Report: report.trimmed(), Replays: msg.Replay}
	if msg.Replay > 0 {
		before, err := row(ctx, r.Tables, r.Records, letter.ID)
		if err != nil && portal.CodeOf(err) != portal.NotFound {
			return err
		}
		letter.FirstEver = before.Began()
	}
	rows := append(letter.rows(), failureRow(letter.FailureKey), journal.PutDue(letter.forAdmins()))
	if unreadable != nil {
		return r.Rows.Write(ctx, rows...)
	}
	err := portal.Guard(func() error { return r.Requests.Fail(ctx, msg, letter.Class, rows...) })()
	var never *journal.PermanentError
	stack := portal.StackOf(err)
	if stack == "" && !errors.As(err, &never) {
		return err
	}
	line := zerolog.Ctx(ctx).Error().Err(err).Str("letter", letter.ID)
	if stack != "" {
		line = line.Str("stack", stack)
	}
	line.Msg("nobody could be told that a message was given up")
	return r.Rows.Write(ctx, rows...)
}

// Settling wraps a handler: once it has handled a replay, the letter is settled. A second
// delivery settles it again.
func (r Recorder) Settling(handle func(context.Context, events.Event) error) func(context.Context, events.Event) error {
	return func(ctx context.Context, msg events.Event) error {
		if err := handle(ctx, msg); err != nil || msg.Replay == 0 {
			return err
		}
		return portal.Postpone("the records do not answer", r.settle(ctx, msg))
	}
}

func (r Recorder) settle(ctx context.Context, msg events.Event) error {
	now := r.Now()
	_, err := r.Tables.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &r.Records, Key: schema.DeadLetter(keyOf(msg.ID)).Attributes(),
		ConditionExpression: aws.String("attribute_exists(pk) AND settled < :replay"),
		UpdateExpression:    aws.String("SET settled = :replay, settled_at = :now, expires_at = :expires"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":replay": schema.Number(msg.Replay), ":now": schema.Time(now), ":expires": schema.Expiry(now.Add(closedTTL)),
		},
	})
	var moot *types.ConditionalCheckFailedException
	if err != nil && !errors.As(err, &moot) {
		return fmt.Errorf("settling dead letter %s: %w", msg.ID, err)
	}
	return nil
}

// forAdmins is the due row that has the admins told, as long as the letter is open.
func (l Letter) forAdmins() due.Row {
	stream := l.Subject
	if stream.Kind() == portal.KindUnknown {
		stream = portal.PortalStream
	}
	return due.OfAdminItem(stream, due.DeadLetter, l.ID, l.Last)
}

func failureRow(key string) journal.Row {
	return journal.Row{Key: schema.Failure(keyOf(key))}
}
