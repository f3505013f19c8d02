package metering

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

type client interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

// Ledger stores what was metered, in the usage table. It is safe for concurrent use. If DynamoDB does
// not answer or refuses the call, the error is *portal.Postponed.
type Ledger struct {
	client client
	table  string
}

// NewLedger returns the Ledger in the usage table named table.
func NewLedger(client client, table string) *Ledger { return &Ledger{client: client, table: table} }

var (
	// errRace means that another process has changed the tally, a key or the record since it was read.
	errRace = errors.New("another process has changed the ledger")
	// errRefused means that DynamoDB will never store the rows of this licence, since one is larger than
	// 400 KB.
	errRefused = errors.New("DynamoDB refuses to store the ledger of a licence")
)

// Region returns the Region in which usage is metered, or "" before the first record.
func (l *Ledger) Region(ctx context.Context) (string, error) {
	item, err := l.get(ctx, schema.MeteringRegion())
	return schema.TextOf(item["region"]), err
}

// keepRegion records the Region if none is recorded, and returns the recorded one.
func (l *Ledger) keepRegion(ctx context.Context, region string) (string, error) {
	item := schema.MeteringRegion().Attributes()
	item["region"] = schema.Text(region)
	_, err := l.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &l.table, Item: item, ConditionExpression: aws.String("attribute_not_exists(pk)")})
	switch {
	case err == nil:
		return region, nil
	case journal.LostRace(err):
		return l.Region(ctx)
	}
	return "", unavailable("writing the Region of the ledger", err)
}

// Tally reads the tally of a licence. Its Version is 0 if nothing was metered.
func (l *Ledger) Tally(ctx context.Context, licence portal.Stream) (Tally, error) {
	item, err := l.get(ctx, schema.MeteringTally(licence))
	if err != nil {
		return Tally{Licence: licence}, err
	}
	return decodeTally(licence, item)
}

func decodeTally(licence portal.Stream, item map[string]types.AttributeValue) (Tally, error) {
	tally := Tally{Licence: licence}
	if err := attributevalue.UnmarshalMap(item, &tally); err != nil {
		return tally, fmt.Errorf("decoding the tally of %s: %w", licence, err)
	}
	tally.Unbilled = copied(tally.Unbilled)
	for _, cause := range []Cause{Elsewhere, AfterEnd} { // earlier versions counted these in Sums
		if quantity := tally.Sums[RecordStatus(cause)]; quantity != 0 {
			tally.Unbilled[cause] += quantity
			delete(tally.Sums, RecordStatus(cause))
		}
	}
	return tally, nil
}

// Records visits the records of a licence, the newest first, until visit returns false.
func (l *Ledger) Records(ctx context.Context, licence portal.Stream, visit func(Record) bool) error {
	return l.RecordsBefore(ctx, licence, "", visit)
}

// RecordsBefore is Records from the record behind the one with the place before, "" for the newest.
func (l *Ledger) RecordsBefore(ctx context.Context, licence portal.Stream, before string, visit func(Record) bool) error {
	of := schema.MeteringRecords(licence)
	in := &dynamodb.QueryInput{
		TableName: &l.table, ConsistentRead: aws.Bool(true), ScanIndexForward: aws.Bool(false),
		KeyConditionExpression: of.Condition(), ExpressionAttributeValues: of.Values(),
	}
	if before != "" {
		in.ExclusiveStartKey = schema.Key{PK: of.PK, SK: of.Begins + before}.Attributes()
	}
	pages := dynamodb.NewQueryPaginator(l.client, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return unavailable("reading the records of "+string(licence), err)
		}
		for _, item := range page.Items {
			record, err := decode(item)
			if err != nil {
				return err
			}
			if !visit(record) {
				return nil
			}
		}
	}
	return nil
}

// write writes the tally, its changed keys and new records in one transaction. For each record it also writes
// the row that lists the record as unanswered. If the stored rows are no longer those of before, it writes
// nothing and returns errRace.
func (l *Ledger) write(ctx context.Context, before Tally, after metered, records []Record) error {
	tally, err := l.putTally(before, after.Tally)
	if err != nil {
		return err
	}
	keys, err := l.putKeys(after.Licence, after.keys)
	if err != nil {
		return err
	}
	items := append([]types.TransactWriteItem{tally}, keys...)
	for _, r := range records {
		item, err := encode(schema.MeteringRecord(r.Licence, r.Hour(), r.Dimension), r)
		if err != nil {
			return err
		}
		items = append(items, l.putVersion(item, 0), types.TransactWriteItem{Put: &types.Put{TableName: &l.table, Item: l.unansweredRow(r)}})
	}
	return l.transact(ctx, "writing the records of "+string(after.Licence), items)
}

