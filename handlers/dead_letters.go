package handlers

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// failureTTL is how long the count of a message's failures is kept after the last one.
const failureTTL = 30 * 24 * time.Hour

// DeadLetter is a message that was given up, with all that is needed to look into it
// and to replay it.
type DeadLetter struct {
	// MessageID is the event's id; SQS's where the event could not be read.
	MessageID string             `dynamodbav:"message_id"`
	Queue     string             `dynamodbav:"queue"`
	Type      string             `dynamodbav:"type"`
	Subject   portal.Stream      `dynamodbav:"subject"`
	Operation portal.OperationID `dynamodbav:"operation"`
	Body      []byte             `dynamodbav:"body"`
	// Class says why in one word: unreadable, unknown_type, invalid, failed, panic, redriven.
	Class    string    `dynamodbav:"class"`
	Error    string    `dynamodbav:"error"`
	Attempts int       `dynamodbav:"attempts"`
	First    time.Time `dynamodbav:"first"`
	Last     time.Time `dynamodbav:"last"`
	// ReplayedAt is when it was last sent again, Replays how often; zero if never since it
	// was buried.
	ReplayedAt time.Time `dynamodbav:"replayed_at"`
	Replays    int       `dynamodbav:"replays"`
}

type failureTable interface {
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
}

type deadLetterJournal interface {
	facts
	Write(ctx context.Context, rows ...journal.Row) error
}

// DeadLetters counts failures and keeps what was given up, as rows.
type DeadLetters struct {
	Journal deadLetterJournal
	Tables  failureTable
	Records string
	Sender  sender
	Now     func() time.Time
}

// Failed counts one more failure of a message and returns how many there were since
// when. A second delivery is a second failure.
func (d DeadLetters) Failed(ctx context.Context, message string, at time.Time) (count int, first time.Time, err error) {
	row := failureRow(message)
	out, err := d.Tables.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &d.Records,
		Key: map[string]types.AttributeValue{
			"pk": &types.AttributeValueMemberS{Value: row.PK}, "sk": &types.AttributeValueMemberS{Value: row.SK},
		},
		UpdateExpression:         aws.String("SET #first = if_not_exists(#first, :at), expires_at = :expires ADD #count :one"),
		ExpressionAttributeNames: map[string]string{"#first": "first", "#count": "count"},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":at":      &types.AttributeValueMemberS{Value: at.UTC().Format(time.RFC3339Nano)},
			":expires": &types.AttributeValueMemberN{Value: strconv.FormatInt(at.Add(failureTTL).Unix(), 10)},
			":one":     &types.AttributeValueMemberN{Value: "1"},
		},
		ReturnValues: types.ReturnValueAllNew,
	})
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("counting a failure of %s: %w", message, err)
	}
	var counted struct {
		Count int       `dynamodbav:"count"`
		First time.Time `dynamodbav:"first"`
	}
	if err := attributevalue.UnmarshalMap(out.Attributes, &counted); err != nil {
		return 0, time.Time{}, fmt.Errorf("decoding the failures of %s: %w", message, err)
	}
	return counted.Count, counted.First, nil
}

// Bury writes the dead letter. If it is a request that is still unhandled, the same
// transaction appends RequestFailed, so that whoever waits for it learns of it; that
// does not count as handled, so a replay is carried out. Of one that was handled and not
// acknowledged, what follows is sent again. Burying the same message again overwrites its
// row and tells again.
func (d DeadLetters) Bury(ctx context.Context, letter DeadLetter) error {
	rows := []journal.Row{
		{PK: letterPartition, SK: letter.MessageID, Value: letter},
		failureRow(letter.MessageID),
	}
	msg, err := events.Decode(letter.Body)
	if err != nil || !opensOperation(msg) {
		return d.Journal.Write(ctx, rows...)
	}
	for range maxRaces {
		history, err := d.Journal.Read(ctx, msg.Subject, 0)
		if err != nil {
			return err
		}
		// Handled already, if not to the end: what follows from it is sent once more.
		known := ledToBy(history, msg.ID)
		if len(known) == 0 {
			known = failuresOf(history, msg.ID)
		}
		if len(known) > 0 {
			if err := d.Journal.Write(ctx, rows...); err != nil {
				return err
			}
			return follow(ctx, known, d.Sender.Repeat)
		}
		failed := journal.Stamp(msg, "/gatehouse/deadletters", d.Now(), int64(len(history)), []events.Fact{
			events.RequestFailed{Ends: ends(msg.Operation), Class: letter.Class},
		})
		err = d.Journal.Append(ctx, msg.Subject, int64(len(history)), failed, rows...)
		if errors.Is(err, journal.ErrTaken) {
			continue
		}
		if err != nil {
			return err
		}
		return follow(ctx, failed, d.Sender.Send)
	}
	return &portal.Postponed{After: time.Second, Reason: "the stream is busy"}
}

// opensOperation tells a request of somebody's from a wake-up, a tick or a fact, and from
// nonsense about no stream of ours, whose dead letters are rows and nothing more.
func opensOperation(msg events.Event) bool {
	switch msg.Data.(type) {
	case events.ProvisionRequested, events.JobRequested:
		return false
	}
	_, request := msg.Data.(events.Request)
	_, account := msg.Subject.Account()
	return request && (account || msg.Subject == portal.CatalogStream)
}

func failuresOf(history []events.Event, request string) []events.Event {
	var found []events.Event
	for _, fact := range history {
		if _, failed := fact.Data.(events.RequestFailed); failed && fact.Causation == request {
			found = append(found, fact)
		}
	}
	return found
}

func failureRow(message string) journal.Row {
	return journal.Row{PK: "failure#" + message, SK: "failure"}
}
