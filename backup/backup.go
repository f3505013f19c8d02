package backup

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// Source is what a backup reads from.
type Source interface {
	Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
}

// Names are the names of the tables in AWS.
type Names struct{ Journal, Records, Usage, Views, Sessions string }

// Backup writes backups. It needs the same memory for any number of rows.
type Backup struct {
	Source  Source
	Names   Names
	Prefix  string
	Region  string
	Version string
	Now     func() time.Time
	// Wait waits before a throttled call is repeated.
	Wait func(ctx context.Context, d time.Duration) error
}

// clockSlack is how much the clocks of processes may differ.
const clockSlack = time.Minute

type writing struct {
	*Backup
	file     *fileWriter
	began    time.Time
	progress func(of Table, rows int)
	// dueRead is when the due rows were last read.
	dueRead time.Time
	// identities are the identities of the people on the page that was read last.
	identities []string
}

// Write writes a backup and returns how many rows it has. If it fails, the file is incomplete, and a
// restore refuses it. progress gets the number of rows of a table that are written so far.
func (b *Backup) Write(ctx context.Context, to io.Writer, progress func(of Table, rows int)) (Counts, error) {
	began := b.Now().UTC()
	file, err := newFileWriter(to, Header{Format: Format, MadeBy: b.Version, Prefix: b.Prefix, Region: b.Region, Began: began, Tables: Tables()})
	if err != nil {
		return nil, err
	}
	w := &writing{Backup: b, file: file, began: began, progress: progress}
	for _, part := range []func(context.Context) error{w.allDueRows, w.journal, w.dueSoon, w.records, w.usage} {
		if err := part(ctx); err != nil {
			return nil, err
		}
	}
	return file.counts, file.end(b.Now().UTC())
}

// While the journal is read, the due rows that fall due within dueAhead are read again every dueEvery. The rows of
// licences stay for two minutes at least. Others stay longer, or what they ask for is done when they are gone; those
// of requests are added, and the sweep finds open wishes.
const (
	dueEvery = time.Minute
	dueAhead = 5 * time.Minute
)

// allDueRows are read before the journal, since a worker deletes a due row together with the fact that ends it.
func (w *writing) allDueRows(ctx context.Context) error {
	return w.dueRows(ctx, "~") // the sort keys begin with digits
}

// dueSoon adds the rows that were written since the last look. A worker may delete such a row before the
// records are read, although its fact is in the file and the fact that ended it is not.
func (w *writing) dueSoon(ctx context.Context) error {
	return w.dueRows(ctx, schema.Milliseconds(w.Now().Add(dueAhead)))
}

// dueRows writes the due rows whose sort keys come before a text.
func (w *writing) dueRows(ctx context.Context, before string) error {
	w.dueRead = w.Now()
	for shard := range schema.DueShards {
		in := &dynamodb.QueryInput{
			TableName: &w.Names.Records, ConsistentRead: aws.Bool(true),
			KeyConditionExpression:    aws.String("pk = :pk AND sk < :before"),
			ExpressionAttributeValues: map[string]types.AttributeValue{":pk": schema.Text(schema.DuePartition(shard)), ":before": schema.Text(before)},
		}
		for more := true; more; more = in.ExclusiveStartKey != nil {
			var page *dynamodb.QueryOutput
			err := retry(ctx, w.Wait, func() (err error) {
				page, err = w.Source.Query(ctx, in)
				return err
			})
			if err != nil {
				return fmt.Errorf("reading due rows: %w", err)
			}
			if err := w.each(ctx, Records, page.Items, w.put); err != nil {
				return err
			}
			in.ExclusiveStartKey = page.LastEvaluatedKey
		}
	}
	return nil
}

// journal leaves out the list of streams, which follows from the facts.
func (w *writing) journal(ctx context.Context) error {
	return w.scan(ctx, Journal, w.Names.Journal, func(ctx context.Context, of Table, row item) error {
		if w.Now().Sub(w.dueRead) >= dueEvery {
			if err := w.dueSoon(ctx); err != nil {
				return err
			}
		}
		if schema.IsRegistered(schema.KeyOf(row)) {
			return nil
		}
		return w.put(ctx, of, row)
	})
}