func (l *Ledger) putTally(before, after Tally) (types.TransactWriteItem, error) {
	after.Version = before.Version + 1
	item, err := encode(schema.MeteringTally(after.Licence), after)
	return l.putVersion(item, before.Version), err
}

// putVersion writes a row if the stored row has the version before. With 0 there must be no stored row.
func (l *Ledger) putVersion(item map[string]types.AttributeValue, before int64) types.TransactWriteItem {
	put := &types.Put{TableName: &l.table, Item: item, ConditionExpression: aws.String("attribute_not_exists(pk)")}
	if before > 0 {
		put.ConditionExpression = aws.String("version = :before")
		put.ExpressionAttributeValues = map[string]types.AttributeValue{":before": schema.Number(before)}
	}
	return types.TransactWriteItem{Put: put}
}

func (l *Ledger) unansweredRow(r Record) map[string]types.AttributeValue {
	item := schema.MeteringUnanswered(r.Product, r.Licence, r.Hour(), r.Dimension).Attributes()
	record := schema.MeteringRecord(r.Licence, r.Hour(), r.Dimension)
	item["record_pk"], item["record_sk"] = schema.Text(record.PK), schema.Text(record.SK)
	return item
}

// unanswered reads records that AWS has not answered yet, in the order of their rows. It begins behind the row
// after, or at the first row with "". next is "" if there are no more.
func (l *Ledger) unanswered(ctx context.Context, of schema.Range, after string, limit int32) (records []Record, next string, err error) {
	in := &dynamodb.QueryInput{
		TableName: &l.table, ConsistentRead: aws.Bool(true), Limit: &limit, KeyConditionExpression: of.Condition(), ExpressionAttributeValues: of.Values(),
	}
	if after != "" {
		in.ExclusiveStartKey = schema.Key{PK: of.PK, SK: after}.Attributes()
	}
	out, err := l.client.Query(ctx, in)
	if err != nil {
		return nil, "", unavailable("reading the records that AWS has not answered", err)
	}
	for _, item := range out.Items {
		key := schema.Key{PK: schema.TextOf(item["record_pk"]), SK: schema.TextOf(item["record_sk"])}
		row, err := l.get(ctx, key)
		if err != nil {
			return nil, "", err
		}
		record, err := decode(row)
		if err != nil {
			return nil, "", err
		}
		records = append(records, record)
	}
	if out.LastEvaluatedKey != nil {
		next = schema.KeyOf(out.LastEvaluatedKey).SK
	}
	return records, next, nil
}

// noteTry counts a try in the record's row. The caller sends the record afterwards, if ok. ok is false if
// another process has sent the record since it was read, or if its outcome is known.
func (l *Ledger) noteTry(ctx context.Context, r Record, now time.Time) (tried Record, ok bool, err error) {
	_, err = l.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &l.table, Key: schema.MeteringRecord(r.Licence, r.Hour(), r.Dimension).Attributes(),
		UpdateExpression:         aws.String("SET tries = tries + :one, unsure = unsure + :one, sent = :now"),
		ConditionExpression:      aws.String("#status = :written AND tries = :tries"),
		ExpressionAttributeNames: map[string]string{"#status": "status"},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":one": schema.Number(1), ":now": schema.Time(now), ":written": schema.Text(string(Written)), ":tries": schema.Number(int64(r.Tries)),
		},
	})
	switch {
	case journal.LostRace(err):
		return r, false, nil
	case err != nil:
		return r, false, unavailable("noting a try", err)
	}
	r.Tries, r.MaybeBilled, r.Sent = r.Tries+1, r.MaybeBilled+1, now.UTC()
	return r, true, nil
}

// notBilled notes that AWS has certainly not billed the record in the last try. It changes nothing if the
// record was sent again since, or its outcome is known.
func (l *Ledger) notBilled(ctx context.Context, r Record) error {
	_, err := l.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &l.table, Key: schema.MeteringRecord(r.Licence, r.Hour(), r.Dimension).Attributes(),
		UpdateExpression:         aws.String("SET unsure = unsure - :one"),
		ConditionExpression:      aws.String("#status = :written AND tries = :tries AND unsure = :unsure"),
		ExpressionAttributeNames: map[string]string{"#status": "status"},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":one": schema.Number(1), ":written": schema.Text(string(Written)), ":tries": schema.Number(int64(r.Tries)), ":unsure": schema.Number(int64(r.MaybeBilled)),
		},
	})
	if err == nil || journal.LostRace(err) {
		return nil
	}
	return unavailable("noting an answer", err)
}

