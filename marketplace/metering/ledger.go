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

// Ledger stores what was metered, in the usage table. It is safe for concurrent use. If DynamoDB
// does not answer or refuses, the error is *portal.Postponed.
type Ledger struct {
	client client
	table  string
}

// NewLedger returns the Ledger in the usage table of that name.
func NewLedger(client client, table string) *Ledger { return &Ledger{client: client, table: table} }

var (
	// errRace: another process has changed the head or the record meanwhile.
	errRace = errors.New("another process has changed the ledger")
	// errRefused: DynamoDB will never store the rows of this licence as they are, since one is larger than
	// 400 KB.
	errRefused = errors.New("DynamoDB refuses to store the ledger of a licence")
)

// Region is where usage is metered, "" before the first record.
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

// Head reads what was metered for a licence; its Version is 0 if nothing was.
func (l *Ledger) Head(ctx context.Context, licence portal.Stream) (Head, error) {
	head := Head{Licence: licence}
	item, err := l.get(ctx, schema.MeteringHead(licence))
	if err != nil {
		return head, err
	}
	if err := attributevalue.UnmarshalMap(item, &head); err != nil {
		return head, fmt.Errorf("decoding the head of %s: %w", licence, err)
	}
	return head, nil
}

// Records visits the records of a licence, the newest first, until visit returns false.
func (l *Ledger) Records(ctx context.Context, licence portal.Stream, visit func(Record) bool) error {
	of := schema.MeteringRecords(licence)
	pages := dynamodb.NewQueryPaginator(l.client, &dynamodb.QueryInput{
		TableName: &l.table, ConsistentRead: aws.Bool(true), ScanIndexForward: aws.Bool(false),
		KeyConditionExpression: of.Condition(), ExpressionAttributeValues: of.Values(),
	})
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

// write writes the head and new records in one transaction, with a row for each that says that its
// outcome is open. It returns errRace if the stored head is no longer before, and then writes nothing.
func (l *Ledger) write(ctx context.Context, before, after Head, records []Record) error {
	after.Version = before.Version + 1
	head, err := l.putHead(before, after)
	if err != nil {
		return err
	}
	items := []types.TransactWriteItem{head}
	for _, r := range records {
		item, err := encode(schema.MeteringRecord(r.Licence, r.Hour(), r.Dimension), r)
		if err != nil {
			return err
		}
		items = append(items,
			types.TransactWriteItem{Put: &types.Put{TableName: &l.table, Item: item, ConditionExpression: aws.String("attribute_not_exists(pk)")}},
			types.TransactWriteItem{Put: &types.Put{TableName: &l.table, Item: l.unsentRow(r)}},
		)
	}
	return l.transact(ctx, "writing the records of "+string(after.Licence), items)
}

func (l *Ledger) putHead(before, after Head) (types.TransactWriteItem, error) {
	item, err := encode(schema.MeteringHead(after.Licence), after)
	if err != nil {
		return types.TransactWriteItem{}, err
	}
	put := &types.Put{TableName: &l.table, Item: item, ConditionExpression: aws.String("attribute_not_exists(pk)")}
	if before.Version > 0 {
		put.ConditionExpression = aws.String("version = :before")
		put.ExpressionAttributeValues = map[string]types.AttributeValue{":before": schema.Number(before.Version)}
	}
	return types.TransactWriteItem{Put: put}, nil
}

func (l *Ledger) unsentRow(r Record) map[string]types.AttributeValue {
	item := schema.MeteringUnsent(r.Product, r.Licence, r.Hour(), r.Dimension).Attributes()
	record := schema.MeteringRecord(r.Licence, r.Hour(), r.Dimension)
	item["record_pk"], item["record_sk"] = schema.Text(record.PK), schema.Text(record.SK)
	return item
}

// unsent reads records whose outcome is open, also those that were sent. It begins behind the row after,
// "" for the first.
// next is "" if there are no more.
func (l *Ledger) unsent(ctx context.Context, of schema.Range, after string, limit int32) (records []Record, next string, err error) {
	in := &dynamodb.QueryInput{
		TableName: &l.table, ConsistentRead: aws.Bool(true), Limit: &limit, KeyConditionExpression: of.Condition(), ExpressionAttributeValues: of.Values(),
	}
	if after != "" {
		in.ExclusiveStartKey = schema.Key{PK: of.PK, SK: after}.Attributes()
	}
	out, err := l.client.Query(ctx, in)
	if err != nil {
		return nil, "", unavailable("reading the unsent records", err)
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

// try notes that the record is sent now. ok is false if another process has sent it since it was
// read, or its outcome is known.
func (l *Ledger) try(ctx context.Context, r Record, now time.Time) (tried Record, ok bool, err error) {
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
	r.Tries, r.Unsure, r.Sent = r.Tries+1, r.Unsure+1, now.UTC()
	return r, true, nil
}

// sure notes that AWS has certainly not metered the record in the last try. It changes nothing if the
// record was sent again since, or its outcome is known.
func (l *Ledger) sure(ctx context.Context, r Record) error {
	_, err := l.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &l.table, Key: schema.MeteringRecord(r.Licence, r.Hour(), r.Dimension).Attributes(),
		UpdateExpression:         aws.String("SET unsure = unsure - :one"),
		ConditionExpression:      aws.String("#status = :written AND tries = :tries AND unsure = :unsure"),
		ExpressionAttributeNames: map[string]string{"#status": "status"},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":one": schema.Number(1), ":written": schema.Text(string(Written)), ":tries": schema.Number(int64(r.Tries)), ":unsure": schema.Number(int64(r.Unsure)),
		},
	})
	if err == nil || journal.LostRace(err) {
		return nil
	}
	return unavailable("noting an answer", err)
}

