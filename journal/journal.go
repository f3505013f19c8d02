// Package journal is the truth and the audit log: append-only streams of facts on
// DynamoDB, one per account and one for the catalog. A stream's next sequence
// number is free only once, and that is what makes deciding happen once. It knows
// nothing of what the facts mean.
package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// ErrTaken says that the next sequence number was taken by somebody else, or that
// a transaction beside this one touched the same items: reload and decide anew.
var ErrTaken = errors.New("the stream has moved on")

// PermanentError is an error that does not go away by trying again: what a stream holds cannot be
// read, or what was to be written can never stand there.
type PermanentError struct{ Err error }

func (u *PermanentError) Error() string { return u.Err.Error() }

func (u *PermanentError) Unwrap() error { return u.Err }

func permanent(format string, args ...any) error { return &PermanentError{fmt.Errorf(format, args...)} }

// MaxFacts bounds one append.
const MaxFacts = 25

type client interface {
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

// Journal reads and appends. It is safe for concurrent use.
type Journal struct {
	client  client
	table   string
	records string
}

// New returns a Journal on those two tables: facts go to the journal, the rows that
// ride in their transactions to the records.
func New(client client, table, records string) *Journal {
	return &Journal{client: client, table: table, records: records}
}

// Read returns the stream's facts after that sequence, in order, read consistently:
// what an Append acknowledged before is there. A stream nobody wrote to is empty. Facts
// of a type that only newer code knows come as events.Unknown. Failures of the table
// come as *portal.Postponed, what will never be readable as *PermanentError.
func (j *Journal) Read(ctx context.Context, stream portal.Stream, after int64) ([]events.Event, error) {
	facts, _, err := j.read(ctx, stream, after, 0)
	return facts, err
}

// ReadUpTo is Read of that many facts at most; more says that there may be more.
func (j *Journal) ReadUpTo(ctx context.Context, stream portal.Stream, after int64, most int) (facts []events.Event, more bool, err error) {
	return j.read(ctx, stream, after, most)
}

// read reads at most that many facts, or all if most is 0.
func (j *Journal) read(ctx context.Context, stream portal.Stream, after int64, most int) (facts []events.Event, more bool, err error) {
	in := &dynamodb.QueryInput{
		TableName:              &j.table,
		ConsistentRead:         aws.Bool(true),
		KeyConditionExpression: aws.String("pk = :stream AND sk > :after"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":stream": schema.Text(string(stream)),
			":after":  schema.Text(schema.Sequence(after)),
		},
	}
	if most > 0 {
		in.Limit = aws.Int32(int32(most))
	}
	pages := dynamodb.NewQueryPaginator(j.client, in)
	for pages.HasMorePages() && (most == 0 || len(facts) < most) {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, false, unavailable("reading "+string(stream), err)
		}
		for _, item := range page.Items {
			fact, err := events.DecodeRecorded([]byte(schema.TextOf(item["event"])))
			if err != nil {
				return nil, false, permanent("reading %s at %s: %w", stream, schema.KeyOf(item).SK, err)
			}
			facts = append(facts, fact)
		}
	}
	return facts, pages.HasMorePages(), nil
}

// Append adds the facts, which must carry the sequence numbers after+1, after+2, …,
// and writes the rows, all in one transaction. ErrTaken if the stream is not at
// after any more. A repeated call after a lost answer finds the number taken, by
// itself: the caller tells by the facts' causation. What can never be appended is *PermanentError.
func (j *Journal) Append(ctx context.Context, stream portal.Stream, after int64, facts []events.Event, rows ...Row) error {
	if len(facts) == 0 || len(facts) > MaxFacts {
		return permanent("appending to %s: %d facts, want 1 to %d", stream, len(facts), MaxFacts)
	}
	var writes []types.TransactWriteItem
	for i, fact := range facts {
		if want := after + int64(i) + 1; fact.Sequence != want || fact.Subject != stream {
			return permanent("appending to %s: fact %s is for %s at %d, want %d", stream, fact.ID, fact.Subject, fact.Sequence, want)
		}
		body, err := events.Encode(fact)
		if err != nil {
			return permanent("appending to %s: %w", stream, err)
		}
		item := schema.Fact(stream, fact.Sequence).Attributes()
		item["event"] = schema.Text(string(body))
		writes = append(writes, types.TransactWriteItem{Put: &types.Put{
			TableName: &j.table, Item: item, ConditionExpression: aws.String("attribute_not_exists(pk)"),
		}})
	}
	if after == 0 {
		writes = append(writes, j.register(stream))
	}
	for _, row := range rows {
		write, err := row.write(j.records)
		if err != nil {
			return permanent("appending to %s: %w", stream, err)
		}
		writes = append(writes, write)
	}
	return j.commit(ctx, "appending to "+string(stream), writes)
}

// Write writes rows alone, in one transaction.
func (j *Journal) Write(ctx context.Context, rows ...Row) error {
	if len(rows) == 0 {
		return nil
	}
	var writes []types.TransactWriteItem
	for _, row := range rows {
		write, err := row.write(j.records)
		if err != nil {
			return permanent("writing records: %w", err)
		}
		writes = append(writes, write)
	}
	return j.commit(ctx, "writing records", writes)
}

// commit writes one item plainly (half the price of a transaction), several in a
// transaction.
func (j *Journal) commit(ctx context.Context, doing string, writes []types.TransactWriteItem) error {
	var err error
	if len(writes) == 1 && writes[0].Put != nil {
		put := writes[0].Put
		_, err = j.client.PutItem(ctx, &dynamodb.PutItemInput{
			TableName: put.TableName, Item: put.Item, ConditionExpression: put.ConditionExpression,
		})
	} else {
		_, err = j.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: writes})
	}
	switch {
	case err == nil:
		return nil
	case LostRace(err):
		return fmt.Errorf("%s: %w", doing, ErrTaken)
	default:
		return unavailable(doing, err)
	}
}

// LostRace says whether DynamoDB refused a conditional write because somebody else was
// there first: a failed condition and a conflicting transaction mean the same, unless a
// transaction was canceled for something worse beside them.
func LostRace(err error) bool {
	var failed *types.ConditionalCheckFailedException
	var conflict *types.TransactionConflictException
	var canceled *types.TransactionCanceledException
	if errors.As(err, &failed) || errors.As(err, &conflict) {
		return true
	}
	if !errors.As(err, &canceled) {
		return false
	}
	lost := false
	for _, reason := range canceled.CancellationReasons {
		switch aws.ToString(reason.Code) {
		case "ConditionalCheckFailed", "TransactionConflict":
			lost = true
		case "", "None":
		default:
			return false
		}
	}
	return lost
}

// unavailable postpones whatever may go away by itself. What DynamoDB calls invalid
// will not, so it counts as a failure.
func unavailable(doing string, err error) error {
	err = fmt.Errorf("%s: %w", doing, err)
	if isInvalid(err) {
		return &PermanentError{err}
	}
	return portal.Postpone("the journal does not answer", err)
}

// isInvalid: a transaction tells it in its reasons.
func isInvalid(err error) bool {
	var canceled *types.TransactionCanceledException
	if errors.As(err, &canceled) {
		return slices.ContainsFunc(canceled.CancellationReasons, func(reason types.CancellationReason) bool {
			return aws.ToString(reason.Code) == "ValidationError"
		})
	}
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == "ValidationException"
}