const maxRaces = 16

// noteOutcome writes the outcome of a record that was sent, and counts it in the tally. It changes nothing if the
// outcome is known already, except that Accepted replaces TooLate.
func (l *Ledger) noteOutcome(ctx context.Context, tried Record, now time.Time) error {
	key := schema.MeteringRecord(tried.Licence, tried.Hour(), tried.Dimension)
	for range maxRaces {
		before, err := l.Tally(ctx, tried.Licence)
		if err != nil {
			return err
		}
		row, err := l.get(ctx, key)
		if err != nil {
			return err
		}
		current, err := decode(row)
		if err != nil {
			return err
		}
		if current.Status != Written && (tried.Status != Accepted || current.Status != TooLate) {
			return nil
		}
		ended := current
		ended.Status, ended.Code, ended.ID, ended.Ended = tried.Status, tried.Code, tried.ID, now.UTC()
		mayBeBilled := ended.Status == Returned || ended.Status == NotSubscribed
		if mayBeBilled && (current.MaybeBilled > 1 || current.Tries != tried.Tries) {
			ended.Status = TooLate
		}
		after := before.clone()
		after.recount(current, ended)
		tally, err := l.putTally(before, after)
		if err != nil {
			return err
		}
		record, err := encode(key, ended)
		if err != nil {
			return err
		}
		err = l.transact(ctx, "writing an outcome of "+string(tried.Licence), []types.TransactWriteItem{
			tally,
			{Put: &types.Put{
				TableName: &l.table, Item: record, ConditionExpression: aws.String("#status = :before AND tries = :tries AND unsure = :unsure"),
				ExpressionAttributeNames: map[string]string{"#status": "status"},
				ExpressionAttributeValues: map[string]types.AttributeValue{
					":before": schema.Text(string(current.Status)), ":tries": schema.Number(int64(current.Tries)), ":unsure": schema.Number(int64(current.MaybeBilled)),
				},
			}},
			{Delete: &types.Delete{TableName: &l.table, Key: schema.MeteringUnanswered(current.Product, current.Licence, current.Hour(), current.Dimension).Attributes()}},
		})
		if !errors.Is(err, errRace) {
			return err
		}
	}
	return &portal.Postponed{After: time.Second, Reason: "other processes change the ledger"}
}

// recount moves a record's quantity from the sum of its old status to that of its new one.
func (t *Tally) recount(before, after Record) {
	t.Sums[before.Status] -= before.Quantity
	switch after.Status {
	case Returned:
		if t.Closed.IsZero() {
			t.Returned[after.Dimension] += after.Quantity
		} else {
			t.Unbilled[AfterEnd] += after.Quantity
		}
		return
	case Accepted:
		if after.At.After(t.Last) {
			t.Last = after.At
		}
	}
	t.Sums[after.Status] += after.Quantity
}

func (l *Ledger) get(ctx context.Context, key schema.Key) (map[string]types.AttributeValue, error) {
	out, err := l.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &l.table, ConsistentRead: aws.Bool(true), Key: key.Attributes()})
	if err != nil {
		return nil, unavailable("reading row "+key.PK+" "+key.SK, err)
	}
	return out.Item, nil
}

func (l *Ledger) transact(ctx context.Context, doing string, items []types.TransactWriteItem) error {
	_, err := l.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: items})
	switch {
	case err == nil:
		return nil
	case journal.LostRace(err):
		return errRace
	case journal.Invalid(err):
		return fmt.Errorf("%s: %w: %w", doing, errRefused, err)
	}
	return unavailable(doing, err)
}

func encode(key schema.Key, value any) (map[string]types.AttributeValue, error) {
	item, err := attributevalue.MarshalMap(value)
	if err != nil {
		return nil, fmt.Errorf("encoding row %s %s: %w", key.PK, key.SK, err)
	}
	maps.Copy(item, key.Attributes())
	return item, nil
}

func decode(item map[string]types.AttributeValue) (r Record, err error) {
	if err := attributevalue.UnmarshalMap(item, &r); err != nil {
		return r, fmt.Errorf("decoding record %s %s: %w", schema.KeyOf(item).PK, schema.KeyOf(item).SK, err)
	}
	return r, nil
}

func unavailable(doing string, err error) error {
	return portal.Postpone("the usage table does not answer", fmt.Errorf("%s: %w", doing, err))
}