func (w *writing) records(ctx context.Context) error {
	return w.scan(ctx, Records, w.Names.Records, func(ctx context.Context, of Table, row item) error {
		key := schema.KeyOf(row)
		if schema.LeftOut(key) {
			return nil
		}
		if err := w.put(ctx, of, row); err != nil {
			return err
		}
		if schema.IsOperation(key) {
			return w.addDueRow(ctx, row)
		}
		_, isPerson := schema.PersonOf(key)
		if name := schema.TextOf(row["identity"]); isPerson && name != "" {
			w.identities = append(w.identities, name)
		}
		return nil
	})
}

func (w *writing) usage(ctx context.Context) error {
	return w.scan(ctx, Usage, w.Names.Usage, w.put)
}

// addDueRow adds the due row of a request that was accepted while the backup ran, so that the request is
// sent again after a restore: the file may lack its facts and its own due row. A worker drops the added row
// if the request has led to something.
func (w *writing) addDueRow(ctx context.Context, row item) error {
	var operation struct {
		ID        portal.OperationID `dynamodbav:"id"`
		Subject   portal.Stream      `dynamodbav:"subject"`
		CreatedAt time.Time          `dynamodbav:"created_at"`
	}
	if err := attributevalue.UnmarshalMap(row, &operation); err != nil || operation.CreatedAt.Before(w.began.Add(-clockSlack)) {
		return nil //nolint:nilerr // a row that this version cannot read is backed up as it is
	}
	again := due.OfOperation(operation.Subject, operation.ID, operation.CreatedAt)
	added, err := attributevalue.MarshalMap(again)
	if err != nil {
		return fmt.Errorf("encoding the due row of operation %s: %w", operation.ID, err)
	}
	maps.Copy(added, again.Place().Attributes())
	return w.put(ctx, Records, added)
}

const mostGets = 100

// identitiesOf adds the identities of the people on a page. Without them, a person who first signed in after
// the journal was read would get another account after a restore.
func (w *writing) identitiesOf(ctx context.Context) error {
	for names := range slices.Chunk(w.identities, mostGets) {
		keys := make([]item, len(names))
		for i, name := range names {
			keys[i] = schema.Identity(name).Attributes()
		}
		left := map[string]types.KeysAndAttributes{w.Names.Journal: {Keys: keys, ConsistentRead: aws.Bool(true)}}
		err := retry(ctx, w.Wait, func() error {
			out, err := w.Source.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: left})
			if err != nil {
				return err
			}
			for _, row := range out.Responses[w.Names.Journal] {
				if err := w.put(ctx, Journal, row); err != nil {
					return err
				}
			}
			if left = out.UnprocessedKeys; len(left) > 0 {
				return errUnprocessed
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("reading identities: %w", err)
		}
	}
	w.identities = w.identities[:0]
	return nil
}

func (w *writing) scan(ctx context.Context, of Table, name string, visit func(context.Context, Table, item) error) error {
	in := &dynamodb.ScanInput{TableName: &name, ConsistentRead: aws.Bool(true)}
	for more := true; more; more = in.ExclusiveStartKey != nil {
		var page *dynamodb.ScanOutput
		err := retry(ctx, w.Wait, func() (err error) {
			page, err = w.Source.Scan(ctx, in)
			return err
		})
		if err != nil {
			return fmt.Errorf("reading table %s: %w", name, err)
		}
		if err := w.each(ctx, of, page.Items, visit); err != nil {
			return err
		}
		in.ExclusiveStartKey = page.LastEvaluatedKey
	}
	return nil
}

func (w *writing) each(ctx context.Context, of Table, rows []map[string]types.AttributeValue, visit func(context.Context, Table, item) error) error {
	for _, row := range rows {
		if err := visit(ctx, of, row); err != nil {
			return err
		}
	}
	if err := w.identitiesOf(ctx); err != nil {
		return err
	}
	w.progress(of, w.file.counts[of])
	return ctx.Err()
}

func (w *writing) put(_ context.Context, of Table, row item) error { return w.file.row(of, row) }

// Describe lists counts as text, such as "120 of journal, 300 of records".
func (c Counts) Describe() string {
	var parts []string
	for _, of := range Tables() {
		parts = append(parts, fmt.Sprintf("%d of %s", c[of], of))
	}
	return strings.Join(parts, ", ")
}