const maxRaces = 16

// end writes the outcome of a record that was tried, with the head. It changes nothing if the outcome
// is known. Accepted replaces TooLate. change adapts the head, and may be nil.
func (l *Ledger) end(ctx context.Context, tried Record, now time.Time, change func(*Head)) error {
	key := schema.MeteringRecord(tried.Licence, tried.Hour(), tried.Dimension)
	for range maxRaces {
		before, err := l.Head(ctx, tried.Licence)
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
		if ended.Status == Returned && (current.Unsure > 1 || current.Tries != tried.Tries) {
			ended.Status = TooLate
		}
		after := before.clone()
		after.Version++
		after.move(current, ended)
		if change != nil {
			change(&after)
		}
		head, err := l.putHead(before, after)
		if err != nil {
			return err
		}
		record, err := encode(key, ended)
		if err != nil {
			return err
		}
		err = l.transact(ctx, "writing an outcome of "+string(tried.Licence), []types.TransactWriteItem{
			head,
			{Put: &types.Put{
				TableName: &l.table, Item: record, ConditionExpression: aws.String("#status = :before AND tries = :tries AND unsure = :unsure"),
				ExpressionAttributeNames: map[string]string{"#status": "status"},
				ExpressionAttributeValues: map[string]types.AttributeValue{
					":before": schema.Text(string(current.Status)), ":tries": schema.Number(int64(current.Tries)), ":unsure": schema.Number(int64(current.Unsure)),
				},
			}},
			{Delete: &types.Delete{TableName: &l.table, Key: schema.MeteringUnsent(current.Product, current.Licence, current.Hour(), current.Dimension).Attributes()}},
		})
		if !errors.Is(err, errRace) {
			return err
		}
	}
	return &portal.Postponed{After: time.Second, Reason: "others change the ledger"}
}

// move counts a record's quantity under its new status.
func (h *Head) move(before, after Record) {
	h.Sums[before.Status] -= before.Quantity
	switch after.Status {
	case Returned:
		if h.Closed.IsZero() {
			h.Returned[after.Dimension] += after.Quantity
		} else {
			h.Sums[Closed] += after.Quantity
		}
		return
	case Accepted:
		if after.At.After(h.Last) {
			h.Last = after.At
		}
	}
	h.Sums[after.Status] += after.Quantity
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
