// Package journal is the truth and the audit log: append-only streams of facts in DynamoDB. Only
// one fact can have a stream's next sequence number, so a request is decided once.
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
	"github.com/gatehouse-portal/gatehouse/traces"
)

// ErrTaken: another writer took the next sequence number, or a concurrent transaction touched
// the same items. Reload the stream and decide again.
var ErrTaken = errors.New("another writer was first")

// PermanentError is an error that retrying cannot fix: a stream has something unreadable, or
// the items can never be written.
type PermanentError struct{ Err error }

func (u *PermanentError) Error() string { return u.Err.Error() }

func (u *PermanentError) Unwrap() error { return u.Err }

func permanent(format string, args ...any) error { return &PermanentError{fmt.Errorf(format, args...)} }

// MaxFacts is how many facts one append takes.
const MaxFacts = 25

type client interface {
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

// Journal reads and appends facts. It is safe for concurrent use.
type Journal struct {
	client  client
	table   string
	records string
}

// New returns a Journal of facts in table, with the rows that belong to them in records.
func New(client client, table, records string) *Journal {
	return &Journal{client: client, table: table, records: records}
}

// Read returns the stream's facts after that sequence, in order and consistently: it sees every
// acknowledged Append. Facts of a type that only newer code knows are events.Unknown. If the
// table does not answer, the error is *portal.Postponed; if a fact cannot be read, it is
// *PermanentError.
func (j *Journal) Read(ctx context.Context, stream portal.Stream, after int64) ([]events.Event, error) {
	facts, _, err := j.read(ctx, stream, after, 0)
	return facts, err
}

// ReadUpTo is Read with at most limit facts; more: others may follow.
func (j *Journal) ReadUpTo(ctx context.Context, stream portal.Stream, after int64, limit int) (facts []events.Event, more bool, err error) {
	return j.read(ctx, stream, after, limit)
}

func (j *Journal) read(ctx context.Context, stream portal.Stream, after int64, limit int) (facts []events.Event, more bool, err error) {
	in := &dynamodb.QueryInput{
		TableName:              &j.table,
		ConsistentRead:         aws.Bool(true),
		KeyConditionExpression: aws.String("pk = :stream AND sk > :after"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":stream": schema.Text(string(stream)),
			":after":  schema.Text(schema.Sequence(after)),
		},
	}
	if limit > 0 {
		in.Limit = aws.Int32(int32(limit))
	}
	pages := dynamodb.NewQueryPaginator(j.client, in)
	for pages.HasMorePages() && (limit == 0 || len(facts) < limit) {
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

// Append adds the facts, which must have the sequences after+1, after+2, …, and writes the
// rows, all in one transaction. It returns ErrTaken if the stream is no longer at after, and
// *PermanentError for facts and rows that can never be written. A call repeated after a lost
// answer may find its own facts and return ErrTaken; the caller recognises them by their
// causation.
func (j *Journal) Append(ctx context.Context, stream portal.Stream, after int64, facts []events.Event, rows ...Row) error {
	if len(facts) == 0 || len(facts) > MaxFacts {
		return permanent("appending to %s: %d facts, want 1 to %d", stream, len(facts), MaxFacts)
	}
	ctx, span := traces.Start(ctx, traces.Internal, "append facts", "")
	defer span.End()
	span.Set(traces.Subject, string(stream))
	span.SetInt(traces.Facts, len(facts))
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
		write, err := row.write(j.table, j.records)
		if err != nil {
			return permanent("appending to %s: %w", stream, err)
		}
		writes = append(writes, write)
	}
	return j.commit(ctx, "appending to "+string(stream), writes)
}

// Write writes only rows, in one transaction.
func (j *Journal) Write(ctx context.Context, rows ...Row) error {
	if len(rows) == 0 {
		return nil
	}
	var writes []types.TransactWriteItem
	for _, row := range rows {
		write, err := row.write(j.table, j.records)
		if err != nil {
			return permanent("writing records: %w", err)
		}
		writes = append(writes, write)
	}
	return j.commit(ctx, "writing records", writes)
}

// commit writes a single item without a transaction, at half the price.
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

// LostRace reports whether DynamoDB refused a conditional write because another writer was first:
// a failed condition or a conflicting transaction, and no other reason.
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

// unavailable postpones errors that a retry may fix. Validation errors are permanent.
func unavailable(doing string, err error) error {
	err = fmt.Errorf("%s: %w", doing, err)
	if Invalid(err) {
		return &PermanentError{err}
	}
	return portal.Postpone("the journal does not answer", err)
}

// Invalid reports whether DynamoDB refused a write because of what it holds, such as a row of more than
// 400 KB. It refuses the same write again.
func Invalid(err error) bool {
	var canceled *types.TransactionCanceledException
	if errors.As(err, &canceled) {
		return slices.ContainsFunc(canceled.CancellationReasons, func(reason types.CancellationReason) bool {
			return aws.ToString(reason.Code) == "ValidationError"
		})
	}
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == "ValidationException"
}
